//! `cortex-host list`: the names that configurations use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cortex_core::kernel::KernelName;
use cortex_core::parameter::Parameter;
use cortex_core::signal::GeneratorVersion;

use super::{arguments, json, output};
use crate::base::table::Columns;
use crate::base::{ExitCode, Failure};
use crate::config::parameters;
use crate::config::params::{of_signal, signals_of};
use crate::device::board::{boards, described};
use crate::foreign::{self, Launcher};
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
    #[arg(long, value_name = "FILE", value_parser = arguments::path())]
    library: Option<PathBuf>,
}

/// The lists, and how each one's names are used.
const USES: [(&str, &str); 6] = [
    ("datasets", "dataset.path in a configuration; cortex-host verify PATH"),
    ("signals", "dataset.params.signal_type of a generator; parameters: unit, range [default]"),
    ("kernels", "kernels: [{ name: NAME }] in a configuration"),
    ("configs", "cortex-host run --config PATH"),
    ("devices", "device: DEVICE in a configuration"),
    (
        "boards",
        "flash or serve one, then device: serial://PATH?baud=N or tcp://HOST:PORT; cortex-host devices says how",
    ),
];

/// One thing with what it takes.
struct Item {
    listing: Listing,
    parameters: Vec<Parameter<'static>>,
}

impl From<Listing> for Item {
    fn from(listing: Listing) -> Self {
        Self { listing, parameters: Vec::new() }
    }
}

/// Something that is built in.
fn built_in(path: &str, summary: &str) -> Listing {
    Listing { path: path.to_owned(), summary: summary.to_owned(), local: false }
}

fn kernels(library: &Library) -> Vec<Item> {
    let item = |name: KernelName| {
        let info = name.info();
        let mut listing = built_in(info.name, info.summary);
        if let Some(local) = library.local_kernel_summary(info.name) {
            listing.local = true;
            listing.summary = local.unwrap_or_else(|error| error.to_string());
        }
        Item { listing, parameters: info.parameters.to_vec() }
    };
    KernelName::ALL.into_iter().map(item).collect()
}

/// Every version's signals and effects.
fn signals() -> Vec<Item> {
    let mut items = Vec::new();
    for version in GeneratorVersion::ALL {
        for kind in signals_of(version) {
            let info = kind.info();
            let listing = built_in(&format!("{version} {}", info.name), info.summary);
            items.push(Item { listing, parameters: of_signal(info) });
        }
        if !version.effects().is_empty() {
            let listing = built_in(&format!("{version} effects"), "what any of its signals takes");
            items.push(Item { listing, parameters: version.effects().to_vec() });
        }
    }
    items
}

/// Every spelling of `device`, and what it is; last, local boards that are described wrongly.
fn devices() -> Vec<Item> {
    let fixed = [
        ("native", "this machine, in this process"),
        ("loopback", "the device protocol in this process, no board needed"),
        (
            "serial://PATH?baud=N",
            "a board on a serial port, such as serial:///dev/ttyACM0?baud=115200",
        ),
    ];
    let mut all: Vec<Listing> = fixed.map(|(path, summary)| built_in(path, summary)).into();
    let emulated = boards().into_iter().filter(|board| board.emulator.is_some());
    all.extend(emulated.map(|board| built_in(&format!("qemu:{}", board.name), &board.summary())));
    let wrong = described().into_iter().filter_map(Result::err);
    all.extend(wrong.map(|error| Listing { local: true, ..built_in("-", &error.to_string()) }));
    all.into_iter().map(Item::from).collect()
}

/// The real boards there is firmware for.
fn real_boards() -> Vec<Item> {
    let real = boards().into_iter().filter(|board| board.emulator.is_none());
    real.map(|board| built_in(&board.name, &board.summary()).into()).collect()
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
    let plain = |listings: Vec<Listing>| listings.into_iter().map(Item::from).collect();
    let sections = [
        ("datasets", plain(library.datasets())),
        ("signals", signals()),
        ("kernels", kernels(&library)),
        ("configs", plain(library.configs())),
        ("devices", devices()),
        ("boards", real_boards()),
    ];
    if args.json {
        json::print(lists(sections))?;
    } else {
        output::print(as_text(&sections).trim_end())?;
    }
    Ok(ExitCode::Success)
}

/// Prints what a library says about itself.
fn own_library(path: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let found = path.canonicalize().map_err(|error| Failure::io("read", path, &error))?;
    let described = foreign::describe(&found, &Launcher::here())
        .map_err(|refusal| Failure::usage(refusal.message))?;
    if as_json {
        json::print(&described)?;
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
            Some(parameters) => foreign::in_core_terms(parameters, |known| {
                for parameter in known {
                    let line = parameter_line(parameter);
                    text.push_str(&format!("  {line}  {}\n", parameter.doc));
                }
            }),
        }
    }
    output::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

/// Unit, range and default of a parameter.
fn parameter_line(parameter: &Parameter) -> String {
    let unit =
        if parameter.unit.is_empty() { String::new() } else { format!(" {},", parameter.unit) };
    let range = parameters::range_words(parameter);
    let default = parameters::default_words(parameter);
    let default = default.unwrap_or_else(|| "required".to_owned());
    format!("{}:{unit} {range} [{default}]", parameter.name)
}

fn as_text(sections: &[(&str, Vec<Item>)]) -> String {
    let mut text = String::new();
    for (title, items) in sections {
        if !text.is_empty() {
            text.push('\n');
        }
        let how = USES.iter().find(|(name, _)| name == title).map_or("", |(_, how)| how);
        text.push_str(&format!("{title} ({how})\n"));
        let mut rows = Vec::new();
        for Item { listing, parameters } in items {
            rows.push(vec![listing.path.clone(), listing.summary.clone()]);
            let lines = parameters.iter().map(parameter_line);
            rows.extend(lines.map(|line| vec![String::new(), format!("  {line}")]));
        }
        let columns = Columns::of(rows.iter(), |_| true);
        rows.iter().for_each(|row| text.push_str(&format!("  {}\n", columns.line(row, "  "))));
    }
    text
}

/// What `list` shows.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct Lists {
    #[serde(flatten)]
    sections: BTreeMap<&'static str, Vec<ListedItem>>,
}

/// One thing to name in a configuration.
#[derive(schemars::JsonSchema, serde::Serialize)]
struct ListedItem {
    /// Its name.
    name: String,
    /// What it is, in one line.
    summary: String,
    /// Whether it lies in a `primitives/` folder here, instead of being built in.
    local: bool,
    /// What can be set.
    parameters: Vec<ListedParameter>,
}

/// A parameter.
#[derive(schemars::JsonSchema, serde::Serialize)]
struct ListedParameter {
    /// Its key.
    name: &'static str,
    /// Its unit; empty for none.
    unit: &'static str,
    /// Its values, in words.
    range: String,
    /// Its value when none is given, in words; null when it must be given.
    default: Option<String>,
    /// What it means.
    description: &'static str,
}

fn lists(sections: [(&'static str, Vec<Item>); 6]) -> Lists {
    let parameter = |parameter: &Parameter<'static>| ListedParameter {
        name: parameter.name,
        unit: parameter.unit,
        range: parameters::range_words(parameter),
        default: parameters::default_words(parameter),
        description: parameter.doc,
    };
    let item = |Item { listing, parameters }: Item| ListedItem {
        name: listing.path,
        summary: listing.summary,
        local: listing.local,
        parameters: parameters.iter().map(parameter).collect(),
    };
    let sections = sections.into_iter();
    Lists {
        sections: sections
            .map(|(title, items)| (title, items.into_iter().map(item).collect()))
            .collect(),
    }
}
