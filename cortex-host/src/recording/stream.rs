//! A recording: any supported file opened as one stream of microvolt rows.

use std::fmt;
use std::path::{Path, PathBuf};

use cortex_core::kernel::MAX_CHANNELS;

use super::channels::Names;
use super::claim::Claim;
use super::converter::Codes;
use super::events::Event;
use super::plane_reader::PlaneReader;
use super::{DatasetError, Unit};
use crate::base::Progress;

/// What the file itself may not say, or what to take of it.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Take only these channels, in this order. Each element is a name, as `convert` writes it
    /// or as in the file, or several with commas between them.
    pub channels: Option<Vec<String>>,
    /// Number of channels: needed by a bare float32 file, checked against any other.
    pub channel_count: Option<usize>,
    /// Sample rate in Hz, finite and positive: needed by a file that does not say, checked
    /// against one that does.
    pub sample_rate_hz: Option<f64>,
    /// Unit of samples whose unit the file does not say or is unknown.
    pub unit: Option<Unit>,
    /// The first axis of a `.npy` array is channels, not samples.
    pub channels_first: bool,
    /// Take the whole records of a file shorter or longer than its header promises.
    pub accept_truncated: bool,
    /// Where these options come from, for messages.
    pub option_source: OptionSource,
}

/// See [`Format::write`].
type Writer = fn(&mut Recording, &Target<'_>, &Progress) -> Result<Converted, DatasetError>;

/// A format of recordings, as its own file declares it.
#[derive(Debug)]
pub struct Format {
    /// Its name in sentences.
    pub name: &'static str,
    /// What its files are called in a list of all.
    pub kind: &'static str,
    /// The spelling in configurations.
    pub key: &'static str,
    /// Extensions of its files in lower case, the usual one first.
    pub extensions: &'static [&'static str],
    /// Other extensions under which it is read but not written.
    pub also: &'static [&'static str],
    /// Whether a file that begins with these bytes is of this format.
    pub begins: fn(&[u8]) -> bool,
    /// Whether its files hold samples rounded to fewer bits than float32 has.
    pub rounds: bool,
    /// Opens a file of it.
    pub(super) open: fn(&Path, &OpenOptions) -> Result<Recording, DatasetError>,
    /// Writes a recording in it, in microvolts, and tells of the rows done. On an error everything
    /// is what it was before.
    pub(super) write: Writer,
}

impl Format {
    /// The usual extension.
    #[must_use]
    pub fn extension(&self) -> &'static str {
        self.extensions.first().unwrap_or(&"")
    }

    /// Whether its files may have this extension.
    pub(super) fn may_be_called(&self, extension: &str) -> bool {
        self.extensions.contains(&extension) || self.also.contains(&extension)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Format {}

/// A recording that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The samples.
    pub data: PathBuf,
    /// Its format.
    pub format: &'static Format,
    /// Names of the channels, as the file has them.
    pub channel_names: Vec<String>,
    /// The BrainVision header beside them, unless the format has its own.
    pub vhdr: Option<PathBuf>,
    /// The file of events, if the format of the source keeps any and the one written does not.
    pub events: Option<PathBuf>,
    /// The NumPy copy, if asked for.
    pub npy: Option<PathBuf>,
    /// Size of the data file in bytes.
    pub bytes: u64,
    /// SHA-256 of the data file in lower-case hexadecimal.
    pub sha256: String,
    /// Per channel, how many stored numbers lay outside their declared range.
    pub outside_range: Vec<u64>,
    /// Per channel, how many stored numbers became infinite in microvolts.
    pub overflowed: Vec<u64>,
    /// What the user should know of what was written: one sentence each.
    pub warnings: Vec<String>,
}

/// What to write, and whether over files that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// The format to write; without one the target's extension says it.
    pub format: Option<&'static Format>,
    /// Also write a NumPy copy, the target with the extension `npy`.
    pub npy: bool,
    /// Replace the target and what lies beside it.
    pub replace: bool,
}

/// What a format's writer is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// The file to write.
    pub path: &'a Path,
    /// The format, for what is said of the file written.
    pub format: &'static Format,
    /// Also write a NumPy copy.
    pub npy: bool,
    /// Replace what is there.
    pub replace: bool,
}

/// Who opens a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionSource {
    /// A command with options such as `--rate`.
    #[default]
    CommandLine,
    /// A configuration with keys such as `dataset.sample_rate_hz`.
    Configuration,
}

impl OptionSource {
    /// What gives the number of channels, as messages name it.
    pub(super) fn channels(self) -> &'static str {
        match self {
            Self::CommandLine => "--channels",
            Self::Configuration => "dataset.channels",
        }
    }

    /// What gives the sample rate.
    pub(super) fn rate(self) -> &'static str {
        match self {
            Self::CommandLine => "--rate",
            Self::Configuration => "dataset.sample_rate_hz",
        }
    }

    /// What gives the unit.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::CommandLine => "--unit uV",
            Self::Configuration => "dataset.unit: uV",
        }
    }

    /// How to choose channels.
    pub(super) fn choose(self) -> &'static str {
        match self {
            Self::CommandLine => "choose with --channels NAME,...",
            Self::Configuration => "choose with: cortex-host convert IN OUT --channels NAME,...",
        }
    }
}

impl OpenOptions {
    /// What the options claim about the shape; the number of channels only when all are taken.
    pub(super) fn claim(&self) -> Claim {
        Claim {
            origin: match self.option_source {
                OptionSource::CommandLine => "the command line".to_owned(),
                OptionSource::Configuration => "the configuration".to_owned(),
            },
            channels: self.channel_count.filter(|_| self.channels.is_none()),
            sample_rate_hz: self.sample_rate_hz,
            samples: None,
        }
    }
}

/// An opened recording.
#[derive(Debug)]
pub struct Recording {
    /// The file it was opened from.
    pub path: PathBuf,
    /// The file that holds the samples: the same, or the one a header points at.
    pub data_path: PathBuf,
    /// All files that were read: the header, the samples, the markers.
    pub sources: Vec<PathBuf>,
    /// Its format.
    pub format: &'static Format,
    /// One distinct name per channel.
    pub channel_names: Vec<String>,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel.
    pub samples: u64,
    /// When the first sample was taken, as `YYYYMMDDhhmmssuuuuuu`, if known.
    pub start: Option<String>,
    /// Events in order of their onset.
    pub events: Vec<Event>,
    /// Whether the format has a place for events, even when there are none.
    pub keeps_events: bool,
    /// Whether the unit is a guess: the file does not say it, and nobody else did.
    pub unit_assumed: bool,
    /// What the user should know about how the file was taken: one sentence each.
    pub notes: Vec<String>,
    /// The codes that its samples are, if they are some.
    pub codes: Option<Codes>,
    pub(super) reader: PlaneReader,
    /// Who opened it.
    pub(super) option_source: OptionSource,
    /// How large the samples read so far are.
    pub(super) level: Level,
}

/// Samples (of all channels) read at a time.
const TILE_SAMPLES: usize = 256 * 1024;

/// From a third of the best amplifiers' noise to more than any muscle or heart gives: a standard
/// deviation of electrophysiological samples outside, in microvolts, is a wrong unit.
const PLAUSIBLE_DEVIATION_UV: std::ops::RangeInclusive<f64> = 0.1..=1e4;

/// Count, sum and sum of squares of each channel's finite samples.
#[derive(Clone, Debug, Default)]
pub(super) struct Level(Vec<(u64, f64, f64)>);

impl Level {
    fn take(&mut self, rows: &[f32], channels: usize) {
        self.0.resize(channels, (0, 0.0, 0.0));
        for row in rows.chunks_exact(channels) {
            for (sample, (count, sum, squares)) in row.iter().zip(&mut self.0) {
                if sample.is_finite() {
                    let value = f64::from(*sample);
                    *count += 1;
                    *sum += value;
                    *squares += value * value;
                }
            }
        }
    }

    /// The median standard deviation of the channels that are not constant.
    fn deviation(&self) -> Option<f64> {
        let deviation = |(count, sum, squares): &(u64, f64, f64)| {
            let mean = sum / *count as f64;
            (squares / *count as f64 - mean * mean).sqrt()
        };
        let mut all: Vec<f64> = self.0.iter().map(deviation).filter(|value| *value > 0.0).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }
}

impl Recording {
    /// Whether the file of samples, [`Recording::data_path`], is nothing but interleaved
    /// little-endian `f32` in microvolts, of these channels in this order.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.reader.is_plain_float32()
    }

    /// Number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channel_names.len()
    }

    /// Fills `rows` with as many whole rows (one sample of every channel, in µV) as fit and
    /// are left. Returns their number, 0 at the end.
    ///
    /// # Errors
    /// The file cannot be read or has become shorter.
    pub fn read(&mut self, rows: &mut [f32]) -> Result<usize, DatasetError> {
        let count = self.reader.read(rows)?;
        let channels = self.channels();
        self.level.take(rows.get(..count * channels).unwrap_or_default(), channels);
        Ok(count)
    }

    /// Back to the first row.
    pub fn rewind(&mut self) {
        self.reader.rewind();
        self.level = Level::default();
    }

    /// Reads all that is left and gives it to `take` as interleaved little-endian `f32`, with the
    /// rows done by then.
    ///
    /// # Errors
    /// As [`Recording::read`], or `take` refuses.
    pub fn read_tiles(
        &mut self,
        mut take: impl FnMut(&[u8], u64) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let channels = self.channels();
        let mut rows = vec![0.0_f32; (TILE_SAMPLES / channels).max(1) * channels];
        let mut bytes = Vec::with_capacity(rows.len() * 4);
        let mut done = 0;
        loop {
            let count = self.read(&mut rows)?;
            if count == 0 {
                return Ok(());
            }
            let tile = rows.get(..count * channels).unwrap_or_default();
            bytes.clear();
            for sample in tile {
                bytes.extend_from_slice(&sample.to_le_bytes());
            }
            done += count as u64;
            take(&bytes, done)?;
        }
    }

    /// What the user should know of the first samples, for what reads the file itself; back to the
    /// first row.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn first_warnings(&mut self) -> Result<Vec<String>, DatasetError> {
        let mut rows = vec![0.0; (TILE_SAMPLES / self.channels()).max(1) * self.channels()];
        self.read(&mut rows)?;
        let warnings = self.warnings();
        self.rewind();
        Ok(warnings)
    }

    /// What the user should know of the samples read so far: one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let counts = |counts: &[u64]| -> Vec<(String, u64)> {
            let named = self.channel_names.iter().cloned().zip(counts.iter().copied());
            named.filter(|(_, count)| *count > 0).collect()
        };
        for (name, count) in counts(self.outside_range()) {
            warnings.push(format!(
                "{count} samples of {name} lie outside the digital range of its header; they are scaled like the others"
            ));
        }
        for (name, count) in counts(self.overflowed()) {
            warnings.push(format!(
                "{count} samples of {name} are beyond the range of float32 in microvolts; they have become infinite"
            ));
        }
        if self.unit_assumed
            && let Some(deviation_uv) = self.level.deviation()
            && !PLAUSIBLE_DEVIATION_UV.contains(&deviation_uv)
        {
            warnings.push(format!(
                "the samples are taken as microvolts, but their standard deviation is then {deviation_uv:.3e} µV; if they are in another unit, give {}",
                match self.option_source {
                    OptionSource::CommandLine => "--unit (V, mV, uV or nV)",
                    OptionSource::Configuration => "dataset.unit (V, mV, uV or nV)",
                }
            ));
        }
        warnings
    }

    /// How many stored numbers read so far lay outside the range their header declares, per
    /// channel.
    #[must_use]
    pub fn outside_range(&self) -> &[u64] {
        self.reader.outside_range()
    }

    /// How many finite stored numbers read so far became infinite when scaled to microvolts in
    /// `f32`, per channel.
    #[must_use]
    pub fn overflowed(&self) -> &[u64] {
        self.reader.overflowed()
    }
}

/// The channels of a file with these labels that the options ask for, all unless they say
/// otherwise, and the names they are written under.
pub(super) fn chosen_channels(
    path: &Path,
    options: &OpenOptions,
    labels: &[String],
    written: Vec<String>,
) -> Result<(Vec<usize>, Vec<String>), DatasetError> {
    let Some(wanted) = &options.channels else {
        return Ok(((0..written.len()).collect(), written));
    };
    let chosen = Names { labels, written: &written }.select(wanted, path)?;
    let names = chosen.iter().filter_map(|index| written.get(*index).cloned()).collect();
    Ok((chosen, names))
}

/// Refuses more channels than anything here works on: a bound on memory for what a header says.
pub(super) fn check_channels(path: &Path, channels: u64) -> Result<(), DatasetError> {
    if channels <= MAX_CHANNELS as u64 {
        return Ok(());
    }
    Err(DatasetError::format(
        path,
        format!("{channels} channels; a dataset has at most {MAX_CHANNELS}"),
    ))
}
