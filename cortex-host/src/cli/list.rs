//! `cortex-host list`: what there is to name in a configuration.

use cortex_core::kernel::KernelName;
use serde_json::{Value, json};

use super::answer;
use crate::device::board::boards;
use crate::exit::{ExitCode, Failure};
use crate::primitive::{Library, Listing};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// The devices that are no emulated board, by their spelling, and what each is.
const DEVICES: [(&str, &str); 3] = [
    ("native", "this machine, in this process"),
    ("loopback", "the device's side of the link in this process, without a board"),
    ("serial://PATH?baud=N", "a board with the CORTEX firmware on a serial port"),
];

/// Prints the lists on stdout.
///
/// # Errors
/// [`Failure`] when stdout cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let library = Library::new(None);
    let named = |list: &[(&str, &str)]| -> Vec<Listing> {
        let listing = |(path, summary): &(&str, &str)| Listing {
            path: (*path).to_owned(),
            summary: (*summary).to_owned(),
            local: false,
        };
        list.iter().map(listing).collect()
    };
    let kernels: Vec<(&str, &str)> =
        KernelName::ALL.iter().map(|name| (name.as_str(), name.summary())).collect();
    let mut devices = named(&DEVICES);
    devices.extend(boards().into_iter().filter(|board| board.emulator.is_some()).map(|board| {
        Listing {
            path: format!("qemu:{}", board.name),
            summary: format!("{}: {}", board.core, board.description),
            local: false,
        }
    }));
    let sections = [
        ("datasets", library.datasets()),
        ("kernels", named(&kernels)),
        ("configs", library.configs()),
        ("devices", devices),
    ];
    let text = if args.json { as_json(&sections) } else { as_text(&sections) };
    answer::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

fn as_text(sections: &[(&str, Vec<Listing>)]) -> String {
    let mut text = String::new();
    for (title, listings) in sections {
        text.push_str(title);
        text.push('\n');
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
