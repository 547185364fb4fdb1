//! Primitives: versioned datasets, kernels and configurations under `primitives/`.
//!
//! A path is looked for in the current folder, then in the configuration's folder, then, when
//! it begins with `primitives/`, in every folder above the current one (so that a checkout
//! works from anywhere inside it), and last among the copies embedded in the binary. The first
//! that exists wins: a local `primitives/` folder overrides the embedded copies.

mod embedded;
mod source;
mod spec;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use embedded::{BOARD_CONFIG, DEFAULT_CONFIG, FILES};
pub use spec::{DatasetSpec, GeneratorSpec, GoldenDigest, GoldenSpec, ParameterSpec};

use crate::base::{expand_home, listed, nearest, quoted, quoted_path};
use crate::config::{ConfigError, Node, Problem, decode};

/// No honest primitive's file is larger, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The root of all primitives, as paths spell it.
const ROOT: &str = "primitives";

/// Where primitives and datasets are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// Folders that any relative path may be relative to.
    folders: Vec<PathBuf>,
    /// Folders that hold a `primitives` folder.
    checkouts: Vec<PathBuf>,
}

/// What a dataset path stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Dataset {
    /// A file of samples, where it was found.
    File(PathBuf),
    /// A generator primitive.
    Generator {
        /// Its path in the form `primitives/datasets/VERSION/NAME`, or the folder given.
        primitive: String,
        /// Its specification.
        spec: Box<GeneratorSpec>,
    },
}

/// Why a dataset path stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// A name without a version, an unknown name or an absent version: a wrong reference.
    #[error("{0}")]
    Reference(String),
    /// No such file, or an unreadable one.
    #[error("{0}")]
    File(String),
    /// The specification found is wrong.
    #[error(transparent)]
    Spec(#[from] ConfigError),
}

/// One line of `list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// How to name it in a configuration or on the command line.
    pub path: String,
    /// What it is, in one line.
    pub summary: String,
    /// Whether it was found in a local `primitives` folder, not only in the binary.
    pub local: bool,
}

impl Library {
    /// The library seen from the current folder and, if there is one, from the configuration's
    /// folder.
    #[must_use]
    pub fn new(config_folder: Option<&Path>) -> Self {
        let current = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self::at(&current, config_folder)
    }

    /// The library seen from the folder `current`.
    #[must_use]
    pub fn at(current: &Path, config_folder: Option<&Path>) -> Self {
        let mut folders = vec![current.to_path_buf()];
        folders.extend(config_folder.map(|folder| current.join(folder)));
        let holds_primitives = |folder: &&Path| folder.join(ROOT).is_dir();
        let checkouts = current.ancestors().filter(holds_primitives).map(Path::to_path_buf);
        Self { checkouts: checkouts.collect(), folders }
    }

    /// Finds what `path` stands for.
    ///
    /// # Errors
    /// [`LookupError`] says what was looked for and what there is instead.
    pub fn dataset(&self, path: &str) -> Result<Dataset, LookupError> {
        let expanded = expand_home(path).map_err(LookupError::Reference)?;
        let expanded = expanded.to_string_lossy();
        let name = expanded.strip_prefix("./").unwrap_or(&expanded).trim_end_matches('/');
        if name.is_empty() {
            return Err(LookupError::Reference(
                "the path is empty; name a file or a primitive".into(),
            ));
        }
        for folder in self.search(name) {
            let found = folder.join(name);
            if found.is_dir() {
                return folder_dataset(path, name, &found);
            }
            if found.exists() {
                return Ok(Dataset::File(found));
            }
        }
        let spec_name = format!("{name}/spec.yaml");
        match embedded::text(&spec_name) {
            Some(text) => from_spec(name, &spec_name, text),
            None => Err(self.absent(path, name)),
        }
    }

    /// Path and text of every device primitive, a local one in place of an embedded one of its name.
    #[must_use]
    pub fn devices(&self) -> Vec<(String, String)> {
        let folder = format!("{ROOT}/devices");
        let embedded = FILES.iter().filter(|(path, _)| path.starts_with(&folder));
        let mut found: BTreeMap<String, String> =
            embedded.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        // The most local last: it wins.
        for checkout in self.checkouts.iter().rev() {
            for file in names_in(&checkout.join(&folder)) {
                let path = format!("{folder}/{file}");
                if file.ends_with(".yaml")
                    && let Ok(text) = read_text(&checkout.join(&path))
                {
                    found.insert(path, text);
                }
            }
        }
        found.into_iter().collect()
    }

    /// The summary in the local `spec.yaml` of the kernel `name`, if a `primitives` folder has one.
    #[must_use]
    pub fn local_kernel_summary(&self, name: &str) -> Option<Result<String, ConfigError>> {
        let path = format!("{ROOT}/kernels/v1/{name}");
        let (text, folder) = self.specification(&path)?;
        folder?;
        let summary = Node::parse(&text).and_then(|node| match node.entry("summary") {
            Some(entry) => decode::entry(entry, ""),
            None => Err(Problem::at(node.position, "summary is missing; give one line")),
        });
        Some(summary.map_err(|problem| problem.in_source(&format!("{path}/spec.yaml"))))
    }

    /// All dataset primitives, by path.
    #[must_use]
    pub fn datasets(&self) -> Vec<Listing> {
        let mut found = BTreeMap::new();
        for path in self.dataset_paths() {
            let (text, local) = self.spec_text(&path);
            let summary = match DatasetSpec::parse(&path, &text) {
                Ok(spec) => spec.summary().to_owned(),
                Err(error) => error.to_string(),
            };
            found.insert(path.clone(), Listing { path, summary, local });
        }
        found.into_values().collect()
    }

    /// The text of the specification of the dataset primitive `path`
    /// (`primitives/datasets/VERSION/NAME` or a folder), and its folder unless it is only
    /// embedded. `None` when there is no such primitive.
    #[must_use]
    pub fn specification(&self, path: &str) -> Option<(String, Option<PathBuf>)> {
        let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
        let spec_name = format!("{path}/spec.yaml");
        let local = self.search(path).find_map(|folder| {
            let text = read_text(&folder.join(&spec_name)).ok()?;
            Some((text, Some(folder.join(path))))
        });
        local.or_else(|| embedded::text(&spec_name).map(|text| (text.to_owned(), None)))
    }

    /// The local file called `path`: relative to the current folder, or in a local `primitives`
    /// folder. It wins over an embedded one.
    #[must_use]
    pub fn local_file(&self, path: &str) -> Option<PathBuf> {
        self.search(path).map(|folder| folder.join(path)).find(|found| found.is_file())
    }

    /// All shipped configurations, by path; the summary is the file's first comment line.
    #[must_use]
    pub fn configs(&self) -> Vec<Listing> {
        let mut found = BTreeMap::new();
        let mut add = |path: String, text: &str, local: bool| {
            let summary = text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
            let listing = Listing { path: path.clone(), summary: summary.to_owned(), local };
            found.entry(path).or_insert(listing);
        };
        for checkout in &self.checkouts {
            for file in names_in(&checkout.join(ROOT).join("configs")) {
                let path = format!("{ROOT}/configs/{file}");
                if file.ends_with(".yaml")
                    && let Ok(text) = read_text(&checkout.join(&path))
                {
                    add(path, &text, true);
                }
            }
        }
        for (path, text) in FILES {
            if path.starts_with("primitives/configs/") || path.contains("/examples/") {
                match self.local_file(path).and_then(|found| fs::read_to_string(found).ok()) {
                    Some(local) => add((*path).to_owned(), &local, true),
                    None => add((*path).to_owned(), text, false),
                }
            }
        }
        found.into_values().collect()
    }

    /// The file at `path`, looked for as any other.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let found = self.search(path).map(|folder| folder.join(path));
        found.into_iter().find(|found| !path.is_empty() && found.is_file())
    }

    /// The folders that `name` may be relative to, the most local first.
    fn search(&self, name: &str) -> impl Iterator<Item = &PathBuf> {
        let primitive = name.starts_with("primitives/");
        self.folders.iter().chain(self.checkouts.iter().filter(move |_| primitive))
    }

    fn spec_text(&self, path: &str) -> (String, bool) {
        match self.specification(path) {
            Some((text, folder)) => (text, folder.is_some()),
            None => (String::new(), false),
        }
    }

    /// `primitives/datasets/VERSION/NAME` of all that have a specification, sorted.
    fn dataset_paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = FILES
            .iter()
            .filter_map(|(path, _)| path.strip_suffix("/spec.yaml"))
            .filter(|path| path.starts_with("primitives/datasets/"))
            .map(str::to_owned)
            .collect();
        for checkout in &self.checkouts {
            let datasets = checkout.join(ROOT).join("datasets");
            for version in names_in(&datasets) {
                for name in names_in(&datasets.join(&version)) {
                    if datasets.join(&version).join(&name).join("spec.yaml").is_file() {
                        paths.push(format!("{ROOT}/datasets/{version}/{name}"));
                    }
                }
            }
        }
        paths.sort();
        paths.dedup();
        paths
    }

    /// Why nothing is at `name`, and what there is.
    fn absent(&self, path: &str, name: &str) -> LookupError {
        let parts: Vec<&str> = name.split('/').collect();
        let known = self.dataset_paths();
        let of = |wanted: &str| -> Vec<&str> {
            let versions = known.iter().map(String::as_str);
            versions.filter(|path| path.ends_with(&format!("/{wanted}"))).collect()
        };
        match parts.as_slice() {
            [ROOT, "datasets", dataset] if !of(dataset).is_empty() => {
                LookupError::Reference(format!(
                    "{} names no version; a version fixes the bytes, so name one: {}",
                    quoted_path(path),
                    listed(of(dataset))
                ))
            }
            [ROOT, "datasets", version, dataset] if !of(dataset).is_empty() => {
                LookupError::Reference(format!(
                    "there is no version {} of {dataset}; there is {}",
                    quoted(version),
                    listed(of(dataset))
                ))
            }
            [ROOT, "datasets"] | [ROOT, "datasets", _] | [ROOT, "datasets", _, _] => {
                let advice = match nearest(name, known.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean {}?", quoted_path(meant)),
                    None => format!("there is {}", listed(known.iter().map(String::as_str))),
                };
                LookupError::Reference(format!(
                    "there is no dataset {}; {advice}",
                    quoted_path(path)
                ))
            }
            _ => {
                if let Some(command) = download_command(name) {
                    return LookupError::File(format!(
                        "there is no dataset {}; fetch it with: {command}",
                        quoted_path(path)
                    ));
                }
                let advice = if Path::new(name).is_absolute() {
                    "correct the path".to_owned()
                } else {
                    let mut folders: Vec<&PathBuf> = self.search(name).collect();
                    folders.dedup();
                    let folders: Vec<String> =
                        folders.iter().map(|folder| folder.display().to_string()).collect();
                    format!("looked in {}", listed(folders.iter().map(String::as_str)))
                };
                LookupError::File(format!("there is no dataset {}; {advice}", quoted_path(path)))
            }
        }
    }
}

/// Static datasets that `cortex-host download` fetches: its name for them, and their path.
pub const DOWNLOADS: [(&str, &str); 1] =
    [("physionet", "primitives/datasets/v1/physionet-motor-imagery")];

/// The command that fetches the missing file `name`, if it belongs to a dataset that is fetched.
fn download_command(name: &str) -> Option<String> {
    let below = |path: &str| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    let (short, _) = DOWNLOADS.iter().find(|(_, path)| below(path))?;
    let stem = Path::new(name).file_stem()?.to_str()?;
    // Recordings are called S001R03: subject and run.
    let numbers = stem.strip_prefix('S').and_then(|rest| rest.split_once('R'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(match numbers {
        Some((subject, run)) if digits(subject) && digits(run) => {
            format!("cortex-host download {short} --recording {stem}")
        }
        _ => format!("cortex-host download {short}"),
    })
}

/// The dataset in an existing folder.
fn folder_dataset(path: &str, name: &str, folder: &Path) -> Result<Dataset, LookupError> {
    let spec = folder.join("spec.yaml");
    let spec_name = spec.display().to_string();
    match read_text(&spec) {
        Ok(text) => from_spec(name, &spec_name, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(LookupError::Reference(format!(
                "{} is a folder without a spec.yaml; name a .float32 file or a generator such as primitives/datasets/v1/synthetic",
                quoted_path(path)
            )))
        }
        Err(error) => Err(LookupError::File(format!("cannot read {spec_name}: {error}"))),
    }
}

/// The text of a primitive's file. Looked at first: a pipe would be waited for, a device never end.
fn read_text(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(io::Error::other("it is no regular file of at most 1 MiB"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn from_spec(name: &str, spec_name: &str, text: &str) -> Result<Dataset, LookupError> {
    match DatasetSpec::parse(spec_name, text)? {
        DatasetSpec::Generator(spec) => Ok(Dataset::Generator { primitive: name.to_owned(), spec }),
        DatasetSpec::Static { .. } => Err(LookupError::Reference(format!(
            "{} is a collection of recordings; name one file in it, such as {name}/converted/S001R03.float32",
            quoted_path(name)
        ))),
    }
}

/// The names in a folder, sorted; none when it cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

impl LookupError {
    /// The same, as a problem at a place in a configuration.
    #[must_use]
    pub fn at(self, position: crate::config::Position) -> Problem {
        match self {
            LookupError::File(message) => Problem::at(position, message).input_output(),
            other => Problem::at(position, other.to_string()),
        }
    }
}
