//! `cortex-host new firmware`: a crate that builds a board's image with kernels of one's own.
//!
//! Its `main.rs` and `.cargo/config.toml` are those of the board's own firmware, with another
//! engine; the files here are links to them.

use std::path::{Path, PathBuf};

use super::checkout::{Crates, CratesArgs};
use super::files::{checked_name, make_folder, write_files};
use crate::base::{Failure, quoted};
use crate::cli::Console;
use crate::device::board::{BoardSpec, board};

/// Arguments of `new firmware`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host new firmware lowpass-board --board mps2-an386 --kernel lowpass
  cortex-host new firmware lowpass-m0 --board microbit --kernel lowpass/lowpass.c
  cortex-host run --config lowpass-board/run.yaml

The kernel's own folder is not changed: a C source is compiled, and a Rust crate linked, from where
it lies. C needs a compiler for the board: arm-none-eabi-gcc, or riscv64-unknown-elf-gcc. An existing
folder is never changed.")]
pub(super) struct Args {
    /// Name of the image and of its folder: a-z, 0-9, _ and -.
    name: String,
    /// Board.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(BOARDS.map(|known| known.0)))]
    board: String,
    /// What `new kernel` wrote, another crate that exports kernels, or a C file.
    #[arg(long, value_name = "FOLDER|FILE")]
    kernel: PathBuf,
    #[command(flatten)]
    crates: CratesArgs,
}

/// Boards with their firmware's main.rs and .cargo/config.toml.
const BOARDS: [(&str, &str, &str); 7] = [
    (
        "mps2-an386",
        include_str!("firmware/mps2-an386.rs"),
        include_str!("firmware/mps2-an386.toml"),
    ),
    (
        "mps2-an385",
        include_str!("firmware/mps2-an386.rs"),
        include_str!("firmware/mps2-an385.toml"),
    ),
    ("microbit", include_str!("firmware/microbit.rs"), include_str!("firmware/microbit.toml")),
    ("sifive-e", include_str!("firmware/sifive-e.rs"), include_str!("firmware/sifive-e.toml")),
    (
        "netduinoplus2",
        include_str!("firmware/netduinoplus2.rs"),
        include_str!("firmware/netduinoplus2.toml"),
    ),
    (
        "nucleo-f446re",
        include_str!("firmware/nucleo-f446re.rs"),
        include_str!("firmware/nucleo-f446re.toml"),
    ),
    ("pico", include_str!("firmware/pico.rs"), include_str!("firmware/pico.toml")),
];

/// Where the kernels of an image come from, as written in its folder.
struct Kernels {
    /// Its line among the dependencies, and what `use`s it.
    dependency: Option<(String, String)>,
    /// C sources.
    sources: Vec<String>,
    /// The library on the desktop.
    library: String,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: the name is not one, there are no such kernels, the folder exists (exit code 2), or
/// cannot be written (3).
pub(super) fn execute(args: &Args, console: &Console) -> Result<(), Failure> {
    let name = checked_name(&args.name, "an image", "_-")?;
    let (Some(spec), Some((board_name, main, config))) =
        (board(&args.board), BOARDS.iter().find(|known| known.0 == args.board))
    else {
        return Err(Failure::usage(format!("there is no board {}", quoted(&args.board))));
    };
    let kernels = Kernels::find(&args.kernel)?;
    let crates = Crates::find(&args.crates)?;
    make_folder(name)?;
    let (dependency, uses) = kernels.dependency.clone().unwrap_or_default();
    let compiled = !kernels.sources.is_empty();
    let values = [
        ("@NAME@", name.to_owned()),
        ("@BOARD@", (*board_name).to_owned()),
        ("@APP@", crates.firmware("app")),
        ("@C@", crates.firmware("c")),
        ("@HARDWARE@", crates.firmware("hardware")),
        ("@BOARD_CRATE@", crates.firmware(&format!("boards/{board_name}"))),
        (
            "@DEPENDENCY@",
            match compiled {
                true => "\n[build-dependencies]\ncc = \"1\"\n".to_owned(),
                false => format!("# The kernels.\n{dependency}\n"),
            },
        ),
        (
            "@BUILD_DOC@",
            match compiled {
                true => "Compiles the kernels and names the linker's scripts.",
                false => "Names the linker's scripts.",
            }
            .to_owned(),
        ),
        ("@COMPILE@", if compiled { compile(&kernels.sources) } else { String::new() }),
        ("@LIBRARY@", kernels.library.clone()),
        ("@DEVICE@", device_keys(&spec)),
    ];
    let files = [
        ("Cargo.toml", include_str!("firmware/Cargo.toml.in").to_owned()),
        ("build.rs", include_str!("firmware/build.rs.in").to_owned()),
        (".cargo/config.toml", (*config).to_owned()),
        ("src/main.rs", own_main(main, board_name, &uses)),
        ("run.yaml", include_str!("firmware/run.yaml").to_owned()),
    ];
    write_files(Path::new(name), &files, &values)?;
    console.say(&format!("Image: {name}/"));
    if spec.emulator.is_none() {
        console.say(&format!("Next: cd {name} && cargo run --release (which flashes it) && cd .."));
    }
    console.say(&format!("Then: cortex-host run --config {name}/run.yaml"));
    Ok(())
}

/// The board's `main.rs` with the engine of an image of the user's.
fn own_main(main: &str, board: &str, uses: &str) -> String {
    let (_, code) = main.split_once('\n').unwrap_or_default();
    let uses = if uses.is_empty() { String::new() } else { format!("\n\n{uses}") };
    // A board with an engine of its own gets this one in its place.
    let code = code
        .replace("    let engine = cortex_app::serve::single_precision_engine;\n", "")
        .replace("firmware_with(", "firmware(")
        .replace("&MEMORY, engine)", "&MEMORY)")
        .replace("firmware(", "firmware_with(")
        .replace("&MEMORY)\n", "&MEMORY, cortex_c::engine)\n")
        .replace("#![no_main]", &format!("#![no_main]{uses}"));
    format!("//! The firmware on {board} with kernels of one's own.\n{code}")
}

/// The lines of a build script that compile C sources.
fn compile(sources: &[String]) -> String {
    let list: String = sources.iter().map(|source| format!("        {source:?},\n")).collect();
    format!(
        "    let sources = [\n{list}    ];\n    for source in sources {{\n        \
         println!(\"cargo:rerun-if-changed={{source}}\");\n    }}\n    cc::Build::new()\n        \
         .files(sources)\n        .std(\"c11\")\n        // The same bits as on the desktop, and no \
         operating system.\n        .flag(\"-ffp-contract=off\")\n        .flag(\"-ffreestanding\")\n        \
         .compile(\"kernels\");\n"
    )
}

/// The keys of a configuration that name the board.
fn device_keys(spec: &BoardSpec) -> String {
    match (&spec.emulator, &spec.hardware) {
        (None, Some(hardware)) => format!("device: \"{}\"\n", hardware.device()),
        _ => format!("device: \"qemu:{}\"\nfirmware: \".\"\n", spec.name),
    }
}

impl Kernels {
    /// The kernels at `path`: a C file, a folder with C files, or a crate.
    fn find(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error| Failure::io("read", path, &error);
        // As the image's folder, beside the current one's files, sees it.
        let from_image = |path: &Path| {
            let path =
                if path.is_absolute() { path.to_owned() } else { Path::new("..").join(path) };
            path.to_string_lossy().into_owned()
        };
        let manifest = path.join("Cargo.toml");
        if manifest.is_file() {
            let text = std::fs::read_to_string(&manifest)
                .map_err(|error| Failure::io("read", &manifest, &error))?;
            let package = package_name(&text).ok_or_else(|| {
                Failure::usage(format!("{} names no package", manifest.display()))
            })?;
            let crate_name = package.replace('-', "_");
            return Ok(Self {
                dependency: Some((
                    format!("{package} = {{ path = {:?} }}", from_image(path)),
                    format!("// Exports its kernels.\nuse {crate_name} as _;"),
                )),
                sources: Vec::new(),
                library: format!("{}/target/release/lib{crate_name}.so", from_image(path)),
            });
        }
        let is_source = |file: &Path| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".c") && !name.starts_with("test_")
        };
        let mut files = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(path).map_err(unreadable)? {
                files.push(entry.map_err(unreadable)?.path());
            }
            files.retain(|file| is_source(file));
            files.sort();
        } else if path.is_file() && is_source(path) {
            files.push(path.to_owned());
        }
        let Some(first) = files.first() else {
            return Err(Failure::usage(format!(
                "--kernel {}: there is neither a crate nor a C source; give what cortex-host new \
                 kernel wrote, or a .c file",
                path.display()
            )));
        };
        // One library of several sources has the folder's name.
        let folder = first.parent().unwrap_or(Path::new(""));
        let stem = match files.len() {
            1 => first.file_stem(),
            _ => folder.file_name(),
        };
        let library = format!("lib{}.so", stem.unwrap_or_default().to_string_lossy());
        Ok(Self {
            dependency: None,
            sources: files.iter().map(|file| from_image(file)).collect(),
            library: from_image(&folder.join(library)),
        })
    }
}

/// The name of the package that a manifest describes.
fn package_name(manifest: &str) -> Option<String> {
    let (_, package) = manifest.split_once("[package]")?;
    let section = package.split("\n[").next()?;
    section.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "name").then(|| value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_boards_main_gets_the_engine_of_an_own_image() {
        for (name, main, _) in BOARDS {
            let own = own_main(main, name, "use mine as _;");
            assert!(own.contains("firmware_with("), "{own}");
            assert!(own.contains(", &MEMORY, cortex_c::engine)\n"), "{own}");
            assert!(own.contains("#![no_main]\n\nuse mine as _;\n"), "{own}");
            assert!(board(name).is_some());
        }
    }

    #[test]
    fn a_package_is_found_by_the_name_in_its_own_section() {
        let manifest = "# [x]\n[package]\nversion = \"1\"\nname = \"a-b\"\n[lib]\nname = \"c\"\n";
        assert_eq!(package_name(manifest).as_deref(), Some("a-b"));
        assert_eq!(package_name("[package]\nversion = \"1\"\n[lib]\nname = \"c\"\n"), None);
    }
}
