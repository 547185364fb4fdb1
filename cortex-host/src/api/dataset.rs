//! Generated datasets by name.

use std::path::Path;

use super::Manifest;
use super::value::{Value, put};
use crate::base::digest::{Algorithm, FileDigest};
use crate::base::{Failure, Progress};
use crate::config::{self, DatasetConfig, Entry, Node, Source};
use crate::generate::{
    self, Blocks, FileOptions, GenerateError, MOST_THREADS, Place, Recipe, Settings,
};
use crate::primitive::{DEFAULT_CONFIG, Library};
use crate::recording::labels::synthetic_names;
use crate::synthetic::{self, GeneratedDataset, first_generator, generated};

/// A dataset of the signal of this name: `pink_noise`, `sine_wave`, ...
///
/// ```
/// let dataset = cortex_host::generate("pink_noise")
///     .channels(64)
///     .sample_rate_hz(160.0)
///     .set("duration_s", 2.0)
///     .set("seed", 42)
///     .build()?;
/// let mut samples = vec![0.0; dataset.len()];
/// dataset.fill_slice(&mut samples)?;
/// assert_eq!(samples.len(), 64 * 320);
/// # Ok::<(), cortex_host::Error>(())
/// ```
#[must_use]
pub fn generate(signal: &str) -> DatasetBuilder {
    DatasetBuilder {
        primitive: None,
        signal: signal.to_owned(),
        channels: None,
        sample_rate_hz: None,
        params: Vec::new(),
        threads: None,
        replace: false,
        digest: Algorithm::default(),
        progress: Progress::new(),
    }
    .set("signal_type", signal)
}

/// The dataset of the built-in quickstart, to be changed or built as it is.
#[must_use]
pub fn quickstart_dataset() -> DatasetBuilder {
    let (name, text) = DEFAULT_CONFIG;
    let source = Source { name: name.into(), text: text.into(), folder: None };
    let config = config::parse(&source).ok().and_then(|config| config.dataset);
    let DatasetConfig { path, channels, sample_rate_hz, params, .. } =
        config.map(|at| at.value).unwrap_or_default();
    DatasetBuilder {
        primitive: path.map(|at| at.value),
        channels: channels.map(|at| at.value),
        sample_rate_hz: sample_rate_hz.map(|at| at.value),
        params: params.map(|at| at.value.into_entries()).unwrap_or_default(),
        ..generate("")
    }
}

/// The names of a generated dataset's channels in headers: `E0001`, `E0002`, ...
#[must_use]
pub fn channel_names(channels: usize) -> Vec<String> {
    synthetic_names(channels)
}

/// What is wanted of a dataset; made by [`generate`].
#[derive(Clone, Debug)]
pub struct DatasetBuilder {
    /// The first version's that has `signal` when none is given.
    primitive: Option<String>,
    signal: String,
    channels: Option<u64>,
    sample_rate_hz: Option<f64>,
    params: Vec<Entry>,
    threads: Option<usize>,
    replace: bool,
    digest: Algorithm,
    progress: Progress,
}

impl DatasetBuilder {
    /// The generator: a path such as `primitives/datasets/v2/synthetic`, or its version alone, `v2`.
    /// Default: the first version that has the signal.
    #[must_use]
    pub fn generator(mut self, path: &str) -> Self {
        let version = path.strip_prefix('v').is_some_and(|digits| digits.parse::<u16>().is_ok());
        let primitive =
            if version { format!("primitives/datasets/{path}/synthetic") } else { path.into() };
        self.primitive = Some(primitive);
        self
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(mut self, channels: u64) -> Self {
        self.channels = Some(channels);
        self
    }

    /// Sample rate in Hz.
    #[must_use]
    pub fn sample_rate_hz(mut self, sample_rate_hz: f64) -> Self {
        self.sample_rate_hz = Some(sample_rate_hz);
        self
    }

    /// A parameter by its name in configurations: `duration_s`, `seed`, `amplitude_uv_rms`, ... The
    /// last value given counts.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        put(&mut self.params, name, value.into());
        self
    }

    /// Threads to generate with, 1 to 1024. Default: one per processor. The bytes are the same.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Whether [`Dataset::write`] replaces files that exist. Default: no.
    #[must_use]
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Whether manifests get SHA-256, which every system can check, instead of BLAKE3, which is
    /// several times as fast. Default: no.
    #[must_use]
    pub fn sha256(mut self, sha256: bool) -> Self {
        self.digest = if sha256 { Algorithm::Sha256 } else { Algorithm::default() };
        self
    }

    /// Cancels the generation from another thread, and is told of the values generated.
    #[must_use]
    pub fn progress(mut self, progress: &Progress) -> Self {
        self.progress = progress.clone();
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// A sentence that names the parameter that is missing, unknown or out of its range.
    pub fn build(self) -> Result<Dataset, Failure> {
        let most = usize::from(MOST_THREADS);
        if let Some(threads) = self.threads.filter(|threads| !(1..=most).contains(threads)) {
            return Err(Failure::usage(format!(
                "threads must be a whole number from 1 to {most}, but it is {threads}"
            )));
        }
        let primitive = self.primitive.unwrap_or_else(|| first_generator(&self.signal));
        let config = DatasetConfig {
            path: Some(primitive.into()),
            channels: self.channels.map(Into::into),
            sample_rate_hz: self.sample_rate_hz.map(Into::into),
            params: Some(Node::plain(config::Value::Mapping(self.params)).into()),
            ..DatasetConfig::default()
        };
        let dataset = generated(&config.into(), &Library::new(None))
            .map_err(|problem| problem.in_source("generate"))?;
        let automatic = Settings::automatic();
        let settings = Settings { threads: self.threads.unwrap_or(automatic.threads), ..automatic };
        let values = usize::try_from(dataset.samples)
            .ok()
            .and_then(|samples| samples.checked_mul(dataset.channels));
        Ok(Dataset {
            recipe: Recipe::of(&dataset),
            values,
            dataset,
            settings,
            replace: self.replace,
            digest: self.digest,
            progress: self.progress,
        })
    }
}

/// A dataset that can be generated: a pure function of its parameters, the same bytes everywhere.
///
/// Values are microvolts, interleaved: sample after sample, each with the value of every channel.
#[derive(Clone, Debug)]
pub struct Dataset {
    dataset: GeneratedDataset,
    recipe: Recipe,
    /// None when they are more than this machine can address.
    values: Option<usize>,
    settings: Settings,
    replace: bool,
    digest: Algorithm,
    progress: Progress,
}

impl Dataset {
    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.dataset.channels
    }

    /// Samples per channel: the duration times the sample rate, rounded to the nearest.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.dataset.samples
    }

    /// Sample rate in Hz.
    #[must_use]
    pub fn sample_rate_hz(&self) -> f64 {
        self.dataset.spec.sample_rate_hz
    }

    /// Number of values, samples x channels; `usize::MAX` for more than this machine can address.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is at least one sample")]
    pub fn len(&self) -> usize {
        self.values.unwrap_or(usize::MAX)
    }

    /// Generates into `samples`, [`Dataset::len`] values, with all cores.
    ///
    /// # Errors
    /// The slice has another length, or the generation was cancelled; what the slice holds then is
    /// undefined.
    pub fn fill_slice(&self, samples: &mut [f32]) -> Result<(), Failure> {
        self.fill(samples, None)?;
        Ok(())
    }

    /// The same, with the manifest of what was generated.
    ///
    /// # Errors
    /// As [`Dataset::fill_slice`].
    pub fn fill_slice_with_manifest(&self, samples: &mut [f32]) -> Result<Manifest, Failure> {
        let digest =
            self.fill(samples, Some(self.digest))?.unwrap_or_else(|| unreachable!("digested"));
        let manifest = synthetic::Manifest::now(&self.dataset, None, digest);
        let manifest = manifest.map_err(GenerateError::from)?;
        Ok(Manifest { manifest, warnings: Vec::new() })
    }

    fn fill(
        &self,
        samples: &mut [f32],
        algorithm: Option<Algorithm>,
    ) -> Result<Option<FileDigest>, GenerateError> {
        generate::fill_slice(&self.recipe, samples, algorithm, &self.settings, &self.progress)
    }

    /// All values in memory.
    ///
    /// # Errors
    /// There is not that much memory, or the generation was cancelled.
    pub fn to_vec(&self) -> Result<Vec<f32>, Failure> {
        let mut samples = self.room()?;
        self.fill_slice(&mut samples)?;
        Ok(samples)
    }

    fn room(&self) -> Result<Vec<f32>, Failure> {
        let no_room = || {
            Failure::input_output(format!(
                "no memory for {} bytes; write the dataset to a file, or take it in blocks",
                self.dataset.samples.saturating_mul(self.dataset.channels as u64 * 4)
            ))
        };
        let len = self.values.ok_or_else(no_room)?;
        // Asked for first, since zeros that cannot be had would end the process.
        Vec::<f32>::new().try_reserve_exact(len).map_err(|_| no_room())?;
        Ok(vec![0.0; len])
    }

    /// Writes the dataset to the file `path`, with its manifest beside it, in the format of its
    /// extension: raw `.float32` with a BrainVision header beside it, `.vhdr`, `.edf`, `.bdf` or
    /// `.npy`. The file appears under its name only when it is whole. What a format cannot keep as it
    /// is, the manifest's [`warnings`](Manifest::warnings) say.
    ///
    /// # Errors
    /// A file exists and is not to be replaced, or cannot be written; no format has the extension,
    /// or the one that has it cannot hold the samples.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<Manifest, Failure> {
        let path = path.as_ref();
        let options = FileOptions {
            settings: self.settings,
            replace: self.replace,
            digest: self.digest,
            ..FileOptions::automatic()
        };
        let place = Place::File(path, None);
        let made = generate::produce_in(&self.dataset, place, &options, &self.progress)?;
        Ok(Manifest { manifest: made.manifest, warnings: made.warnings })
    }

    /// The dataset in blocks of `samples` samples per channel, the last one shorter: for sets larger
    /// than memory. Generation goes on meanwhile, a few blocks ahead.
    ///
    /// # Errors
    /// `samples` is 0, or there is no memory for a block.
    pub fn blocks(&self, samples: usize) -> Result<Blocks, Failure> {
        if samples == 0 {
            return Err(Failure::usage("blocks of 0 samples: give a number from 1 on"));
        }
        let samples = self.dataset.samples.min(samples as u64);
        let bytes = samples.saturating_mul(self.dataset.channels as u64 * 4);
        let values = usize::try_from(bytes / 4).ok();
        let values = values.filter(|all| Vec::<f32>::new().try_reserve_exact(*all).is_ok());
        let values = values.ok_or_else(|| {
            Failure::input_output(format!(
                "no memory for a block of {bytes} bytes; take blocks of fewer samples"
            ))
        })?;
        Blocks::start(self.recipe, self.settings, values)
    }
}
