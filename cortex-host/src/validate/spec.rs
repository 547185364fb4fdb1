//! What is validated: `spec.yaml` beside a kernel, or a kernel of this program.

use std::path::{Path, PathBuf};

use cortex_core::kernel::KernelName;

use crate::base::{Failure, listed, quoted};
use crate::config::decode::decode;
use crate::config::{At, KernelConfig, Node, Problem, Source, Value};
use crate::primitive::Library;

/// The oracle of the kernels of this program, as a primitive and built in.
const ORACLE: &str = "primitives/kernels/v1/oracle.py";
const ORACLE_TEXT: &str = include_str!("../../primitives/kernels/v1/oracle.py");

/// Relative error of the kernels of this program against their oracle: 1e-5 of the output.
const BUILT_IN_SNR_DB: f64 = 100.0;

/// How far a kernel may be from its oracle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// |kernel - oracle| <= atol + rtol |oracle| for every value.
    PerValue {
        /// Relative.
        rtol: f64,
        /// Absolute, in the output's unit.
        atol: f64,
    },
    /// Power of the oracle's output over that of the difference, over a whole case.
    SnrDb(f64),
}

/// A kernel, its oracle and the tolerance.
#[derive(Debug)]
pub struct Validation {
    /// The kernel as an entry of a configuration's kernels.
    pub kernel: KernelConfig,
    /// The oracle's program and arguments.
    pub oracle: Vec<String>,
    /// How far they may be apart.
    pub tolerance: Tolerance,
    /// Whether missing samples are tried.
    pub missing_samples: bool,
    /// Where the kernel's files are.
    pub folder: Option<PathBuf>,
    /// A copy of a built-in oracle, removed with this.
    _oracle_copy: Option<tempfile::TempDir>,
}

impl Validation {
    /// Finds what `what` names: a folder with a spec.yaml, such a file, or a kernel of this program.
    ///
    /// # Errors
    /// [`Failure`]: there is no such thing, or it is written wrongly.
    pub fn find(what: &str) -> Result<Self, Failure> {
        let path = Path::new(what);
        if path.is_dir() {
            return Self::read(&path.join("spec.yaml"));
        }
        if path.is_file() {
            return Self::read(path);
        }
        match KernelName::parse(what) {
            Some(name) => Self::built_in(name),
            None => Err(Failure::usage(format!(
                "there is no folder {} with a spec.yaml, and no such kernel; the kernels of this \
                 program are {}",
                quoted(what),
                listed(KernelName::ALL.iter().map(|name| name.as_str()))
            ))),
        }
    }

    fn built_in(name: KernelName) -> Result<Self, Failure> {
        let (script, copy) = match Library::new(None).file(ORACLE) {
            Some(path) => (path, None),
            None => {
                let failed = |error| Failure::io("write", Path::new("oracle.py"), &error);
                let folder = tempfile::tempdir().map_err(failed)?;
                let path = folder.path().join("oracle.py");
                std::fs::write(&path, ORACLE_TEXT).map_err(failed)?;
                (path, Some(folder))
            }
        };
        // With NumPy and SciPy, which the system's Python need not have.
        let python = std::env::var("CORTEX_ORACLE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        Ok(Self {
            kernel: KernelConfig {
                name: Some(name.as_str().to_owned().into()),
                ..KernelConfig::default()
            },
            oracle: vec![python, script.to_string_lossy().into_owned()],
            tolerance: Tolerance::SnrDb(BUILT_IN_SNR_DB),
            missing_samples: true,
            folder: None,
            _oracle_copy: copy,
        })
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let source = Source::read(Some(&path.to_string_lossy()))?;
        Self::of(&source, path).map_err(|problem| problem.in_source(&source.name).into())
    }

    fn of(source: &Source, path: &Path) -> Result<Self, Problem> {
        let root = Node::parse(&source.text)?;
        let missing = |key: &str| Problem::at(root.position, format!("{key} is missing"));
        let node = |key: &str| root.entry(key).map(|entry| &entry.node);
        if let Value::Mapping(entries) = &root.value {
            let known = ["kernel", "oracle", "tolerance", "missing_samples"];
            if let Some(entry) = entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
                let message = format!(
                    "unknown key {}; the keys known here are {}",
                    quoted(&entry.key),
                    listed(known.into_iter())
                );
                return Err(Problem::at(entry.position, message));
            }
        }
        let kernel = decode(node("kernel").ok_or_else(|| missing("kernel"))?, "kernel")?;
        let oracle: Vec<At<String>> =
            decode(node("oracle").ok_or_else(|| missing("oracle"))?, "oracle")?;
        let folder = path.parent().map(Path::to_path_buf);
        let library = Library::new(folder.as_deref());
        let oracle = oracle
            .into_iter()
            .map(|word| match library.file(&word.value) {
                Some(found) if !word.value.starts_with('-') => found.to_string_lossy().into_owned(),
                _ => word.value,
            })
            .collect();
        let tolerance = node("tolerance").ok_or_else(|| missing("tolerance"))?;
        let number = |key: &str| match tolerance.entry(key) {
            None => Ok(None),
            Some(entry) => decode::<f64>(&entry.node, &format!("tolerance.{key}")).map(Some),
        };
        let tolerance = match (number("snr_db")?, number("rtol")?, number("atol")?) {
            (Some(snr_db), None, None) => Tolerance::SnrDb(snr_db),
            (None, None, None) | (Some(_), _, _) => {
                let message = "tolerance must hold rtol and atol, or snr_db";
                return Err(Problem::at(tolerance.position, message));
            }
            (None, rtol, atol) => Tolerance::PerValue {
                rtol: rtol.unwrap_or_default(),
                atol: atol.unwrap_or_default(),
            },
        };
        let missing_samples = match node("missing_samples") {
            None => false,
            Some(node) => decode(node, "missing_samples")?,
        };
        Ok(Self { kernel, oracle, tolerance, missing_samples, folder, _oracle_copy: None })
    }
}
