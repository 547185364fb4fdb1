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
mod params;
pub(super) mod state;
mod unit;
mod waveform;

use grid::Grid;
pub use params::{MAX_UNITS_PER_ELECTRODE, SpikeParams};
use state::{SpikeLanes, Units};
use unit::{Amplitudes, Firing, Population, firing};
pub use unit::{Spike, Unit, UnitState, UnitTrain};
pub use waveform::{SPIKE_SAMPLES, TICKS, Waveform};

use super::bad_channels::{BadChannels, Fault};
use super::power_law::PowerLaw;
use super::spec::check_low_corner_of;
#[cfg(feature = "std")]
use super::state::OwnState;
use super::{Amplitude, Lanes, Scratch, SignalInfo, Source};
#[cfg(not(feature = "std"))]
use super::{CANONICAL_NAN, one_lane};
use crate::math;
use crate::parameter::{ParameterError, count_within, positive_within, within};
use crate::random::StreamKey;
use crate::signal::{BLOCK_SAMPLES, LaneBlock};

const UNIT_DOMAIN: &str = "cortex/spikes/v3";
const FAR_DOMAIN: &str = "cortex/far/v3";
const NOISE_DOMAIN: &str = "cortex/noise/v3";
/// Least and greatest half-width of a spike in milliseconds.
const HALF_WIDTH_MS: [f64; 2] = [0.55, 0.85];

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
    /// The channels' noise.
    noise: Option<PowerLaw>,
    bad: BadChannels,
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
        // Where there is no heap a channel keeps one unit of each of the nine electrodes it sees.
        let most = if cfg!(feature = "std") { MAX_UNITS_PER_ELECTRODE as usize } else { 1 };
        count_within("units_per_electrode", params.units_per_electrode, 1, most)?;
        count_within("columns", params.columns, 1, 65_536)?;
        let pitch = positive_within("pitch_um", params.pitch_um, 1.0, 1e4)?;
        let decay =
            positive_within("decay_um", params.decay_um, pitch * 1e-2, pitch * 1e2)? / pitch;
        let drift = within("drift_um", params.drift_um, 0.0, 0.4 * pitch)? / pitch;
        let period = positive_within("drift_period_s", params.drift_period_s, 1.0, 1e6)?;
        let far_rate = within("far_rate_hz", params.far_rate_hz, 0.0, 1e3)?;
        let far_uv = positive_within("far_uv", params.far_uv, 1e-6, 1e6)?;
        let amplitude = positive_within("unit_uv", params.unit_uv, 1e-6, 1e6)?;
        let sigma = within("unit_sigma", params.unit_sigma, 0.0, 2.0)?;
        within("snr_db", params.snr_db.unwrap_or(0.0), -80.0, 80.0)?;
        let noise_uv = params.noise_uv();
        within("noise_uv_rms", params.noise_uv_rms, 0.0, 1e6)?;
        let exponent = positive_within("noise_exponent", params.noise_exponent, 0.01, 1.99)?;
        let corner = check_low_corner_of("noise_corner_hz", params.noise_corner_hz, rate)?;
        if let Some(front_end) = &params.front_end {
            front_end.check()?;
        }
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
                columns: params.columns as u32,
                inverse_decay_squared: (1.0 / (decay * decay)) as f32,
            },
            population,
            units_per_electrode: params.units_per_electrode as u32,
            drift: drift as f32,
            drift_step: (18_446_744_073_709_551_616.0 / (period * rate)) as u64,
            far,
            noise: (noise_uv > 0.0).then(|| {
                let key = StreamKey::new(seed, NOISE_DOMAIN);
                PowerLaw::with_key(key, rate, noise_uv, corner, exponent)
            }),
            bad: BadChannels::new(params.bad_channel_rate, noise_uv.max(1.0), seed)?,
        })
    }

    /// What is wrong with `channel`; none for a good one.
    #[must_use]
    pub fn fault(&self, channel: u32) -> Option<Fault> {
        self.bad.fault(channel)
    }

    /// Units seen by `count` channels from `first_channel` on, in the order of their numbers, each
    /// with the spikes it is to fire: the ground truth.
    pub fn units<'a>(
        &'a self,
        first_channel: u32,
        count: u32,
        mut each: impl FnMut(UnitTrain<'a>),
    ) {
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

    /// The state of channels `first_channel .. first_channel + N` before sample 0.
    fn start_lanes<const N: usize>(&self, first_channel: u32) -> SpikeLanes<N> {
        let mut units = Units::new();
        self.grid.homes(first_channel, N as u32, |home| {
            for id in self.ids(home) {
                units.push(UnitState::start(&self.population, id));
            }
        });
        let mut far = [None; N];
        if let Some(population) = &self.far {
            for (slot, channel) in far.iter_mut().zip(first_channel..) {
                *slot = Some(UnitState::start(population, channel));
            }
        }
        SpikeLanes { carry: [[0.0; N]; BLOCK_SAMPLES], far, units }
    }

    /// Adds the spikes of block `block` of the channels from `first_channel` on to `out`. `sum` is
    /// working memory.
    #[inline(always)]
    fn add<const N: usize>(
        &self,
        (first_channel, block): (u32, u64),
        lanes: &mut SpikeLanes<N>,
        sum: &mut LaneBlock<N>,
        out: &mut LaneBlock<N>,
    ) {
        let start = (block * BLOCK_SAMPLES as u64) as i64;
        let end = start + BLOCK_SAMPLES as i64;
        let mut shape = [0.0; SPIKE_SAMPLES];
        let SpikeLanes { carry, far, units } = lanes;
        *sum = *carry;
        carry.as_flattened_mut().fill(0.0);
        let mut sums = Sums { start, sum, carry };
        for state in units.iter_mut() {
            let waveform = state.unit.waveform;
            while waveform.first_sample(state.next_ticks()) < end {
                let spike = state.advance(&self.population);
                waveform.evaluate(spike.ticks, &mut shape);
                self.spread(first_channel, &mut sums, &state.unit, &spike, &shape);
            }
        }
        if let Some(population) = &self.far {
            for lane in 0..N {
                let Some(state) = &mut far[lane] else { continue };
                while state.unit.waveform.first_sample(state.next_ticks()) < end {
                    let spike = state.advance(population);
                    let unit = state.unit;
                    unit.waveform.evaluate(spike.ticks, &mut shape);
                    put(&mut sums, lane, spike.amplitude_uv, &unit, &spike, &shape);
                }
            }
        }
        for (sample, spikes) in out.as_flattened_mut().iter_mut().zip(sum.as_flattened()) {
            *sample += spikes;
        }
    }

    /// Adds `spike` to the sums of the channels that see its unit.
    #[inline(always)]
    fn spread<const N: usize>(
        &self,
        first_channel: u32,
        sums: &mut Sums<'_, N>,
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
                let lane = electrode.wrapping_sub(first_channel) as usize;
                if lane >= N {
                    continue;
                }
                let [x, y] = unit.place;
                let gain = self.grid.gain(dx as f32 - x, dy as f32 - (y + drift));
                put(sums, lane, spike.amplitude_uv * gain, unit, spike, shape);
            }
        }
    }

    /// Peak of `spike` at its unit's home electrode, in microvolts.
    #[must_use]
    pub fn amplitude_at_home_uv(&self, unit: &Unit, spike: &Spike) -> f32 {
        let [x, y] = unit.place;
        spike.amplitude_uv * self.grid.gain(-x, -(y + self.drift_at(spike.sample())))
    }

    /// The electrode below `channels` at which `spike` is largest, the first of equals, and its
    /// peak there in microvolts; none when it is seen by none of them.
    #[must_use]
    pub fn peak(&self, unit: &Unit, spike: &Spike, channels: u32) -> Option<(u32, f32)> {
        let (home_row, home_column) = self.grid.place(unit.home());
        let drift = self.drift_at(spike.sample());
        let [x, y] = unit.place;
        let mut best: Option<(u32, f32)> = None;
        for dy in -1_i32..=1 {
            let Some(row) = home_row.checked_add_signed(dy) else { continue };
            for dx in -1_i32..=1 {
                let column = home_column.wrapping_add_signed(dx);
                if column >= self.grid.columns {
                    continue;
                }
                let electrode = row * self.grid.columns + column;
                if electrode >= channels {
                    continue;
                }
                let gain = self.grid.gain(dx as f32 - x, dy as f32 - (y + drift));
                let amplitude_uv = spike.amplitude_uv * gain;
                if gain > 0.0 && best.is_none_or(|(_, most)| amplitude_uv > most) {
                    best = Some((electrode, amplitude_uv));
                }
            }
        }
        best
    }

    /// Displacement of all units at `sample`, in pitches.
    #[inline(always)]
    fn drift_at(&self, sample: i64) -> f32 {
        let phase = (sample as u64).wrapping_mul(self.drift_step);
        self.drift * math::sin_cos_turn((phase >> 32) as u32).0
    }
}

impl Source for Spikes {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "spikes",
        summary: "spikes of known units on an electrode grid, with their times as truth",
        parameters: SpikeParams::PARAMETERS,
        max_channels: usize::MAX,
    };

    type Params = SpikeParams;

    const SILENT: Self = Self {
        grid: Grid { columns: 1, inverse_decay_squared: 0.0 },
        population: Population::SILENT,
        units_per_electrode: 0,
        drift: 0.0,
        drift_step: 0,
        far: None,
        noise: None,
        bad: BadChannels::NONE,
    };

    const SPECIMEN_RATE_HZ: f64 = 30_000.0;

    fn check(params: &SpikeParams, rate_hz: f64) -> Result<(), ParameterError> {
        Self::new(params, rate_hz, 0).map(drop)
    }

    fn design(&mut self, params: &SpikeParams, rate_hz: f64, seed: u64) {
        if let Ok(designed) = Self::new(params, rate_hz, seed) {
            *self = designed;
        }
    }

    /// Four standard deviations above the median unit, which one in 30,000 units exceeds.
    fn amplitude(params: &SpikeParams) -> Amplitude {
        let unit_uv = params.unit_uv * math::exp(4.0 * params.unit_sigma);
        Amplitude::Peak(unit_uv + 6.67 * params.noise_uv())
    }

    /// Fast enough that spikes are in the first block.
    fn specimen() -> SpikeParams {
        SpikeParams { firing_rate_hz: 200.0, far_rate_hz: 1e3, ..SpikeParams::default() }
    }

    #[inline(always)]
    fn start<const N: usize>(&self, lanes: &mut Lanes<N>) {
        let first = lanes.first_channel;
        if let Some(noise) = &self.noise {
            noise.start_noise(first, lanes.noise_state());
        }
        #[cfg(feature = "std")]
        {
            lanes.own = OwnState::Spikes(std::boxed::Box::new(self.start_lanes(first)));
        }
    }

    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        let (first, block) = (lanes.first_channel, lanes.next_block);
        match &self.noise {
            Some(noise) => {
                let buffers = scratch.noise_buffers();
                noise.fill_noise(first, block, lanes.noise_state(), buffers, out);
            }
            None => out.as_flattened_mut().fill(0.0),
        }
        let Some(sum) = scratch.noise.first_chunk_mut() else { return };
        #[cfg(feature = "std")]
        if let OwnState::Spikes(own) = &mut lanes.own {
            self.add((first, block), own, sum, out);
        }
        #[cfg(not(feature = "std"))]
        {
            let own = scratch.shared.spikes(first, block, || self.start_lanes(first));
            match (own, one_lane(sum), one_lane(out)) {
                (Some(own), Some(sum), Some(out)) => self.add((first, block), own, sum, out),
                _ => return out.as_flattened_mut().fill(CANONICAL_NAN),
            }
        }
        self.bad.apply(first, block, scratch, out);
    }
}

/// Sums of spikes: the block that begins at sample `start`, and what reaches into the next.
struct Sums<'a, const N: usize> {
    start: i64,
    sum: &'a mut LaneBlock<N>,
    carry: &'a mut LaneBlock<N>,
}

/// Adds a spike of `amplitude_uv` to one lane's sum.
///
/// Not inlined, so not compiled for wider vectors: scattered stores of AVX-512 are slower than one
/// store after the other.
#[inline(never)]
fn put<const N: usize>(
    sums: &mut Sums<'_, N>,
    lane: usize,
    amplitude_uv: f32,
    unit: &Unit,
    spike: &Spike,
    shape: &[f32; SPIKE_SAMPLES],
) {
    // It begins within the block, or before sample 0, of which nothing is there.
    let first = unit.waveform.first_sample(spike.ticks) - sums.start;
    let skipped = (-first).clamp(0, SPIKE_SAMPLES as i64) as usize;
    let first = first.clamp(0, BLOCK_SAMPLES as i64) as usize;
    let shape = shape.get(skipped..unit.waveform.samples()).unwrap_or_default();
    let (now, later) = shape.split_at(shape.len().min(BLOCK_SAMPLES - first));
    for (row, y) in sums.sum[first..].iter_mut().zip(now) {
        row[lane] += amplitude_uv * y;
    }
    for (row, y) in sums.carry.iter_mut().zip(later) {
        row[lane] += amplitude_uv * y;
    }
}
