//! `cortex-host list`: what there is to name in a configuration.

use std::path::{Path, PathBuf};

use cortex_core::kernel::KernelName;
use serde_json::{Value, json};

use super::output;
use crate::base::{ExitCode, Failure};
use crate::device::board::boards;
use crate::foreign::{self, Launcher, ParameterDescription, ParameterKind};
use crate::primitive::{Library, Listing};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host list
  cortex-host list --json
  cortex-host list --library ./libmine.so")]
pub struct Args {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
    /// Show the kernels of a shared library instead, with their parameters.
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
}

/// The lists, and how each one's names are used.
const USES: [(&str, &str); 5] = [
    ("datasets", "dataset.path in a configuration; cortex-host verify PATH"),
    ("kernels", "kernels: [{ name: NAME }] in a configuration"),
    ("configs", "cortex-host run --config PATH"),
    ("devices", "device: DEVICE in a configuration"),
    ("boards", "flash one, then device: serial://PATH?baud=N; cortex-host devices says how"),
];

/// Every spelling of `device`, and what it is.
fn devices() -> Vec<Listing> {
    let fixed = [
        ("native", "this machine, in this process"),
        ("loopback", "the device protocol in this process, no board needed"),
        (
            "serial://PATH?baud=N",
            "a board on a serial port, such as serial:///dev/ttyACM0?baud=115200",
        ),
    ];
    let fixed = fixed.map(|(path, summary)| (path.to_owned(), summary.to_owned()));
    let emulated = boards().into_iter().filter(|board| board.emulator.is_some());
    let emulated = emulated.map(|board| (format!("qemu:{}", board.name), board.summary()));
    let all = fixed.into_iter().chain(emulated);
    all.map(|(path, summary)| Listing { path, summary, local: false }).collect()
}

/// The real boards there is firmware for.
fn real_boards() -> Vec<Listing> {
    let real = boards().into_iter().filter(|board| board.hardware.is_some());
    real.map(|board| Listing { summary: board.summary(), path: board.name, local: false }).collect()
}

/// Prints the lists on stdout.
///
/// # Errors
/// [`Failure`] when stdout cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.library {
        return own_library(path, args.json);
    }
    let library = Library::new(None);
    let kernel = |name: &KernelName| Listing {
        path: name.as_str().to_owned(),
        summary: name.info().summary.to_owned(),
        local: false,
    };
    let sections = [
        ("datasets", library.datasets()),
        ("kernels", KernelName::ALL.iter().map(kernel).collect()),
        ("configs", library.configs()),
        ("devices", devices()),
        ("boards", real_boards()),
    ];
    let text = if args.json { as_json(&sections) } else { as_text(&sections) };
    output::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

/// Prints what a library says about itself.
fn own_library(path: &Path, json: bool) -> Result<ExitCode, Failure> {
    let found = path.canonicalize().map_err(|error| Failure::io("read", path, &error))?;
    let described = foreign::describe(&found, &Launcher::here())
        .map_err(|refusal| Failure::usage(refusal.message))?;
    if json {
        let text = serde_json::to_string_pretty(&described)
            .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))?;
        output::print(&text)?;
        return Ok(ExitCode::Success);
    }
    let mut text = format!("{} ({})\n", path.display(), described.interface.name());
    for kernel in &described.kernels {
        text.push_str(&format!("\n{}  {}\n", kernel.name, kernel.summary));
        let feeds: Vec<&str> = kernel.feeds.iter().map(|feed| feed.name()).collect();
        let dtypes: Vec<&str> = kernel.dtypes.iter().map(|dtype| dtype.name()).collect();
        text.push_str(&format!("  feed {}, dtype {}", feeds.join(" or "), dtypes.join(" or ")));
        let output = match kernel.result_per_window {
            None => "",
            Some(true) => ", one result per window",
            Some(false) => ", one row per sample",
        };
        let unit = match kernel.output_unit.as_str() {
            "" => String::new(),
            unit => format!(" in {unit}"),
        };
        text.push_str(&format!("{output}{unit}\n"));
        match &kernel.parameters {
            None => text.push_str("  params: lines of text that the kernel reads\n"),
            Some(parameters) => {
                for parameter in parameters {
                    let what = parameter_line(parameter);
                    text.push_str(&format!("  {:<16} {what}\n", parameter.name));
                }
            }
        }
    }
    output::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

/// Range, unit, default and meaning of a parameter.
fn parameter_line(parameter: &ParameterDescription) -> String {
    let bound = |bound: &Option<f64>| bound.map_or("any".to_owned(), |bound| bound.to_string());
    let range = match &parameter.kind {
        ParameterKind::Number { min: None, max: None } => "a number".to_owned(),
        ParameterKind::Number { min, max } => format!("{} to {}", bound(min), bound(max)),
        ParameterKind::Count { min, max } => format!("whole, {min} to {max}"),
        ParameterKind::Choice(words) => words.join(" or "),
    };
    let unit = match parameter.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let default = match (parameter.default, &parameter.kind) {
        (None, _) => "the kernel decides".to_owned(),
        (Some(value), ParameterKind::Choice(words)) => {
            words.get(value as usize).cloned().unwrap_or_default()
        }
        (Some(value), _) => value.to_string(),
    };
    format!("{range}{unit}, default {default}. {}", parameter.doc)
}

fn as_text(sections: &[(&str, Vec<Listing>)]) -> String {
    let mut text = String::new();
    for (title, listings) in sections {
        if !text.is_empty() {
            text.push('\n');
        }
        let how = USES.iter().find(|(name, _)| name == title).map_or("", |(_, how)| how);
        text.push_str(&format!("{title} ({how})\n"));
        let width = listings.iter().map(|listing| listing.path.len()).max().unwrap_or(0);
        for listing in listings {
            text.push_str(&format!("  {:width$}  {}\n", listing.path, listing.summary));
        }
    }
    text
}

fn as_json(sections: &[(&str, Vec<Listing>)]) -> String {
    let object = sections.iter().map(|(title, listings)| {
        let list = listings.iter().map(|listing| {
            json!({ "name": listing.path, "summary": listing.summary, "local": listing.local })
        });
        ((*title).to_owned(), Value::Array(list.collect()))
    });
    format!("{:#}\n", Value::Object(object.collect()))
}
