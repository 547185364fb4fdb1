//! The configuration as written: every key optional, every value with its place.
//!
//! Ranges and defaults are applied when a [`crate::plan::Plan`] is made of it; the JSON schema
//! and docs/reference/configuration.md state them too, and tests hold the three together.

use cortex_core::kernel::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MAX_WINDOW, MIN_SAMPLE_RATE_HZ};

use super::at::At;
use super::decode::table;
use super::node::Node;
use super::schema::{AnyDatasetParams, AnyKernelParams};

/// Longest label of a kernel: it is also the name of a folder.
pub const MAX_LABEL_CHARS: usize = 64;

table! {
    /// A run of CORTEX-rs: kernels over a dataset, on a device.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct RunConfig {
        /// Where the samples come from.
        #[schemars(required)]
        pub dataset: At<DatasetConfig>,
        /// The kernels to benchmark, run one after another.
        #[schemars(length(min = 1, max = 256))]
        pub kernels: At<Vec<At<KernelConfig>>>,
        /// How long, how often and how fast.
        pub execution: At<ExecutionConfig>,
        /// Where results go.
        pub output: At<OutputConfig>,
        /// What runs the kernels: native, loopback, serial://PATH?baud=N, tcp://HOST:PORT or qemu:BOARD.
        #[schemars(extend("default" = "native"))]
        pub device: At<String>,
        /// Image of an emulated board, or the folder of a crate that builds one, such as
        /// `cortex-host new firmware` writes. Default: the board's own firmware.
        pub firmware: At<String>,
        /// What crosses the link to a device: new samples (streamed), or only the generator's
        /// parameters (seeded).
        #[schemars(extend("default" = "streamed", "enum" = ["streamed", "seeded"]))]
        pub transfer: At<String>,
        /// How samples are sent to a device: as they are (f32), or rounded to whole multiples of
        /// scale_uv (i16), in half the bytes.
        #[schemars(extend("default" = "f32", "enum" = ["f32", "i16"]))]
        pub encoding: At<String>,
        /// Step of i16 samples in microvolts. Default: the smallest power of two with which the
        /// generator's signal fits.
        #[schemars(range(min = 1e-12, max = 1e12))]
        pub scale_uv: At<f64>,
        /// What a device sends back of each window: all output values (samples), or their digest.
        #[schemars(extend("default" = "samples", "enum" = ["samples", "digests"]))]
        pub results: At<String>,
        /// Scheduling wishes; a run without the privilege goes on and warns.
        pub realtime: At<RealtimeConfig>,
    }
}

table! {
    /// A dataset: a float32 file, or a generator with its parameters.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct DatasetConfig {
        /// A recording (.float32, .edf, .bdf, .vhdr or .npy), or a generator primitive such as
        /// primitives/datasets/v1/synthetic.
        #[schemars(required)]
        pub path: At<String>,
        /// Format of the file. Default: what the file is; another one is an error.
        pub format: At<String>,
        /// Unit of samples whose file does not say it; a .npy file needs one.
        #[schemars(extend("enum" = ["uV", "mV", "V", "nV"]))]
        pub unit: At<String>,
        /// Number of channels.
        #[schemars(required, range(min = 1, max = MAX_CHANNELS))]
        pub channels: At<u64>,
        /// Sample rate in Hz.
        #[schemars(required, range(min = MIN_SAMPLE_RATE_HZ, max = MAX_SAMPLE_RATE_HZ))]
        pub sample_rate_hz: At<f64>,
        /// Parameters of a generator dataset; its version decides which there are.
        #[schemars(with = "Option<AnyDatasetParams>")]
        pub params: At<Node>,
    }
}

table! {
    /// One kernel to benchmark.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct KernelConfig {
        /// Name of the kernel; `cortex-host list` shows them. May be left out for a library with one
        /// kernel.
        pub name: At<String>,
        /// What the kernel is called in results, in place of its name; distinct in a run.
        #[schemars(length(min = 1, max = MAX_LABEL_CHARS), regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_.+=-]*$"))]
        pub label: At<String>,
        /// A shared library with a kernel of your own (cortex_kernel.h), or of the original CORTEX.
        pub library: At<String>,
        /// A program as a kernel, and its arguments: rows in through its standard input, outputs out
        /// through its standard output.
        #[schemars(length(min = 1))]
        pub command: At<Vec<At<String>>>,
        /// library, command: which rows a call gets: the new ones of each hop, or whole windows.
        /// Default: what the kernel prefers.
        #[schemars(extend("enum" = ["hops", "windows"]))]
        pub feed: At<String>,
        /// Type of the samples: single precision, or fixed point. Default: f32; of a library the
        /// first one that the kernel takes.
        #[schemars(extend("enum" = ["f32", "q15", "q31"]))]
        pub dtype: At<String>,
        /// Microvolts per step of q15 and q31, and required with them.
        #[schemars(extend("exclusiveMinimum" = 0))]
        pub scale_uv: At<f64>,
        /// library: a file with what the kernel has learnt.
        pub state: At<String>,
        /// library: a process of the kernel's own, which a broken kernel ends alone, or none.
        #[schemars(extend("default" = "process", "enum" = ["process", "none"]))]
        pub isolation: At<String>,
        /// Deadline of a window in microseconds after its release. Default: the time one hop
        /// takes at the sample rate.
        #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))]
        pub deadline_us: At<f64>,
        /// Window length in samples.
        #[schemars(range(min = 1, max = MAX_WINDOW), extend("default" = 160))]
        pub window: At<u64>,
        /// New samples per window after the first, at most the window. Default: half the window.
        #[schemars(range(min = 1, max = MAX_WINDOW))]
        pub hop: At<u64>,
        /// The kernel's own parameters; its name decides which there are.
        #[schemars(with = "Option<AnyKernelParams>")]
        pub params: At<Node>,
    }
}

table! {
    /// How long, how often and how fast a run streams.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct ExecutionConfig {
        /// Windows at the start of every repeat that do not enter the statistics.
        #[schemars(extend("default" = 0))]
        pub warmup_windows: At<u64>,
        /// Seconds of data that one repeat streams. Default: the whole dataset.
        #[schemars(extend("exclusiveMinimum" = 0))]
        pub duration_seconds: At<f64>,
        /// Times each kernel is run, from fresh state.
        #[schemars(range(min = 1, max = 10_000), extend("default" = 1))]
        pub repeat_count: At<u64>,
        /// Release of windows: by the sample clock (realtime), or as soon as the window before
        /// is done (max).
        #[schemars(extend("default" = "realtime", "enum" = ["realtime", "max"]))]
        pub pace: At<String>,
    }
}

table! {
    /// Where and how results are written.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct OutputConfig {
        /// Folder in which run folders are made, relative to the current folder.
        #[schemars(extend("default" = "results"))]
        pub directory: At<String>,
        /// Format of the telemetry files.
        #[schemars(extend("default" = "ndjson", "enum" = ["ndjson", "csv"]))]
        pub format: At<String>,
        /// Whether kernel outputs are kept beside the telemetry.
        #[schemars(extend("default" = false))]
        pub include_raw_data: At<bool>,
    }
}

table! {
    /// Scheduling wishes for the native device.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct RealtimeConfig {
        /// Scheduling policy of the measuring thread.
        #[schemars(extend("default" = "other", "enum" = ["other", "fifo", "rr"]))]
        pub scheduler: At<String>,
        /// Priority under fifo and rr.
        #[schemars(range(min = 1, max = 99), extend("default" = 1))]
        pub priority: At<u64>,
        /// Cores the run may use. Default: all.
        pub cpu_affinity: At<Vec<At<u64>>>,
    }
}
