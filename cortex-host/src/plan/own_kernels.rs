//! Kernels of a user's own in a plan: found, asked what they are, and tried with the run's shape.
//!
//! All of it happens in a process of the kernel's own, with `isolation: none` too: a library that
//! breaks its process breaks no plan.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cortex_core::kernel::KernelShape;

use super::dtype::plan_dtype;
use super::{Isolation, KernelSource, LibraryKernel, ProgramKernel, Purpose};
use crate::base::digest::sha256_of;
use crate::base::{listed, nearest, quoted};
use crate::config::value::choice;
use crate::config::{At, Entry, KernelConfig, Node, Position, Problem, Value, parameters};
use crate::foreign::{
    self, CommandSetup, Feed, KernelDescription, KernelSetup, Launcher, LibraryDescription,
    OutputShape, ParameterDescription, ParameterKind, Parameters, Refusal,
};
use crate::primitive::Library;

/// What runs the kernel, as far as it is known without the run's shape.
pub(super) struct OpenedKernel<'a> {
    index: usize,
    config: &'a At<KernelConfig>,
    name: String,
    what: ProgramSource<'a>,
}

enum ProgramSource<'a> {
    Library {
        configured: &'a At<String>,
        path: PathBuf,
        description: LibraryDescription,
        kernel: usize,
    },
    Program {
        configured: &'a At<Vec<At<String>>>,
        command: Vec<String>,
    },
}

/// Finds and asks the kernel of `config`; `None` when it is one of this program's.
pub(super) fn begin<'a>(
    index: usize,
    config: &'a At<KernelConfig>,
    library: &Library,
) -> Result<Option<OpenedKernel<'a>>, Problem> {
    let table = &config.value;
    let path = |key: &str| format!("kernels[{index}].{key}");
    let (name, what) = match (&table.library, &table.command) {
        (Some(_), Some(command)) => {
            let message = format!("{} and library exclude each other", path("command"));
            return Err(Problem::at(command.position, message));
        }
        (None, None) => {
            refuse_keys(index, table, &["feed", "state", "isolation"], || {
                "is for kernels of your own; remove it, or name a library or a command".to_owned()
            })?;
            return Ok(None);
        }
        (Some(configured), None) => {
            let found = library.file(&configured.value).ok_or_else(|| {
                let message = format!(
                    "{}: there is no file {}; give the library's path, relative to the current \
                     folder or to the configuration's",
                    path("library"),
                    quoted(&configured.value)
                );
                Problem::at(configured.position, message).input_output()
            })?;
            let found = found.canonicalize().unwrap_or(found);
            refuse_isolation(index, table, configured)?;
            let description = foreign::describe(&found, &Launcher::here()).map_err(|refusal| {
                Problem::at(configured.position, format!("{}: {refusal}", path("library")))
            })?;
            let kernel = which(index, config, &description)?;
            let name = match (&table.name, description.interface.is_plugin()) {
                (Some(name), true) => name.value.clone(),
                _ => description.kernels[kernel].name.clone(),
            };
            (name, ProgramSource::Library { configured, path: found, description, kernel })
        }
        (None, Some(configured)) => {
            refuse_keys(index, table, &["dtype", "scale_uv", "state", "isolation"], || {
                "is for libraries, not for a command, which takes float32; remove it".to_owned()
            })?;
            let name = table.name.as_ref().ok_or_else(|| {
                let message = format!("{} is missing; name the kernel", path("name"));
                Problem::at(config.position, message)
            })?;
            if configured.value.is_empty() || configured.value[0].value.is_empty() {
                let message = format!(
                    "{} must be a program and its arguments, such as [\"python3\", \"kernel.py\"]",
                    path("command")
                );
                return Err(Problem::at(configured.position, message));
            }
            let command =
                configured.value.iter().map(|word| found_word(&word.value, library)).collect();
            (name.value.clone(), ProgramSource::Program { configured, command })
        }
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let position = table.name.as_ref().map_or(config.position, |at| at.position);
        let message = format!(
            "{} must be made of letters, digits, _ and -, but it is {}",
            path("name"),
            quoted(&name)
        );
        return Err(Problem::at(position, message));
    }
    Ok(Some(OpenedKernel { index, config, name, what }))
}

/// A word of a command: a file beside the configuration, where it is no file here, else as it is.
fn found_word(word: &str, library: &Library) -> String {
    if word.starts_with('-') || Path::new(word).is_file() {
        return word.to_owned();
    }
    library.file(word).map_or_else(|| word.to_owned(), |found| found.to_string_lossy().into_owned())
}

/// Refuses keys that have no meaning here.
fn refuse_keys(
    index: usize,
    table: &KernelConfig,
    keys: &[&str],
    why: impl Fn() -> String,
) -> Result<(), Problem> {
    let given = [
        ("feed", table.feed.as_ref().map(|at| at.position)),
        ("dtype", table.dtype.as_ref().map(|at| at.position)),
        ("scale_uv", table.scale_uv.map(|at| at.position)),
        ("state", table.state.as_ref().map(|at| at.position)),
        ("isolation", table.isolation.as_ref().map(|at| at.position)),
    ];
    for (key, position) in given {
        if let Some(position) = position.filter(|_| keys.contains(&key)) {
            return Err(Problem::at(position, format!("kernels[{index}].{key} {}", why())));
        }
    }
    Ok(())
}

/// Refuses a process of its own where the system cannot give one, before anything is loaded.
fn refuse_isolation(
    index: usize,
    table: &KernelConfig,
    configured: &At<String>,
) -> Result<(), Problem> {
    let inside = table.isolation.as_ref().is_some_and(|at| at.value == Isolation::None.name());
    if foreign::HAS_ISOLATION || inside {
        return Ok(());
    }
    let position = table.isolation.as_ref().map_or(configured.position, |at| at.position);
    let message = format!(
        "kernels[{index}]: a process of its own is offered on Linux only; set isolation: none, and a \
         kernel that crashes ends the run"
    );
    Err(Problem::at(position, message))
}

/// Which kernel of the library is meant.
fn which(
    index: usize,
    config: &At<KernelConfig>,
    description: &LibraryDescription,
) -> Result<usize, Problem> {
    let names = || description.kernels.iter().map(|kernel| kernel.name.as_str());
    match &config.value.name {
        _ if description.interface.is_plugin() => Ok(0),
        None if description.kernels.len() == 1 => Ok(0),
        None => {
            let message =
                format!("kernels[{index}].name is missing; the library holds {}", listed(names()));
            Err(Problem::at(config.position, message))
        }
        Some(name) => names().position(|known| known == name.value).ok_or_else(|| {
            let hint = nearest(&name.value, names())
                .map_or_else(String::new, |meant| format!("; did you mean {}?", quoted(meant)));
            let message = format!(
                "unknown kernel {}; the library holds {}{hint}",
                quoted(&name.value),
                listed(names())
            );
            Problem::at(name.position, message)
        }),
    }
}

impl OpenedKernel<'_> {
    /// The kernel's name in the results.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Checks everything else and tries the kernel with the shape of the run.
    pub(super) fn plan(
        self,
        shape: &KernelShape,
        deadline_us: f64,
        library: &Library,
        purpose: Purpose,
    ) -> Result<KernelSource, Problem> {
        let deadline = Duration::from_nanos((deadline_us * 1e3) as u64);
        match &self.what {
            ProgramSource::Library { configured, path, description, kernel } => {
                let mut planned = self.library(
                    shape,
                    library,
                    configured,
                    path,
                    description,
                    &description.kernels[*kernel],
                )?;
                if purpose == Purpose::Training {
                    return Ok(KernelSource::Library(Box::new(planned)));
                }
                planned.output = foreign::try_out(&planned.setup, deadline, &Launcher::here())
                    .map_err(|refusal| self.refused(&refusal, configured.position, &planned))?;
                Ok(KernelSource::Library(Box::new(planned)))
            }
            ProgramSource::Program { configured, command } => {
                let feed = self.feed(&[Feed::Hops, Feed::Windows])?;
                let params = self.config.value.params.as_ref().map(|at| at.value.clone());
                let setup = CommandSetup {
                    command: command.clone(),
                    name: self.name.clone(),
                    channels: shape.channels,
                    window: shape.window,
                    hop: shape.hop,
                    sample_rate_hz: shape.sample_rate_hz,
                    feed,
                    params: params.as_ref().map_or_else(
                        || serde_json::json!({}),
                        |node| serde_json::to_value(node).unwrap_or_default(),
                    ),
                };
                foreign::CommandKernel::open(&setup, deadline, Launcher::GRACE).map_err(
                    |refusal| {
                        let message = format!("{}: {refusal}", self.path("command"));
                        Problem::at(configured.position, message)
                    },
                )?;
                let configured = configured.value.iter().map(|word| word.value.clone()).collect();
                Ok(KernelSource::Program(Box::new(ProgramKernel { configured, setup, params })))
            }
        }
    }

    fn path(&self, key: &str) -> String {
        format!("kernels[{}].{key}", self.index)
    }

    fn feed(&self, feeds: &[Feed]) -> Result<Feed, Problem> {
        match &self.config.value.feed {
            None => Ok(feeds[0]),
            Some(at) => choice(&self.path("feed"), at, feeds, Feed::name),
        }
    }

    fn library(
        &self,
        shape: &KernelShape,
        library: &Library,
        configured: &At<String>,
        path: &Path,
        description: &LibraryDescription,
        kernel: &KernelDescription,
    ) -> Result<LibraryKernel, Problem> {
        let table = &self.config.value;
        let (dtype, scale_uv) = plan_dtype(self.index, self.config, &kernel.dtypes)?;
        let state = match &table.state {
            None => None,
            Some(at) => Some(library.file(&at.value).ok_or_else(|| {
                let message =
                    format!("{}: there is no file {}", self.path("state"), quoted(&at.value));
                Problem::at(at.position, message).input_output()
            })?),
        };
        let isolation = match &table.isolation {
            None => Isolation::Process,
            Some(at) => choice(&self.path("isolation"), at, &Isolation::ALL, Isolation::name)?,
        };
        let (parameters, params) = match &kernel.parameters {
            Some(declared) => self.values(declared)?,
            None => {
                (Parameters::Text(self.text()?), table.params.as_ref().map(|at| at.value.clone()))
            }
        };
        let size = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(LibraryKernel {
            configured: configured.value.clone(),
            sha256: File::open(path).and_then(sha256_of).map_err(|error| {
                let message = format!("{}: cannot be read: {error}", self.path("library"));
                Problem::at(configured.position, message).input_output()
            })?,
            interface: description.interface,
            isolation,
            bit_exact: kernel.bit_exact,
            output: OutputShape { rows: None, columns: 0 },
            setup: KernelSetup {
                library: path.to_owned(),
                kernel: kernel.name.clone(),
                channels: size(shape.channels),
                window: size(shape.window),
                hop: size(shape.hop),
                sample_rate_hz: shape.sample_rate_hz,
                feed: self.feed(&kernel.feeds)?,
                dtype,
                scale_uv,
                parameters,
                state: state.map(|path| path.canonicalize().unwrap_or(path)),
            },
            configured_state: table.state.as_ref().map(|at| at.value.clone()),
            params,
        })
    }

    /// Parameters by name: their values in the table's order, and all of them as a mapping.
    fn values(
        &self,
        declared: &[ParameterDescription],
    ) -> Result<(Parameters, Option<Node>), Problem> {
        let given = self.config.value.params.as_ref();
        if let Some(at) = given {
            if declared.is_empty() {
                let message = format!(
                    "{}: {} has no parameters; remove params",
                    self.path("params"),
                    self.name
                );
                return Err(Problem::at(at.position, message));
            }
            foreign::in_core_terms(declared, |known| {
                parameters::check(&at.value, &self.path("params"), known)
            })?;
        }
        let mut values = Vec::new();
        let mut entries = Vec::new();
        for parameter in declared {
            let written = given.and_then(|at| at.value.entry(&parameter.name));
            let value = match (written.map(|entry| &entry.node.value), &parameter.kind) {
                (Some(Value::Text(word)), ParameterKind::Choice(words)) => {
                    words.iter().position(|known| known == word).map(|at| at as f64)
                }
                (Some(Value::Integer(value)), _) => Some(*value as f64),
                (Some(Value::Float(value)), _) => Some(*value),
                _ => parameter.default,
            };
            values.push(value);
            let Some(value) = value else { continue };
            let value = match &parameter.kind {
                ParameterKind::Number { .. } => Value::Float(value),
                ParameterKind::Count { .. } => Value::Integer(value as i128),
                ParameterKind::Choice(words) => {
                    Value::Text(words.get(value as usize).cloned().unwrap_or_default())
                }
            };
            let node = Node { position: Position::default(), value };
            entries.push(Entry {
                key: parameter.name.clone(),
                position: Position::default(),
                node,
            });
        }
        let node = Node { position: Position::default(), value: Value::Mapping(entries) };
        Ok((Parameters::Values(values), (!declared.is_empty()).then_some(node)))
    }

    /// Parameters as the text that a kernel of the original reads.
    fn text(&self) -> Result<String, Problem> {
        let Some(at) = &self.config.value.params else { return Ok(String::new()) };
        match &at.value.value {
            Value::Text(text) => Ok(text.clone()),
            Value::Mapping(entries) => entries
                .iter()
                .map(|entry| {
                    let value = match &entry.node.value {
                        Value::Bool(value) => value.to_string(),
                        Value::Integer(value) => value.to_string(),
                        Value::Float(value) => value.to_string(),
                        Value::Text(value) => value.clone(),
                        _ => {
                            let message = format!(
                                "{}.{} must be a number or a word: the kernel reads its \
                                 parameters as lines of text",
                                self.path("params"),
                                entry.key
                            );
                            return Err(Problem::at(entry.node.position, message));
                        }
                    };
                    Ok(format!("{}: {value}\n", entry.key))
                })
                .collect(),
            _ => {
                let message = format!("{} must be a mapping or text", self.path("params"));
                Err(Problem::at(at.position, message))
            }
        }
    }

    /// A refusal at the place of the parameter at fault.
    fn refused(&self, refusal: &Refusal, library: Position, planned: &LibraryKernel) -> Problem {
        let params = self.config.value.params.as_ref();
        let name = refusal.parameter.and_then(|index| {
            let Some(Value::Mapping(entries)) = planned.params.as_ref().map(|node| &node.value)
            else {
                return None;
            };
            // Parameters that the kernel decides are left out of the mapping.
            let Parameters::Values(values) = &planned.setup.parameters else { return None };
            let before = values.iter().take(index).filter(|value| value.is_some()).count();
            entries.get(before).map(|entry| entry.key.clone())
        });
        let written = name
            .as_ref()
            .and_then(|name| params?.value.entry(name))
            .map(|entry| entry.node.position);
        let position = written.or(params.map(|at| at.position)).unwrap_or(library);
        let blamed = name.map_or_else(String::new, |name| format!("params.{name}: "));
        let message = format!("kernels[{}] ({}): {blamed}{refusal}", self.index, self.name);
        Problem::at(position, message)
    }
}
