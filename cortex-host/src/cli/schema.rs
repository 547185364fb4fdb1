//! `cortex-host schema`: the JSON schema of configurations, for editors, and of what commands print
//! with `--json`, for scripts.

use super::json::{Versioned, schema_of};
use super::output;
use crate::base::{ExitCode, Failure, listed, nearest, quoted};
use crate::capacity::Capacity;
use crate::compare::{Check, RunComparison};
use crate::foreign::LibraryDescription;
use crate::generate::Reproduced;
use crate::plan::json_schema;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host schema > config.schema.json
  cortex-host schema run > run.schema.json

An editor with a YAML language server completes and checks a configuration that begins with
  # yaml-language-server: $schema=config.schema.json

Without a name it is the schema of configurations; with the name of a command, that of what it
prints with --json (check: --format json).")]
pub struct Args {
    /// Of what: config, or a command that prints JSON.
    #[arg(default_value = "config")]
    of: String,
}

/// Name and schema of everything there is one for.
type Known = (&'static str, fn() -> String);

const KNOWN: [Known; 20] = [
    ("config", json_schema),
    ("run", schema_of::<super::run::RunAnswer>),
    ("score", schema_of::<Versioned<crate::score::Score>>),
    ("sweep", schema_of::<super::sweep::SweepJson>),
    ("capacity", schema_of::<Capacity>),
    ("check", schema_of::<Check>),
    ("compare", schema_of::<RunComparison>),
    ("generate", schema_of::<Versioned<super::generate::GeneratedFacts>>),
    ("merge", schema_of::<Versioned<super::generate::GeneratedFacts>>),
    ("reproduce", schema_of::<Versioned<Reproduced>>),
    ("verify", schema_of::<Versioned<super::recordings::Verified>>),
    ("convert", schema_of::<Versioned<super::convert::ConvertedFacts>>),
    ("inspect", schema_of::<Versioned<super::inspect::Inspections>>),
    ("stream", schema_of::<Versioned<super::stream::StreamFacts>>),
    ("validate", schema_of::<Versioned<super::validate::ValidatedKernel>>),
    ("devices", schema_of::<Versioned<super::devices::DeviceList>>),
    ("doctor", schema_of::<Versioned<super::doctor::Health>>),
    ("list", schema_of::<Versioned<super::list::Lists>>),
    ("list-library", schema_of::<Versioned<LibraryDescription>>),
    ("link-decode", schema_of::<Versioned<super::link::Line>>),
];

/// Prints the schema on stdout.
///
/// # Errors
/// [`Failure`] when there is none of that name, or stdout cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let names = || KNOWN.iter().map(|(name, _)| *name);
    let Some((_, schema)) = KNOWN.iter().find(|(name, _)| *name == args.of) else {
        let meant = nearest(&args.of, names())
            .map_or_else(String::new, |name| format!("; did you mean {name}?"));
        return Err(Failure::usage(format!(
            "there is no schema of {}; there are {}{meant}",
            quoted(&args.of),
            listed(names())
        )));
    };
    output::print(schema().trim_end())?;
    Ok(ExitCode::Success)
}
