//! Manifests: how a dataset was made, and whether it can be made again.

use std::path::Path;

use crate::base::{Failure, Progress};
use crate::generate::{self, Reproduced, Settings};
use crate::synthetic;

/// How a dataset was made, with digests of its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub(super) manifest: synthetic::Manifest,
    pub(super) warnings: Vec<String>,
}

impl Manifest {
    /// Digest of the dataset's bytes (little-endian `f32`, samples x channels): the function's name,
    /// `BLAKE3` or `SHA-256`, and lower-case hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        self.manifest.digest.content.to_string()
    }

    /// What the format of the file written could not keep as it is: one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The manifest's text, which `cortex-host reproduce` and `generate --from` take.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        self.manifest.to_yaml()
    }
}

/// Makes a dataset again from its manifest, in memory of a fixed size, and compares digests; a data
/// file that lies beside the manifest is compared, too, if it holds the samples as they are
/// generated: raw float32, BrainVision or `.npy`.
///
/// `path` is a manifest or the folder of a run.
///
/// # Errors
/// The manifest cannot be read or used, or the data file cannot be read. A difference is no error.
pub fn reproduce(path: impl AsRef<Path>, progress: &Progress) -> Result<Reproduced, Failure> {
    let (manifest, path) = synthetic::Manifest::of_argument(path.as_ref())?;
    Ok(generate::reproduce(&manifest, &path, &Settings::automatic(), progress)?)
}
