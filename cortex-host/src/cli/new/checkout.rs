//! Where a new crate finds the crates of this project.

use std::path::{Path, PathBuf};

use crate::base::{Failure, quoted};

/// Where the crates come from, as an option of a command.
#[derive(Debug, clap::Args)]
pub(super) struct CratesArgs {
    /// A checkout of CORTEX to take the project's crates from. Without it: the one around this
    /// program or around the current folder; else the published crates of this version.
    #[arg(long, value_name = "FOLDER")]
    checkout: Option<PathBuf>,
}

/// Where the project's crates are.
pub(super) enum Crates {
    /// In this folder.
    Checkout(PathBuf),
    /// Published, in this program's version.
    Published,
}

impl Crates {
    /// Finds them. Nothing is known of the folder in which this program was built.
    ///
    /// # Errors
    /// [`Failure`]: the folder given is no checkout (exit code 2).
    pub(super) fn find(args: &CratesArgs) -> Result<Self, Failure> {
        if let Some(folder) = &args.checkout {
            let found = folder.canonicalize().ok().filter(|folder| is_checkout(folder));
            return found.map(Self::Checkout).ok_or_else(|| {
                Failure::usage(format!(
                    "--checkout {}: this is no checkout of CORTEX; it has to hold cortex-core and \
                     firmware",
                    quoted(&folder.to_string_lossy())
                ))
            });
        }
        let around = |path: std::io::Result<PathBuf>| {
            let path = path.and_then(|path| path.canonicalize()).ok()?;
            path.ancestors().find(|folder| is_checkout(folder)).map(Path::to_path_buf)
        };
        let found = around(std::env::current_exe()).or_else(|| around(std::env::current_dir()));
        Ok(found.map_or(Self::Published, Self::Checkout))
    }

    /// The keys of a dependency on the kernels' package, cortex-bci-core.
    pub(super) fn core(&self) -> String {
        match self {
            Self::Checkout(folder) => format!("path = {:?}", folder.join("cortex-core")),
            Self::Published => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// The keys of a dependency on the crate in a folder of `firmware/`, which is in no registry.
    pub(super) fn firmware(&self, folder: &str) -> String {
        match self {
            Self::Checkout(checkout) => {
                format!("path = {:?}", checkout.join("firmware").join(folder))
            }
            Self::Published => {
                let (repository, version) =
                    (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
                format!("git = {repository:?}, tag = \"v{version}\"")
            }
        }
    }
}

fn is_checkout(folder: &Path) -> bool {
    folder.join("cortex-core/c/cortex_kernel.h").is_file()
        && folder.join("firmware/boards").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_crate_is_named_by_its_version() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(Crates::Published.core(), format!("version = \"{version}\""));
        let firmware = Crates::Published.firmware("app");
        assert!(firmware.starts_with("git = \"https://"), "{firmware}");
        assert!(firmware.ends_with(&format!("tag = \"v{version}\"")), "{firmware}");
    }
}
