//! `cortex-host train`: a kernel of the user's own learns from a dataset.

use std::path::{Path, PathBuf};

use super::{Console, arguments, output};
use crate::base::atomic_file::refuse_taken;
use crate::base::{ExitCode, Failure, Progress};
use crate::config::Setting;
use crate::plan;
use crate::run::train;

/// Arguments of `train`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host train run.yaml csp.cortex_state
  cortex-host train run.yaml csp.cortex_state --kernel csp --labels labels.txt
  cortex-host train run.yaml ica.cortex_state --set dataset.path=S001R03.edf --windows 120

The kernel comes from a library, and its window, parameters and dataset from the configuration. It
gets whole windows one after another, without overlap. Afterwards `state: csp.cortex_state` in the
configuration runs it with what it has learnt. A library of the original CORTEX with
cortex_calibrate writes the original's state files.")]
pub struct Args {
    /// The configuration, or - for stdin.
    #[arg(value_name = "CONFIG")]
    pub config: String,
    /// The state file to write.
    #[arg(value_name = "STATE", value_parser = arguments::path())]
    pub state: PathBuf,
    /// The kernel to train, where the configuration has several.
    #[arg(long, value_name = "NAME")]
    pub kernel: Option<String>,
    /// Learn from this many windows only.
    #[arg(long, value_name = "N")]
    pub windows: Option<u64>,
    /// A file with a whole number for each window, separated by white space.
    #[arg(long, value_name = "FILE", value_parser = arguments::path())]
    pub labels: Option<PathBuf>,
    /// A value in place of the configuration's, such as dataset.path=S001R03.edf.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<Setting>,
    /// Replace the state file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: the configuration, the labels or the kernel are at fault (exit code 2), or a file
/// cannot be read or written (3).
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let progress = Progress::cancelled_by_signals()?;
    let (dataset, kernel) =
        plan::load_training(&args.config, &args.settings, args.kernel.as_deref())?;
    refuse_taken([args.state.as_path()], args.force)?;
    let labels = args.labels.as_deref().map(labels).transpose()?;
    let trained = train(&dataset, &kernel, args.windows, labels, &args.state, &progress, console)?;
    output::print(&format!(
        "{}: learnt from {} windows, {} bytes in {}",
        kernel.setup.kernel,
        trained.windows,
        trained.state_bytes,
        args.state.display()
    ))?;
    Ok(ExitCode::Success)
}

/// The labels in the file at `path`.
fn labels(path: &Path) -> Result<Vec<i32>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
    let numbered = text.lines().enumerate();
    let words = numbered.flat_map(|(line, text)| text.split_whitespace().map(move |w| (line, w)));
    words
        .map(|(line, word)| {
            word.parse().map_err(|_| {
                Failure::usage(format!(
                    "{}: line {}: {} is no whole number",
                    path.display(),
                    line + 1,
                    crate::base::quoted(word)
                ))
            })
        })
        .collect()
}
