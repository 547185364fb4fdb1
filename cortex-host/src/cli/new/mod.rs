//! `cortex-host new`: a kernel of one's own to begin from, in a folder that builds as it is; a board's
//! image with kernels of one's own.

mod checkout;
mod files;
mod firmware;

use std::path::Path;

use super::{Console, output};
use crate::base::{ExitCode, Failure};
use checkout::{Crates, CratesArgs};
use files::{checked_name, make_folder, write_files};

/// Arguments of `new`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host new kernel envelope --c
  cortex-host new kernel smoother --rust
  cortex-host new firmware envelope-board --board mps2-an386 --kernel envelope
  cortex-host new header > cortex_kernel.h")]
pub struct Args {
    #[command(subcommand)]
    what: NewCommand,
}

#[derive(Debug, clap::Subcommand)]
enum NewCommand {
    /// A kernel: source, property test, oracle, configuration.
    Kernel(KernelArgs),
    /// A board's image with kernels of one's own: a crate to build and to flash.
    Firmware(firmware::Args),
    /// The interface of kernels, cortex_kernel.h, on stdout.
    Header,
}

/// Arguments of `new kernel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host new kernel envelope --c
  cortex-host new kernel envelope --rust

The folder holds a low-pass filter to be changed. In it: make (or cargo build --release), then
cortex-host run --config NAME/run.yaml and cortex-host validate NAME. An existing folder is never
changed.")]
struct KernelArgs {
    /// Name of the kernel and of its folder: a-z, 0-9 and _.
    name: String,
    /// In C.
    #[arg(long, required_unless_present = "rust", conflicts_with = "rust")]
    c: bool,
    /// In Rust.
    #[arg(long)]
    rust: bool,
    #[command(flatten)]
    crates: CratesArgs,
}

const C: [(&str, &str); 3] = [
    ("@NAME@.c", include_str!("c/kernel.c")),
    ("test_@NAME@.c", include_str!("c/test.c")),
    ("Makefile", include_str!("c/Makefile")),
];

const RUST: [(&str, &str); 2] = [
    // Not under its own name here, where cargo would take it for a package.
    ("Cargo.toml", include_str!("rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("rust/lib.rs.in")),
];

const BOTH: [(&str, &str); 3] = [
    ("oracle.py", include_str!("oracle.py")),
    ("spec.yaml", include_str!("spec.yaml")),
    ("run.yaml", include_str!("run.yaml")),
];

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: the name is not one, the folder exists (exit code 2), or cannot be written (3).
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    match &args.what {
        NewCommand::Kernel(args) => new_kernel(args, console)?,
        NewCommand::Firmware(args) => firmware::execute(args, console)?,
        NewCommand::Header => output::print(cortex_core::abi::HEADER.trim_end())?,
    }
    Ok(ExitCode::Success)
}

fn new_kernel(args: &KernelArgs, console: &Console) -> Result<(), Failure> {
    let name = checked_name(&args.name, "a kernel", "_")?;
    let crates = Crates::find(&args.crates)?;
    make_folder(name)?;
    let library =
        if args.c { format!("./lib{name}.so") } else { format!("./target/release/lib{name}.so") };
    let files: Vec<(&str, &str)> = match args.c {
        true => C.into_iter().chain([("cortex_kernel.h", cortex_core::abi::HEADER)]).collect(),
        false => RUST.to_vec(),
    };
    let files: Vec<(&str, String)> =
        files.into_iter().chain(BOTH).map(|(file, text)| (file, text.to_owned())).collect();
    let values = [
        ("@NAME@", name.to_owned()),
        ("@TYPE@", type_name(name)),
        ("@LIBRARY@", library),
        ("@CORE@", crates.core()),
    ];
    write_files(Path::new(name), &files, &values)?;
    let build = if args.c { "make test && make" } else { "cargo test && cargo build --release" };
    console.say(&format!("Kernel: {name}/"));
    console.say(&format!("Next: cd {name} && {build} && cd .."));
    console.say(&format!("Then: cortex-host run --config {name}/run.yaml"));
    console.say(&format!("And:  cortex-host validate {name}"));
    Ok(())
}

/// `low_pass` as `LowPass`.
fn type_name(name: &str) -> String {
    name.split('_')
        .filter_map(|word| {
            let mut letters = word.chars();
            let first = letters.next()?.to_ascii_uppercase();
            Some(std::iter::once(first).chain(letters).collect::<String>())
        })
        .collect()
}
