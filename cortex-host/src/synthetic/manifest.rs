//! The generation manifest: how a dataset was made, enough to make it again and to prove it.
//!
//! YAML with the keys of a configuration where they mean the same, so that `params` can be
//! copied into one. No absolute paths: a results folder can be moved.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cortex_core::signal::{Generator, SpecError};

use super::manifest_tables::{
    DigestTable, GeneratorTable, OutputTable, ShardTable, Table, ToolTable,
};
use super::{
    BLOCK_DIGEST_BLOCKS, BLOCK_DIGEST_CHANNELS, GeneratedDataset, Shard, ShardLayout, TruthDigest,
    TruthKind, block_digest, generated,
};
use crate::base::digest::{Algorithm, ContentDigest, FileDigest, crc32_text};
use crate::base::{built_for, quoted, quoted_path, rfc3339};
use crate::config::decode::{self, decode};
use crate::config::mistakes::unknown_key;
use crate::config::{At, ConfigError, DatasetConfig, Entry, Node, Position, Problem, Value};
use crate::primitive::Library;

/// The digests of truth as a table: kind and SHA-256.
fn truth_table(truth: &[TruthDigest]) -> Node {
    let entry = |one: &TruthDigest| Entry::new(one.kind.name(), Value::Text(one.sha256.clone()));
    Node::plain(Value::Mapping(truth.iter().map(entry).collect()))
}

fn read_truth(table: &At<Node>) -> Result<Vec<TruthDigest>, Problem> {
    let known = TruthKind::ALL.map(TruthKind::name);
    let one = |entry: &Entry| {
        let Some(kind) = TruthKind::from_name(&entry.key) else {
            return Err(unknown_key(entry, "digests.truth", &known));
        };
        let sha256 = hex(decode::entry(entry, "digests.truth")?, 64)?;
        Ok(TruthDigest { kind, sha256 })
    };
    decode::entries(&table.value, "digests.truth")?.iter().map(one).collect()
}

/// Name of the manifest in the `dataset` folder of a run's results.
pub const MANIFEST_NAME: &str = "generation_manifest.yaml";

/// The version of the manifest's form.
const SCHEMA_VERSION: u64 = 1;

/// No honest manifest is larger, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// How a dataset was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The generator and all its parameters.
    pub dataset: GeneratedDataset,
    /// Name of the data file beside the manifest, if it was kept there.
    pub file: Option<String>,
    /// The part of the dataset that the digests are of, if not the whole.
    pub shard: Option<(Shard, ShardLayout)>,
    /// Digests of the data.
    pub digest: FileDigest,
    /// Digests of the truth beside the data; empty for a shard and before v3.
    pub truth: Vec<TruthDigest>,
    /// [`block_digest()`] as eight hexadecimal digits.
    pub block_crc32: String,
    /// When it was made: RFC 3339, UTC.
    pub created: String,
    /// The tool that made it.
    pub tool: ToolInfo,
}

/// The program that made a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolInfo {
    /// Its version.
    pub version: String,
    /// Architecture and operating system, such as `x86_64-linux`.
    pub target: String,
}

/// What follows a pregenerated file's name in that of its manifest.
pub const MANIFEST_SUFFIX: &str = ".manifest.yaml";

/// Where the manifest of the pregenerated file `data` lies: `DATA.manifest.yaml`.
#[must_use]
pub fn manifest_beside(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(MANIFEST_SUFFIX);
    name.into()
}

impl Manifest {
    /// The manifest of `dataset`, whose data have just been made with `digest`.
    ///
    /// # Errors
    /// [`SpecError`] when the dataset's parameters cannot be generated.
    pub fn now(
        dataset: &GeneratedDataset,
        file: Option<String>,
        digest: FileDigest,
    ) -> Result<Self, SpecError> {
        let generator = Generator::new(&dataset.spec)?;
        Ok(Self {
            dataset: dataset.clone(),
            file,
            shard: None,
            digest,
            truth: Vec::new(),
            block_crc32: crc32_text(block_digest(&generator)),
            created: rfc3339(jiff::Timestamp::now()),
            tool: ToolInfo::here(),
        })
    }

    /// Reads the manifest that `argument` stands for: a manifest, a results folder, `-` for stdin
    /// or a pipe. Also returns the manifest's path, beside which its data may lie; an empty one for
    /// a stream.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn of_argument(argument: &Path) -> Result<(Self, PathBuf), ConfigError> {
        let mut path = argument.to_owned();
        if path.is_dir() {
            let own = path.join(MANIFEST_NAME);
            path = if own.is_file() { own } else { path.join("dataset").join(MANIFEST_NAME) };
            if !path.exists() {
                let message = if argument.join("summary.json").is_file() {
                    "this run was made on a recording, which has no manifest; give a run on \
                     generated data"
                } else {
                    "there is no manifest in this folder; give a run's folder, or a manifest"
                };
                let name = argument.display().to_string();
                let problem = Problem::at(Position::default(), message).input_output();
                return Err(problem.in_source(&name));
            }
        }
        let name =
            if argument == Path::new("-") { "<stdin>".into() } else { path.display().to_string() };
        let unreadable = |error: std::io::Error| {
            let message = format!("cannot read the manifest: {error}");
            Problem::at(Position::default(), message).input_output().in_source(&name)
        };
        let stream: Box<dyn Read> = if argument == Path::new("-") {
            Box::new(std::io::stdin())
        } else if std::fs::metadata(&path).is_ok_and(|metadata| is_pipe(&metadata)) {
            Box::new(File::open(&path).map_err(unreadable)?)
        } else {
            return Ok((Self::read(&path, &Library::new(path.parent()))?, path));
        };
        let mut text = String::new();
        stream.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            let message = "larger than 1 MiB, which no manifest is";
            return Err(Problem::at(Position::default(), message).in_source(&name));
        }
        let manifest = Self::parse(&text, &Library::new(None));
        Ok((manifest.map_err(|problem| problem.in_source(&name))?, PathBuf::new()))
    }

    /// Reads the manifest at `path`, which may be any file.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and column: unreadable, no manifest, or one that
    /// contradicts itself.
    pub fn read(path: &Path, library: &Library) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let refuse = |message: String| {
            Problem::at(Position::default(), message).input_output().in_source(&name)
        };
        let instead = instead();
        let unreadable = |error| refuse(format!("cannot read the manifest: {error}; {instead}"));
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(refuse(format!("this is no manifest; {instead}")));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, library).map_err(|problem| problem.in_source(&name))
    }

    /// Reads a manifest's text.
    ///
    /// # Errors
    /// [`Problem`] at the wrong or missing value.
    pub fn parse(text: &str, library: &Library) -> Result<Self, Problem> {
        let empty = text.lines().map(str::trim).all(|l| l.is_empty() || l.starts_with('#'));
        let known = |node: &Node| {
            ["schema_version", "generator", "digests"].iter().any(|key| node.entry(key).is_some())
        };
        let node = match Node::parse(text) {
            Err(problem) if !empty => return Err(problem),
            Ok(node) if known(&node) => node,
            _ => {
                let message = format!("this is no manifest; {}", instead());
                return Err(Problem::at(Position::default(), message));
            }
        };
        let top: Table = decode(&node, "")?;
        let place = node.position;
        let version = need("schema_version", top.schema_version, place)?;
        if version.value != SCHEMA_VERSION {
            let message = format!(
                "schema_version is {}, but this program reads {SCHEMA_VERSION}; use the version that wrote the manifest",
                version.value
            );
            return Err(Problem::at(version.position, message));
        }
        let generator = need("generator", top.generator, place)?;
        let output = need("output", top.output, place)?;
        let digests = need("digests", top.digests, place)?;
        let config = DatasetConfig {
            path: Some(need("generator.path", generator.value.path.clone(), generator.position)?),
            format: output.value.format.clone(),
            unit: None,
            channels: Some(need("output.channels", output.value.channels, output.position)?),
            sample_rate_hz: Some(need(
                "output.sample_rate_hz",
                output.value.sample_rate_hz,
                output.position,
            )?),
            params: Some(need("params", top.params, place)?),
        };
        let dataset = generated(&At { value: config, position: place }, library)?;
        check_sizes(&dataset, &generator.value, &output)?;
        let file = output.value.file.as_ref().map(plain_name).transpose()?;
        let content = read_content(&digests)?;
        let crc32 = need("digests.crc32", digests.value.crc32, digests.position)?;
        let block =
            need("digests.first_blocks_crc32", digests.value.first_blocks_crc32, digests.position)?;
        Ok(Self {
            dataset,
            file,
            shard: top.shard.as_ref().map(read_shard).transpose()?,
            digest: FileDigest { content, crc32: hex(crc32, 8)? },
            truth: digests.value.truth.as_ref().map_or(Ok(Vec::new()), read_truth)?,
            block_crc32: hex(block, 8)?,
            created: top.created.map_or_else(String::new, |at| at.value),
            tool: ToolInfo::from_table(top.tool.map(|at| at.value).unwrap_or_default()),
        })
    }

    /// The manifest as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let dataset = &self.dataset;
        let table = Table {
            schema_version: at(SCHEMA_VERSION),
            generator: at(GeneratorTable {
                path: at(dataset.primitive.clone()),
                version: at(dataset.version.to_string()),
            }),
            params: at(super::parameters(dataset)),
            output: at(OutputTable {
                file: self.file.clone().map(At::from),
                format: at("float32".to_owned()),
                channels: at(dataset.channels as u64),
                sample_rate_hz: at(dataset.spec.sample_rate_hz),
                samples: at(dataset.samples),
                bytes: at(bytes(dataset)),
            }),
            shard: self.shard.map(|(shard, layout)| {
                At::from(ShardTable {
                    index: at(u64::from(shard.index)),
                    count: at(u64::from(shard.count)),
                    layout: at(layout.name().to_owned()),
                })
            }),
            digests: at(DigestTable {
                blake3: self.content_by(Algorithm::Blake3),
                sha256: self.content_by(Algorithm::Sha256),
                crc32: at(self.digest.crc32.clone()),
                first_blocks_crc32: at(self.block_crc32.clone()),
                truth: (!self.truth.is_empty()).then(|| At::from(truth_table(&self.truth))),
            }),
            created: at(self.created.clone()),
            tool: at(ToolTable {
                name: at("cortex-host".to_owned()),
                version: at(self.tool.version.clone()),
                target: at(self.tool.target.clone()),
            }),
        };
        // Tables of numbers and text always serialize.
        let yaml = serde_saphyr::to_string(&table).unwrap_or_else(|error| format!("# {error}\n"));
        format!(
            "# How this dataset was made. To make it again and compare: cortex-host reproduce THIS_FILE\n\
             # digests: of the samples as float32 bytes; first_blocks_crc32: CRC-32 of the first {BLOCK_DIGEST_BLOCKS} blocks of 64\n\
             # samples of channels 0 to {}, which any board can compute.\n{yaml}",
            BLOCK_DIGEST_CHANNELS - 1
        )
    }
}

impl Manifest {
    /// The digest of the data, if it is by `algorithm`.
    fn content_by(&self, algorithm: Algorithm) -> Option<At<String>> {
        let content = &self.digest.content;
        (content.algorithm() == algorithm).then(|| content.hex().to_owned().into())
    }
}

impl ToolInfo {
    fn here() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), target: built_for() }
    }

    fn from_table(table: ToolTable) -> Self {
        let text = |at: Option<At<String>>| at.map_or_else(String::new, |at| at.value);
        Self { version: text(table.version), target: text(table.target) }
    }
}

#[cfg(unix)]
fn is_pipe(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_metadata: &std::fs::Metadata) -> bool {
    false
}

fn bytes(dataset: &GeneratedDataset) -> u64 {
    dataset.channels as u64 * dataset.samples * 4
}

fn at<T>(value: T) -> Option<At<T>> {
    Some(value.into())
}

pub(crate) fn need<T>(key: &str, value: Option<At<T>>, place: Position) -> Result<At<T>, Problem> {
    value.ok_or_else(|| Problem::at(place, format!("{key} is missing; the file is not whole")))
}

/// Sizes are written for readers; they must agree with what the parameters give.
fn check_sizes(
    dataset: &GeneratedDataset,
    generator: &GeneratorTable,
    output: &At<OutputTable>,
) -> Result<(), Problem> {
    if let Some(version) = &generator.version
        && version.value != dataset.version.to_string()
    {
        let message = format!(
            "generator.version is {}, but {} stands for {}",
            quoted(&version.value),
            quoted_path(&dataset.primitive),
            dataset.version
        );
        return Err(Problem::at(version.position, message));
    }
    let written = [
        ("output.samples", output.value.samples, dataset.samples),
        ("output.bytes", output.value.bytes, bytes(dataset)),
    ];
    for (key, at, expected) in written {
        let at = need(key, at, output.position)?;
        if at.value != expected {
            let message = format!(
                "{key} is {}, but the parameters give {expected}; the manifest was changed",
                at.value
            );
            return Err(Problem::at(at.position, message));
        }
    }
    Ok(())
}

fn read_content(digests: &At<DigestTable>) -> Result<ContentDigest, Problem> {
    let of = |algorithm, at: &At<String>| {
        hex(at.clone(), 64).map(|hex| ContentDigest::new(algorithm, hex))
    };
    match (&digests.value.blake3, &digests.value.sha256) {
        (Some(blake3), None) => of(Algorithm::Blake3, blake3),
        (None, Some(sha256)) => of(Algorithm::Sha256, sha256),
        (Some(_), Some(at)) => Err(Problem::at(
            at.position,
            "digests has both blake3 and sha256; a manifest has one of them",
        )),
        (None, None) => Err(Problem::at(
            digests.position,
            "digests.blake3 is missing, and so is sha256; the file is not whole",
        )),
    }
}

fn read_shard(table: &At<ShardTable>) -> Result<(Shard, ShardLayout), Problem> {
    let place = table.position;
    let index = need("shard.index", table.value.index, place)?;
    let count = need("shard.count", table.value.count, place)?;
    let layout = need("shard.layout", table.value.layout.clone(), place)?;
    let number = |at: At<u64>| u32::try_from(at.value).ok();
    let shard = number(index).zip(number(count)).and_then(|(k, n)| Shard::new(k, n));
    let shard = shard.ok_or_else(|| {
        let message = format!("there is no shard {} of {}", index.value, count.value);
        Problem::at(index.position, message)
    })?;
    let layout = [ShardLayout::Shared, ShardLayout::Separate]
        .into_iter()
        .find(|known| known.name() == layout.value);
    let layout = layout
        .ok_or_else(|| Problem::at(place, "shard.layout must be shared or separate".to_owned()))?;
    Ok((shard, layout))
}

/// A file name without folders: the data lie beside the manifest or are not there.
fn plain_name(at: &At<String>) -> Result<String, Problem> {
    let path = Path::new(&at.value);
    if path.file_name() == Some(path.as_os_str()) {
        return Ok(at.value.clone());
    }
    let message = format!(
        "output.file must be a file name without folders, but it is {}",
        quoted_path(&at.value)
    );
    Err(Problem::at(at.position, message))
}

fn hex(at: At<String>, digits: usize) -> Result<String, Problem> {
    if at.value.len() == digits && at.value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(at.value.to_ascii_lowercase());
    }
    let message =
        format!("a digest here has {digits} hexadecimal digits, not {}", quoted(&at.value));
    Err(Problem::at(at.position, message))
}
/// What to give in place of a file that is no manifest.
fn instead() -> String {
    format!("give the {MANIFEST_NAME} of a run or the {MANIFEST_SUFFIX} beside a data file")
}
