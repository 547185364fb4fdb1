//! `cortex-host new`: a kernel of one's own to begin from, in a folder that builds as it is; a board's
//! image with kernels of one's own.

mod firmware;

use std::path::{Path, PathBuf};

use super::{Console, output};
use crate::base::atomic_file::place_text;
use crate::base::{ExitCode, Failure};

/// Arguments of `new`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host new kernel envelope --c
  cortex-host new kernel envelope --rust
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
        ("@CORE@", core_dependency()),
    ];
    write_files(Path::new(name), &files, &values)?;
    let build = if args.c { "make test && make" } else { "cargo test && cargo build --release" };
    console.say(&format!("Kernel: {name}/"));
    console.say(&format!("Next: cd {name} && {build} && cd .."));
    console.say(&format!("Then: cortex-host run --config {name}/run.yaml"));
    console.say(&format!("And:  cortex-host validate {name}"));
    Ok(())
}

/// `name`, when it begins with a letter and has no characters but a-z, 0-9 and those of `others`.
fn checked_name<'a>(name: &'a str, what: &str, others: &str) -> Result<&'a str, Failure> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c);
    if name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && name.len() <= 40
    {
        return Ok(name);
    }
    let others = others.chars().map(String::from).collect::<Vec<_>>().join(" and ");
    Err(Failure::usage(format!(
        "{name:?} is no name for {what}; use a-z, 0-9 and {others}, beginning with a letter"
    )))
}

/// Makes the folder `name`, which must not exist.
fn make_folder(name: &str) -> Result<(), Failure> {
    let folder = Path::new(name);
    std::fs::create_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{name} exists already and is not changed; choose another name"))
        }
        _ => Failure::io("make the folder", folder, &error),
    })
}

/// Writes files into `folder`, with `values` in place of their keys in names and texts.
fn write_files(
    folder: &Path,
    files: &[(&str, String)],
    values: &[(&str, String)],
) -> Result<(), Failure> {
    let filled = |text: &str| {
        values.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    };
    for (file, text) in files {
        let path = folder.join(filled(file));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| Failure::io("make the folder", parent, &error))?;
        }
        place_text(&path, &filled(text))?;
    }
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

/// Where a crate finds `cortex-core`: in the checkout this program was built from, as long as that is
/// there, else in the registry.
fn core_dependency() -> String {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../cortex-core");
    match beside.canonicalize() {
        Ok(path) if path.join("Cargo.toml").is_file() => format!("path = {path:?}"),
        _ => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
    }
}
