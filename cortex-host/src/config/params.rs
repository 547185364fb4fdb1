//! Parameters of the synthetic generators, one table for all versions.

use super::at::At;
use super::decode::table;

table! {
    /// Parameters of primitives/datasets/v1/synthetic and v2/synthetic; v1 has the first eight.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct SyntheticParams {
        /// Which signal; white_noise and chirp are v2's.
        #[schemars(
            required,
            extend("enum" = ["sine_wave", "pink_noise", "white_noise", "chirp"])
        )]
        pub signal_type: At<String>,
        /// Duration in seconds; times the sample rate, rounded to the nearest whole sample.
        #[schemars(required, extend("exclusiveMinimum" = 0))]
        pub duration_s: At<f64>,
        /// Seed of all random streams.
        #[schemars(extend("default" = 42))]
        pub seed: At<u64>,
        /// sine_wave: frequency in Hz, below half the sample rate.
        #[schemars(extend("default" = 10.0, "exclusiveMinimum" = 0))]
        pub frequency_hz: At<f64>,
        /// sine_wave, chirp: peak amplitude in microvolts.
        #[schemars(range(min = 1e-12, max = 1e12), extend("default" = 100.0))]
        pub amplitude_uv_peak: At<f64>,
        /// pink_noise, white_noise: standard deviation in microvolts.
        #[schemars(range(min = 1e-12, max = 1e12), extend("default" = 100.0))]
        pub amplitude_uv_rms: At<f64>,
        /// pink_noise: the power law holds from ten times this frequency in Hz.
        #[schemars(extend("default" = 0.05, "exclusiveMinimum" = 0))]
        pub low_corner_hz: At<f64>,
        /// pink_noise, white_noise: exact rescales each channel of the file to zero mean and exactly
        /// amplitude_uv_rms.
        #[schemars(extend("default" = "none", "enum" = ["none", "exact"]))]
        pub normalize: At<String>,
        /// v2 pink_noise: exponent b of the density 1/f^b.
        #[schemars(range(min = 0.01, max = 1.99), extend("default" = 1.0))]
        pub exponent: At<f64>,
        /// v2 chirp: frequency at the start of a sweep in Hz, below half the sample rate.
        #[schemars(extend("default" = 1.0, "exclusiveMinimum" = 0))]
        pub start_hz: At<f64>,
        /// v2 chirp, required there: frequency at the end of a sweep in Hz, below half the
        /// sample rate.
        #[schemars(extend("exclusiveMinimum" = 0))]
        pub end_hz: At<f64>,
        /// v2 chirp: duration of one sweep in seconds. Default: the dataset's duration.
        #[schemars(extend("exclusiveMinimum" = 0))]
        pub sweep_s: At<f64>,
        /// v2 chirp: how the frequency moves.
        #[schemars(extend("default" = "linear", "enum" = ["linear", "logarithmic"]))]
        pub sweep: At<String>,
        /// v2: mains hum added to every channel.
        pub line_noise: At<LineNoiseParams>,
        /// v2: added to every sample, in microvolts.
        #[schemars(range(min = -1e12, max = 1e12), extend("default" = 0.0))]
        pub dc_offset_uv: At<f64>,
        /// v2: samples beyond plus or minus this many microvolts stay at it.
        #[schemars(range(min = 1e-12, max = 1e12))]
        pub saturation_level_uv: At<f64>,
        /// v2: probability that a sample is lost (NaN).
        #[schemars(range(min = 0, max = 1), extend("default" = 0.0))]
        pub nan_rate: At<f64>,
    }
}

table! {
    /// Mains hum.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct LineNoiseParams {
        /// Frequency in Hz, below half the sample rate.
        #[schemars(required, extend("exclusiveMinimum" = 0))]
        pub frequency_hz: At<f64>,
        /// Peak amplitude in microvolts.
        #[schemars(required, range(min = 1e-12, max = 1e12))]
        pub amplitude_uv: At<f64>,
    }
}
