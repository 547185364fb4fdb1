//! The keys of a generation manifest.

use crate::config::table::table;
use crate::config::{At, Node};

table! {
    /// The manifest as it is written.
    pub struct Table {
        /// Version of this form.
        pub schema_version: At<u64>,
        /// The generator.
        pub generator: At<GeneratorTable>,
        /// All its parameters, defaults included.
        pub params: At<Node>,
        /// What came out.
        pub output: At<OutputTable>,
        /// Which part the digests are of; absent for the whole.
        pub shard: At<ShardTable>,
        /// What proves it.
        pub digests: At<DigestTable>,
        /// When, RFC 3339 in UTC.
        pub created: At<String>,
        /// With what.
        pub tool: At<ToolTable>,
    }
}

table! {
    /// The generator primitive.
    pub struct GeneratorTable {
        /// Its path.
        pub path: At<String>,
        /// The compiled generator's version.
        pub version: At<String>,
    }
}

table! {
    /// Shape and size of the data.
    pub struct OutputTable {
        /// Name of the data file beside the manifest, if kept.
        pub file: At<String>,
        /// Sample format.
        pub format: At<String>,
        /// Number of channels.
        pub channels: At<u64>,
        /// Sample rate in Hz.
        pub sample_rate_hz: At<f64>,
        /// Samples per channel.
        pub samples: At<u64>,
        /// Size in bytes.
        pub bytes: At<u64>,
    }
}

table! {
    /// A range of the channels.
    pub struct ShardTable {
        /// Which, from 1.
        pub index: At<u64>,
        /// Of how many.
        pub count: At<u64>,
        /// Where its data are: `shared` or `separate`.
        pub layout: At<String>,
    }
}

table! {
    /// Digests in hexadecimal.
    pub struct DigestTable {
        /// BLAKE3 of the data, or
        pub blake3: At<String>,
        /// SHA-256 of the data.
        pub sha256: At<String>,
        /// CRC-32 of the data.
        pub crc32: At<String>,
        /// CRC-32 of the first blocks of the first channels.
        pub first_blocks_crc32: At<String>,
        /// SHA-256 of each file of truth, by its kind.
        pub truth: At<Node>,
    }
}

table! {
    /// The program.
    pub struct ToolTable {
        /// Its name.
        pub name: At<String>,
        /// Its version.
        pub version: At<String>,
        /// Architecture and operating system.
        pub target: At<String>,
    }
}
