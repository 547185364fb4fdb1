//! `cortex-host firmware`: the image of a board, ready to be flashed.

use std::path::{Path, PathBuf};

use super::{Console, arguments, output};
use crate::base::atomic_file::{Staged, refuse_taken};
use crate::base::{ExitCode, Failure, listed, quoted};
use crate::device::board::{BoardSpec, boards};
use crate::device::qemu::{Program, image};
use crate::device::uf2::uf2_of_elf;

/// Arguments of `firmware`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host firmware pico
  cortex-host firmware nucleo-f446re nucleo.elf
  cortex-host firmware pico mine.uf2 --image target/thumbv6m-none-eabi/release/mine

Builds in the checkout of the project that one is in; elsewhere it takes firmware/BOARD.elf beside
the program, or --image. A board that shows up as a drive gets a UF2 file: hold BOOTSEL while you
plug the board in, and copy the file to the drive. Any other board gets an ELF file for a debug
probe.")]
pub struct Args {
    /// The board, as cortex-host devices calls it.
    #[arg(value_name = "BOARD")]
    pub board: String,
    /// The file to write; its ending, .uf2 or .elf, decides the format. Default: the board's name in
    /// the current folder.
    #[arg(value_name = "FILE", value_parser = arguments::path())]
    pub file: Option<PathBuf>,
    /// A ready ELF image, such as one with kernels of your own, in place of the project's.
    #[arg(long, value_name = "ELF", value_parser = arguments::path())]
    pub image: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: an unknown board or format (exit code 2), a file that cannot be read or written
/// (3), an image that cannot be built (4).
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let board = find(&args.board)?;
    let family =
        board.hardware.as_ref().and_then(|hardware| hardware.flash.uf2_family.as_ref()).copied();
    let ending = if family.is_some() { "uf2" } else { "elf" };
    let default = PathBuf::from(format!("{}.{ending}", board.name));
    let file = args.file.as_ref().unwrap_or(&default);
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let family = match (ending, family) {
        ("elf", _) => None,
        ("uf2", Some(family)) => Some(family),
        ("uf2", None) => {
            return Err(Failure::usage(format!(
                "{} does not take UF2; write an .elf file and flash it with a debug probe",
                board.name
            )));
        }
        _ => {
            return Err(Failure::usage(format!(
                "{} must end in .uf2 or .elf, the two formats of images",
                file.display()
            )));
        }
    };
    refuse_taken([file.as_path()], args.force)?;
    console.say(&format!("Image of {} (built first if need be)...", board.name));
    let elf = image(&board, Program::Firmware, args.image.as_deref())?;
    let bytes = std::fs::read(&elf).map_err(|error| Failure::io("read", &elf, &error))?;
    let bytes = match family {
        None => bytes,
        Some(family) => uf2_of_elf(&bytes, family)
            .map_err(|error| Failure::usage(format!("{}: {error}", elf.display())))?,
    };
    write(file, &bytes)?;
    output::print(&format!("{}: {} bytes", file.display(), bytes.len()))?;
    console.say(match family {
        Some(_) => {
            "Hold BOOTSEL while you plug the board in, and copy the file to the drive that appears; \
             the board then starts it"
        }
        None => "Flash it with a debug probe, such as probe-rs download",
    });
    Ok(ExitCode::Success)
}

fn find(name: &str) -> Result<BoardSpec, Failure> {
    // A Linux board has no image: it runs cortex-host serve.
    let mut known = boards();
    known.retain(|board| board.linux.is_none());
    let names = listed(known.iter().map(|board| board.name.as_str()));
    known.into_iter().find(|board| board.name == name).ok_or_else(|| {
        Failure::usage(format!("there is no firmware for {}; there is for {names}", quoted(name)))
    })
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut staged = Staged::create(file)?;
    staged.put(bytes)?;
    Ok(staged.place()?)
}
