//! `cortex-host verify PRIMITIVE`: does a primitive still give the bytes its version promises?

use super::support::engine_args::EngineArgs;
use super::{Console, json, recordings, verify_device};
use crate::base::Progress;
use crate::base::{ExitCode, Failure};
use crate::config::Position;
use crate::generate::{DigestComparison, verify_generator};
use crate::primitive::{Dataset, Library};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  cortex-host verify primitives/datasets/v1/synthetic
  cortex-host verify --device qemu:mps2-an386

A generator makes each golden dataset of its spec.yaml and compares the digests; the recordings
of a static dataset are compared with their SHA-256. Exit code 0: all equal; 1: something
differs; 3: recordings are missing (the message names the download command).")]
pub struct Args {
    /// The primitive, such as primitives/datasets/v1/synthetic.
    #[arg(required_unless_present = "device")]
    pub primitive: Option<String>,
    /// Have this device generate the golden datasets: loopback, serial://PATH?baud=N or
    /// qemu:BOARD. Without a primitive, those of every generator.
    #[arg(short, long, value_name = "DEVICE")]
    pub device: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Print the comparison as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let named = args.primitive.as_deref();
    if let Some(device) = &args.device {
        let comparisons = verify_device::verify(device, named, console)?;
        return report(named.unwrap_or(device), &comparisons, args.json);
    }
    let named = named.unwrap_or_default();
    let library = Library::new(None);
    if recordings::is_static(&library, named) {
        return recordings::verify(&library, named, args.json);
    }
    let found = library
        .dataset(named)
        .map_err(|error| error.at(Position::default()).in_source("verify"))?;
    let comparisons = match found {
        Dataset::Generator { primitive, spec } => {
            let progress = Progress::cancelled_by_signals()?;
            console.say(&format!("Generating the golden datasets of {primitive}..."));
            verify_generator(&primitive, &spec, &library, &args.engine.settings()?, &progress)?
        }
        Dataset::File(path) => {
            return Err(Failure::usage(format!(
                "{} is a file, not a primitive; name its primitive, such as primitives/datasets/v1/synthetic, or check it with sha256sum",
                path.display()
            )));
        }
    };
    report(named, &comparisons, args.json)
}

fn report(
    primitive: &str,
    comparisons: &[DigestComparison],
    as_json: bool,
) -> Result<ExitCode, Failure> {
    let verified = comparisons.iter().all(|comparison| comparison.equal);
    if as_json {
        json::print(recordings::Verified { primitive, verified, comparisons, files: Vec::new() })?;
    } else {
        for comparison in comparisons {
            super::output::print(&comparison.to_string())?;
        }
        super::output::print(if verified { "verified" } else { "NOT verified" })?;
    }
    Ok(if verified { ExitCode::Success } else { ExitCode::CheckFailed })
}
