//! `cortex-host list`: what there is to name in a configuration.

use cortex_core::kernel::KernelName;
use serde_json::{Value, json};

use super::output;
use crate::base::{ExitCode, Failure};
use crate::device::board::boards;
use crate::primitive::{Library, Listing};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host list
  cortex-host list --json")]
pub struct Args {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
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
