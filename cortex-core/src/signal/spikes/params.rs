//! The parameters of the spikes.

use crate::math;
use crate::parameter::{POSITIVE, count, number, optional_number, optional_table, parameters};
use crate::signal::bad_channels::bad_channel_rate;
use crate::signal::front_end::FrontEndParams;

/// Units that a home electrode can have: the numbers of units are spaced by it.
pub const MAX_UNITS_PER_ELECTRODE: u32 = 8;

parameters! {
    /// Spikes of known units on an electrode grid, over noise and distant spikes.
    #[derive(Copy)]
    pub struct SpikeParams {
        /// Units of each electrode.
        pub units_per_electrode: usize = count(1, "", 1, MAX_UNITS_PER_ELECTRODE as usize),
        /// Mean firing rate of a unit.
        pub firing_rate_hz: f64 = number(10.0, "Hz", 0.01, 200.0)
            .limit("what refractory period and bursts leave room for"),
        /// Least time between two spikes of a unit.
        pub refractory_ms: f64 = number(2.0, "ms", 0.5, 20.0),
        /// Probability that an event is a burst.
        pub burst_probability: f64 = number(0.0, "", 0.0, 1.0),
        /// Spikes of a burst.
        pub burst_spikes: usize = count(4, "", 2, 20),
        /// Mean time between the spikes of a burst.
        pub burst_isi_ms: f64 = number(5.0, "ms", 0.5, 1e3).limit("at least refractory_ms"),
        /// Median of the units' peak amplitudes at distance 0.
        pub unit_uv: f64 = number(100.0, "µV", 1e-6, 1e6),
        /// Standard deviation of the natural logarithm of the units' amplitudes.
        pub unit_sigma: f64 = number(0.4, "", 0.0, 2.0),
        /// Standard deviation of a spike's amplitude as a fraction of its unit's.
        pub spike_jitter: f64 = number(0.05, "", 0.0, 0.5),
        /// Electrodes of a row of the grid.
        pub columns: usize = count(8, "", 1, 65_536),
        /// Distance of neighbouring electrodes.
        pub pitch_um: f64 = number(50.0, "µm", 1.0, 1e4),
        /// Distance from a unit at which its amplitude falls to one half.
        pub decay_um: f64 = number(25.0, "µm", 0.01, 1e6).limit("0.01 to 100 of pitch_um"),
        /// Greatest displacement of all units along a column.
        pub drift_um: f64 = number(0.0, "µm", 0.0, 4e3).limit("at most 0.4 of pitch_um"),
        /// Period of the displacement.
        pub drift_period_s: f64 = number(600.0, "s", 1.0, 1e6),
        /// Distant spikes of a channel, which are no part of the truth.
        pub far_rate_hz: f64 = number(20.0, "Hz", 0.0, 1e3),
        /// Mean amplitude of distant spikes.
        pub far_uv: f64 = number(10.0, "µV", 1e-6, 1e6),
        /// Standard deviation of a channel's noise; 0 for none.
        pub noise_uv_rms: f64 = number(10.0, "µV", 0.0, 1e6),
        /// Exponent b of the noise's 1/f^b.
        pub noise_exponent: f64 = number(1.0, "", 0.01, 1.99),
        /// Where the noise's power law begins.
        pub noise_corner_hz: f64 =
            number(10.0, "Hz", POSITIVE, f64::INFINITY).limit("1e-9 to 0.02 of the sample rate"),
        /// Signal-to-noise ratio, which decides a size. Of spikes 20 log10 of unit_uv over the
        /// noise's standard deviation, in place of noise_uv_rms; of eeg, against
        /// background_uv_rms, that of the P300's peak (20 log10), of the power of a flicker's
        /// first sine, or of mu's power.
        pub snr_db: Option<f64> = optional_number("from the sizes in µV", "dB", -80.0, 80.0),
        /// Share of channels that are flat or noisy.
        pub bad_channel_rate: f64 = bad_channel_rate(),
        /// The converter and the link behind the electrodes.
        pub front_end: Option<FrontEndParams> =
            optional_table::<FrontEndParams>(FrontEndParams::PARAMETERS),
    }
}

impl SpikeParams {
    /// Standard deviation of a channel's noise in microvolts.
    #[must_use]
    pub fn noise_uv(&self) -> f64 {
        self.snr_db.map_or(self.noise_uv_rms, |db| self.unit_uv / math::pow(10.0, db / 20.0))
    }
}
