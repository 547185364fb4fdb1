//! Whole experiments: what `cortex-host run` does.

use std::path::PathBuf;

use super::Value;
use crate::base::{Failure, Progress};
use crate::config::{Node, Setting};
use crate::plan::{self, Overrides};
use crate::run::{Options, run};

/// The experiment of the built-in quickstart, until it is given a [`config`](Experiment::config) or
/// a [`table`](Experiment::table).
///
/// ```no_run
/// let finished = cortex_host::experiment().config("experiment.yaml").run()?;
/// println!("{}", finished.folder.display());
/// # Ok::<(), cortex_host::Error>(())
/// ```
#[must_use]
pub fn experiment() -> Experiment {
    Experiment::default()
}

/// An experiment to be run; made by [`experiment`].
#[derive(Clone, Debug, Default)]
pub struct Experiment {
    config: Option<String>,
    table: Option<Value>,
    overrides: Overrides,
    settings: Vec<(String, Value)>,
    progress: Progress,
}

/// A run that left a results folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The folder.
    pub folder: PathBuf,
    /// What broke the run off, or is wrong with its windows.
    pub failure: Option<Failure>,
}

impl Experiment {
    /// The configuration's file.
    #[must_use]
    pub fn config(mut self, path: &str) -> Self {
        self.config = Some(path.to_owned());
        self
    }

    /// The configuration itself.
    #[must_use]
    pub fn table(mut self, table: Value) -> Self {
        self.table = Some(table);
        self
    }

    /// A value in place of the configuration's, such as `dataset.channels` or
    /// `kernels.bandpass_fir.taps`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings.push((key.to_owned(), value.into()));
        self
    }

    /// Run only this kernel of the configuration; may be repeated.
    #[must_use]
    pub fn only(mut self, kernel: &str) -> Self {
        self.overrides.kernels.push(kernel.to_owned());
        self
    }

    /// Run on this device instead of the configuration's: `native`, `loopback`,
    /// `serial://PATH?baud=N`, `tcp://HOST:PORT` or `qemu:BOARD`.
    #[must_use]
    pub fn device(mut self, device: &str) -> Self {
        self.overrides.device = Some(device.to_owned());
        self
    }

    /// The folder in which the run's folder is made. Default: the configuration's, else `results`.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.overrides.directory = Some(directory.into());
        self
    }

    /// Name of the run's folder, in place of one made of the time.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.overrides.name = Some(name.to_owned());
        self
    }

    /// Cancels the run from another thread: the windows up to then are kept.
    #[must_use]
    pub fn progress(mut self, progress: &Progress) -> Self {
        self.progress = progress.clone();
        self
    }

    /// Carries it out and leaves a results folder.
    ///
    /// # Errors
    /// The configuration cannot be used, or nothing was run. A run that broke off later is a
    /// [`Finished`] with a `failure`.
    pub fn run(mut self) -> Result<Finished, Failure> {
        let settings = self.settings.into_iter();
        self.overrides.settings =
            settings.map(|(key, value)| setting(&key, value)).collect::<Result<_, _>>()?;
        let plan = match self.table {
            Some(table) => plan::load_node(table.into(), "config", None, &self.overrides)?,
            None => plan::load_with(self.config.as_deref(), &self.overrides)?,
        };
        let options = Options { progress: self.progress, ..Options::default() };
        let outcome = run(&plan, &options, &())?;
        Ok(Finished { folder: outcome.folder, failure: outcome.failure })
    }
}

fn setting(key: &str, value: Value) -> Result<Setting, Failure> {
    Setting::of_node(key, Node::from(value)).map_err(Failure::usage)
}
