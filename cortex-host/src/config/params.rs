//! Parameters of the synthetic generators, one table per version.

use super::decode::{At, table};

table! {
    /// Parameters of primitives/datasets/v1/synthetic.
    #[derive(schemars::JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub struct SyntheticV1Params {
        /// Which signal.
        #[schemars(required, extend("enum" = ["sine_wave", "pink_noise"]))]
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
        /// sine_wave: peak amplitude in microvolts.
        #[schemars(range(min = 1e-12, max = 1e12), extend("default" = 100.0))]
        pub amplitude_uv_peak: At<f64>,
        /// pink_noise: standard deviation in microvolts.
        #[schemars(range(min = 1e-12, max = 1e12), extend("default" = 100.0))]
        pub amplitude_uv_rms: At<f64>,
        /// pink_noise: the 1/f law holds from ten times this frequency in Hz.
        #[schemars(extend("default" = 0.05, "exclusiveMinimum" = 0))]
        pub low_corner_hz: At<f64>,
    }
}
