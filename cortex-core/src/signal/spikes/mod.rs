//! Extracellular spikes with ground truth: generator v3's `spikes`.
//!
//! A channel is one electrode of a grid (`grid.rs`): the spikes of the units around it (`unit.rs`,
//! `waveform.rs`), distant spikes of nobody in particular, and v2's power-law noise. Every unit and
//! every channel's background has a random stream of its own, so that the first seconds, channels
//! and units of a larger dataset are those of the smaller one, and a spike's time, unit and
//! amplitude are known exactly: [`Spikes::units`] gives them without making a sample.
//!
//! # Distant spikes
//! Each channel has a Poisson process of `far_rate_hz` of its own (domain "cortex/far/v3", stream =
//! channel): spikes of exponentially distributed amplitude and of the units' family of shapes. They
//! are background, and not part of the truth.
//!
//! # Order of additions
//! A sample is the noise plus one sum of spikes. A spike enters the sums of its channels in the
//! block its first sample is in: by home electrode, unit and time, the channel's distant spikes
//! last. The order is the same for every number of lanes, hence the bits.

mod grid;
mod unit;
mod waveform;

use grid::Grid;
use unit::{Amplitudes, Firing, Population, firing};
pub use unit::{Spike, Unit, UnitState, UnitTrain};
pub use waveform::{SPIKE_SAMPLES, TICKS, Waveform};

use crate::math;
use crate::parameter::{ParameterError, positive_within, within};
use crate::random::StreamKey;
use crate::signal::{BLOCK_SAMPLES, LaneBlock};

const UNIT_DOMAIN: &str = "cortex/spikes/v3";
const FAR_DOMAIN: &str = "cortex/far/v3";
/// Units that a home electrode can have: the numbers of units are spaced by it.
pub const MAX_UNITS_PER_ELECTRODE: u32 = 8;
/// Rows of the sum: the block at hand and the one that its spikes reach into.
const SUM_ROWS: usize = 2 * BLOCK_SAMPLES;
/// Least and greatest half-width of a spike in milliseconds.
const HALF_WIDTH_MS: [f64; 2] = [0.55, 0.85];

/// Parameters of the spikes on every channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpikeParams {
    /// Units of each electrode, 1 to 8.
    pub units_per_electrode: u32,
    /// Mean firing rate of a unit in Hz, 0.01 to 200.
    pub rate_hz: f64,
    /// Least time between two spikes of a unit in milliseconds, 0.5 to 20.
    pub refractory_ms: f64,
    /// Probability that an event is a burst, 0 to 1.
    pub burst_probability: f64,
    /// Spikes of a burst, 2 to 20.
    pub burst_spikes: u32,
    /// Mean time between the spikes of a burst in milliseconds, above the refractory period.
    pub burst_isi_ms: f64,
    /// Median of the units' peak amplitudes at distance 0, in microvolts.
    pub amplitude_uv: f64,
    /// Standard deviation of the logarithm of the units' amplitudes, 0 to 2.
    pub amplitude_sigma: f64,
    /// Standard deviation of a spike's amplitude as a fraction of its unit's, 0 to 0.5.
    pub amplitude_jitter: f64,
    /// Electrodes of a row of the grid, 1 to 65,536.
    pub columns: u32,
    /// Distance of neighbouring electrodes in micrometres.
    pub pitch_um: f64,
    /// Distance from a unit at which its amplitude falls to one half, in micrometres.
    pub decay_um: f64,
    /// Greatest displacement of all units along a column, in micrometres; at most 0.4 of the pitch.
    pub drift_um: f64,
    /// Period of the drift in seconds.
    pub drift_period_s: f64,
    /// Distant spikes of a channel in Hz, 0 to 1,000.
    pub far_rate_hz: f64,
    /// Mean amplitude of distant spikes in microvolts.
    pub far_amplitude_uv: f64,
}

impl Default for SpikeParams {
    fn default() -> Self {
        Self {
            units_per_electrode: 1,
            rate_hz: 10.0,
            refractory_ms: 2.0,
            burst_probability: 0.0,
            burst_spikes: 4,
            burst_isi_ms: 5.0,
            amplitude_uv: 100.0,
            amplitude_sigma: 0.4,
            amplitude_jitter: 0.05,
            columns: 8,
            pitch_um: 50.0,
            decay_um: 25.0,
            drift_um: 0.0,
            drift_period_s: 600.0,
            far_rate_hz: 20.0,
            far_amplitude_uv: 10.0,
        }
    }
}

/// Coefficients of the spikes: immutable, shared by all channels and threads.
#[derive(Clone, Debug)]
pub struct Spikes {
    grid: Grid,
    population: Population,
    units_per_electrode: u32,
    /// Greatest displacement in pitches, and the phase step of its sine in 2^-64 turns a sample.
    drift: f32,
    drift_step: u64,
    /// Distant spikes: units of their own, one a channel.
    far: Option<Population>,
}

/// State of the spikes of N adjacent channels, at a block boundary. The states of the units that
/// they see lie beside it, in a slice of [`Spikes::units_len`] that the caller owns.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct SpikeLanes<const N: usize> {
    /// Spikes of the block at hand and what of them reaches into the next; the halves change
    /// places with every block.
    sum: [[f32; N]; SUM_ROWS],
    far: [Option<UnitState>; N],
    first_channel: u32,
    next_block: u64,
    units: usize,
}

impl Spikes {
    /// Checks `params` and computes the coefficients at `sample_rate_hz`, 8,000 to 32,000.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter at fault and what is allowed.
    pub fn new(
        params: &SpikeParams,
        sample_rate_hz: f64,
        seed: u64,
    ) -> Result<Self, ParameterError> {
        let rate = within("sample_rate_hz", sample_rate_hz, 8e3, 32e3)?;
        let units = f64::from(params.units_per_electrode);
        within("units_per_electrode", units, 1.0, f64::from(MAX_UNITS_PER_ELECTRODE))?;
        within("columns", f64::from(params.columns), 1.0, 65_536.0)?;
        let pitch = positive_within("pitch_um", params.pitch_um, 1.0, 1e4)?;
        let decay =
            positive_within("decay_um", params.decay_um, pitch * 1e-2, pitch * 1e2)? / pitch;
        let drift = within("drift_um", params.drift_um, 0.0, 0.4 * pitch)? / pitch;
        let period = positive_within("drift_period_s", params.drift_period_s, 1.0, 1e6)?;
        let far_rate = within("far_rate_hz", params.far_rate_hz, 0.0, 1e3)?;
        let far_uv = positive_within("far_amplitude_uv", params.far_amplitude_uv, 1e-6, 1e6)?;
        let amplitude = positive_within("amplitude_uv", params.amplitude_uv, 1e-6, 1e6)?;
        let sigma = within("amplitude_sigma", params.amplitude_sigma, 0.0, 2.0)?;
        let [narrowest, widest] = HALF_WIDTH_MS.map(|ms| ms * 1e-3 * rate);
        let population = Population {
            key: StreamKey::new(seed, UNIT_DOMAIN),
            firing: firing(params, rate)?,
            log_amplitude: [math::ln(amplitude), sigma],
            spread: [0.5, 0.5 - drift],
            half_width: [narrowest, widest - narrowest],
        };
        let far = (far_rate > 0.0).then(|| Population {
            key: StreamKey::new(seed, FAR_DOMAIN),
            firing: Firing {
                refractory_ticks: 0,
                event_ticks: (rate / far_rate * TICKS as f64) as f32,
                burst_words: 0,
                amplitudes: Amplitudes::Exponential,
                ..population.firing
            },
            log_amplitude: [math::ln(far_uv), 0.0],
            ..population
        });
        Ok(Self {
            grid: Grid {
                columns: params.columns,
                inverse_decay_squared: (1.0 / (decay * decay)) as f32,
            },
            population,
            units_per_electrode: params.units_per_electrode,
            drift: drift as f32,
            drift_step: (18_446_744_073_709_551_616.0 / (period * rate)) as u64,
            far,
        })
    }

    /// Most units that `lanes` adjacent channels see: the length of their slice of states.
    #[must_use]
    pub fn units_len(&self, lanes: usize) -> usize {
        3 * (lanes + 2) * self.units_per_electrode as usize
    }

    /// Units seen by `count` channels from `first_channel` on, in the order of their numbers, each
    /// with the spikes it is to fire: the ground truth.
    pub fn units(&self, first_channel: u32, count: u32, mut each: impl FnMut(UnitTrain<'_>)) {
        self.grid.homes(first_channel, count, |home| {
            for id in self.ids(home) {
                each(UnitTrain {
                    population: &self.population,
                    state: UnitState::start(&self.population, id),
                });
            }
        });
    }

    fn ids(&self, home: u32) -> core::ops::Range<u32> {
        let first = home * MAX_UNITS_PER_ELECTRODE;
        first..first + self.units_per_electrode
    }

    /// The state of channels `first_channel .. first_channel + N` before sample 0. `units` holds
    /// at least [`Spikes::units_len`] states.
    pub fn start<const N: usize>(
        &self,
        first_channel: u32,
        units: &mut [Option<UnitState>],
    ) -> SpikeLanes<N> {
        let mut count = 0;
        self.grid.homes(first_channel, N as u32, |home| {
            for id in self.ids(home) {
                if let Some(slot) = units.get_mut(count) {
                    *slot = Some(UnitState::start(&self.population, id));
                    count += 1;
                }
            }
        });
        let mut far = [None; N];
        if let Some(population) = &self.far {
            for (slot, channel) in far.iter_mut().zip(first_channel..) {
                *slot = Some(UnitState::start(population, channel));
            }
        }
        SpikeLanes { sum: [[0.0; N]; SUM_ROWS], far, first_channel, next_block: 0, units: count }
    }

    /// Adds the spikes of the next block to `out`.
    #[inline(always)]
    pub fn add<const N: usize>(
        &self,
        lanes: &mut SpikeLanes<N>,
        units: &mut [Option<UnitState>],
        out: &mut LaneBlock<N>,
    ) {
        let end = ((lanes.next_block + 1) * BLOCK_SAMPLES as u64) as i64;
        let mut shape = [0.0; SPIKE_SAMPLES];
        for state in units[..lanes.units].iter_mut().flatten() {
            let waveform = state.unit.waveform;
            while waveform.first_sample(state.next_ticks()) < end {
                let spike = state.advance(&self.population);
                waveform.evaluate(spike.ticks, &mut shape);
                self.spread(lanes, &state.unit, &spike, &shape);
            }
        }
        if let Some(population) = &self.far {
            for lane in 0..N {
                let Some(state) = &mut lanes.far[lane] else { continue };
                while state.unit.waveform.first_sample(state.next_ticks()) < end {
                    let spike = state.advance(population);
                    let unit = state.unit;
                    unit.waveform.evaluate(spike.ticks, &mut shape);
                    put(&mut lanes.sum, lane, spike.amplitude_uv, &unit, &spike, &shape);
                }
            }
        }
        let half = (lanes.next_block % 2) as usize * BLOCK_SAMPLES;
        let sum = &mut lanes.sum[half..half + BLOCK_SAMPLES];
        for (row, spikes) in out.iter_mut().zip(sum) {
            for lane in 0..N {
                row[lane] += spikes[lane];
                spikes[lane] = 0.0;
            }
        }
        lanes.next_block += 1;
    }

    /// Adds `spike` to the sums of the channels that see its unit.
    #[inline(always)]
    fn spread<const N: usize>(
        &self,
        lanes: &mut SpikeLanes<N>,
        unit: &Unit,
        spike: &Spike,
        shape: &[f32; SPIKE_SAMPLES],
    ) {
        let (home_row, home_column) = self.grid.place(unit.home());
        let drift = self.drift_at(spike.sample());
        for dy in -1_i32..=1 {
            let Some(row) = home_row.checked_add_signed(dy) else { continue };
            for dx in -1_i32..=1 {
                let column = home_column.wrapping_add_signed(dx);
                if column >= self.grid.columns {
                    continue;
                }
                let electrode = row * self.grid.columns + column;
                let lane = electrode.wrapping_sub(lanes.first_channel) as usize;
                if lane >= N {
                    continue;
                }
                let [x, y] = unit.place;
                let gain = self.grid.gain(dx as f32 - x, dy as f32 - (y + drift));
                put(&mut lanes.sum, lane, spike.amplitude_uv * gain, unit, spike, shape);
            }
        }
    }

    /// Peak of `spike` at its unit's home electrode, in microvolts.
    #[must_use]
    pub fn amplitude_at_home_uv(&self, unit: &Unit, spike: &Spike) -> f32 {
        let [x, y] = unit.place;
        spike.amplitude_uv * self.grid.gain(-x, -(y + self.drift_at(spike.sample())))
    }

    /// Displacement of all units at `sample`, in pitches.
    #[inline(always)]
    fn drift_at(&self, sample: i64) -> f32 {
        let phase = (sample as u64).wrapping_mul(self.drift_step);
        self.drift * math::sin_cos_turn((phase >> 32) as u32).0
    }
}

/// Adds a spike of `amplitude_uv` to one lane's sum.
///
/// Not inlined, so not compiled for wider vectors: scattered stores of AVX-512 are slower than one
/// store after the other.
#[inline(never)]
fn put<const N: usize>(
    sum: &mut [[f32; N]; SUM_ROWS],
    lane: usize,
    amplitude_uv: f32,
    unit: &Unit,
    spike: &Spike,
    shape: &[f32; SPIKE_SAMPLES],
) {
    let first = unit.waveform.first_sample(spike.ticks);
    // What lies before sample 0 is not there.
    let skipped = (-first).clamp(0, SPIKE_SAMPLES as i64) as usize;
    let start = first.max(0) as usize;
    let shape = shape.get(skipped..unit.waveform.samples()).unwrap_or_default();
    for (row, y) in (start..).zip(shape) {
        sum[row % SUM_ROWS][lane] += amplitude_uv * y;
    }
}
