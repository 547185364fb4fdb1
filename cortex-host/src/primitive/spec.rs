//! `spec.yaml` of a dataset primitive.

use cortex_core::signal::GeneratorVersion;

use crate::base::{listed, quoted};
use crate::config::At;
use crate::config::decode::{self, decode};
use crate::config::table::table;
use crate::config::{ConfigError, Node, Position, Problem};

table! {
    /// Specification of a generator primitive: the compiled generator it stands for, its
    /// parameters, and the digests that pin its bytes.
    pub struct GeneratorSpec {
        /// Name of the primitive, which is its folder's.
        pub name: At<String>,
        /// Version of the primitive, which is its parent folder's.
        pub version: At<String>,
        /// `generator`.
        pub kind: At<String>,
        /// One line for `list`.
        pub summary: At<String>,
        /// The compiled generator, such as `v1`.
        pub compiled: At<String>,
        /// The parameters, for readers; the compiled generator checks them.
        pub parameters: At<Vec<ParameterSpec>>,
        /// Digests that the generator must give forever.
        pub golden: At<GoldenSpec>,
    }
}

table! {
    /// One parameter of a generator.
    pub struct ParameterSpec {
        /// Key in `dataset.params`.
        pub name: At<String>,
        /// `string`, `number` or `integer`.
        pub value_type: At<String>,
        /// Signals that take it; absent for all.
        pub signals: At<Vec<At<String>>>,
        /// Whether it must be given.
        pub required: At<bool>,
        /// Value when it is not given.
        pub default: At<Node>,
        /// Allowed values or range, in words.
        pub range: At<String>,
        /// What it means, with its unit.
        pub description: At<String>,
    }
}

table! {
    /// What the golden digests are taken over: an interleaved little-endian float32 file of
    /// the first `blocks` blocks.
    pub struct GoldenSpec {
        /// Number of channels.
        pub channels: At<u64>,
        /// Number of blocks.
        pub blocks: At<u64>,
        /// Samples per channel in a block.
        pub block_samples: At<u64>,
        /// Sample rate in Hz.
        pub sample_rate_hz: At<f64>,
        /// One entry per signal.
        pub digests: At<Vec<GoldenDigest>>,
    }
}

table! {
    /// The digest of one signal with its parameters.
    pub struct GoldenDigest {
        /// Sample rate in Hz, where it is not the part's own.
        pub sample_rate_hz: At<f64>,
        /// As in `dataset.params`, without the duration.
        pub params: At<Node>,
        /// CRC-32 (IEEE) of the bytes, eight hexadecimal digits.
        pub crc32: At<String>,
        /// SHA-256 of the bytes, in hexadecimal.
        pub sha256: At<String>,
    }
}

/// What kind of dataset a `spec.yaml` describes.
#[derive(Clone, Debug, PartialEq)]
pub enum DatasetSpec {
    /// Parameters in, samples out.
    Generator(Box<GeneratorSpec>),
    /// Recorded files; the fields beyond these belong to the dataset module.
    Static {
        /// One line for `list`.
        summary: String,
    },
}

impl DatasetSpec {
    /// Reads the `spec.yaml` called `name` in messages.
    ///
    /// # Errors
    /// [`ConfigError`] when it is no specification.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        Node::parse(text).and_then(|node| read(&node)).map_err(|problem| problem.in_source(name))
    }

    /// One line for `list`.
    #[must_use]
    pub fn summary(&self) -> &str {
        match self {
            DatasetSpec::Generator(spec) => spec.summary.as_ref().map_or("", |at| &at.value),
            DatasetSpec::Static { summary } => summary,
        }
    }
}

impl GeneratorSpec {
    /// The compiled generator this primitive stands for.
    ///
    /// # Errors
    /// [`Problem`] when `compiled` is absent or names none.
    pub fn generator_version(&self) -> Result<GeneratorVersion, Problem> {
        let (text, position) = self
            .compiled
            .as_ref()
            .map_or(("", Position::default()), |at| (at.value.as_str(), at.position));
        let versions = GeneratorVersion::ALL;
        versions.into_iter().find(|version| version.as_str() == text).ok_or_else(|| {
            let known = listed(versions.iter().map(|version| version.as_str()));
            Problem::at(
                position,
                format!("compiled: {} is no compiled generator; there are {known}", quoted(text)),
            )
        })
    }
}

fn read(node: &Node) -> Result<DatasetSpec, Problem> {
    let text =
        |key: &str| node.entry(key).map(|entry| decode::entry::<At<String>>(entry, "")).transpose();
    match text("kind")? {
        Some(kind) if kind.value == "generator" => {
            decode(node, "").map(|spec| DatasetSpec::Generator(Box::new(spec)))
        }
        Some(kind) if kind.value == "static" => Ok(DatasetSpec::Static {
            summary: text("summary")?.map_or_else(String::new, |at| at.value),
        }),
        Some(kind) => Err(Problem::at(
            kind.position,
            format!("kind must be generator or static, but it is {}", quoted(&kind.value)),
        )),
        None => Err(Problem::at(node.position, "kind is missing; give generator or static")),
    }
}
