//! Units: what a neuron is, and when it fires.
//!
//! Everything about unit `u` comes from stream `u` of the key (seed, "cortex/spikes/v3"), so a unit
//! does not depend on how many others there are. Words 0 to 15 draw what the unit is; words 16 + 4
//! n and on belong to its n-th spike.
//!
//! # Firing
//! A renewal process of *events*: one spike, or with `burst_probability` a burst of `burst_spikes`.
//! Gaps are the refractory period plus an exponential variate, within a burst with the mean
//! `burst_isi`, between events with the mean `L` that gives the unit its rate:
//!
//! ```text
//! L = m / rate - (m - 1) burst_isi,  m = 1 + burst_probability (burst_spikes - 1) spikes an event
//! ```
//!
//! The first event comes after the stationary process's forward recurrence time (Cox, "Renewal
//! Theory", 1962, section 5.2), which for a shifted exponential is uniform on the refractory
//! period with probability refractory / L, else the refractory period plus the exponential. No
//! burst is under way at sample 0.
//!
//! Times are whole ticks of 2^-16 sample and the refractory period is added as an integer: two
//! spikes of a unit are never closer, by construction.

use super::SpikeParams;
use super::waveform::{TICKS, Waveform};
use crate::math;
use crate::parameter::{ParameterError, count_within, within};
use crate::random::{StreamKey, exponential, normal};

/// Each spike of a burst is this much of the one before.
const BURST_DECAY: f32 = 0.9;
/// Least amplitude of a spike, as a fraction of its unit's.
const LEAST_AMPLITUDE: f32 = 0.1;
/// Words of a spike.
const SPIKE_WORDS: usize = 4;

/// The firing statistics, in ticks, shared by all units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Firing {
    pub refractory_ticks: i64,
    /// Means of the exponential parts between events and within a burst.
    pub event_ticks: f32,
    pub burst_ticks: f32,
    /// Events of 2^32 that are bursts.
    pub burst_words: u64,
    pub burst_spikes: u32,
    pub amplitudes: Amplitudes,
}

/// How the amplitudes of a unit's spikes are distributed about the unit's own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Amplitudes {
    /// Normally, with this standard deviation as a fraction of the unit's.
    Normal(f32),
    /// Exponentially: many small ones, as those of many distant units are.
    Exponential,
}

/// What a unit draws once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Number of the unit: eight for each home electrode.
    pub id: u32,
    /// Peak amplitude at distance 0, in microvolts.
    pub amplitude_uv: f32,
    /// Place relative to the home electrode, in pitches: columns, rows.
    pub place: [f32; 2],
    /// Shape of its spikes.
    pub waveform: Waveform,
}

/// One spike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// Time of the trough in 2^-16 samples.
    pub ticks: i64,
    /// Amplitude at distance 0, in microvolts.
    pub amplitude_uv: f32,
}

impl Spike {
    /// The sample nearest to the trough.
    #[must_use]
    pub fn sample(&self) -> i64 {
        (self.ticks + TICKS / 2) >> 16
    }
}

/// A unit and where it stands in time.
#[derive(Clone, Copy, Debug)]
pub struct UnitState {
    pub(super) unit: Unit,
    /// Time of the next spike.
    ticks: i64,
    /// Number of the next spike.
    number: u32,
    /// Spikes left of the burst after the next, and those before it.
    burst_left: u32,
    burst_done: u32,
}

/// A uniform number in [0, 1) from a word.
fn uniform(word: u32) -> f64 {
    f64::from(word) / 4_294_967_296.0
}

/// What decides units besides their stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Population {
    pub key: StreamKey,
    pub firing: Firing,
    /// Natural logarithm of the median amplitude, and the standard deviation about it.
    pub log_amplitude: [f64; 2],
    /// Farthest place from the home electrode in pitches: along a row, along a column.
    pub spread: [f64; 2],
    /// Least half-width of a waveform in samples, and how much more the greatest is.
    pub half_width: [f64; 2],
}

impl Population {
    /// No unit.
    pub(super) const SILENT: Self = Self {
        key: StreamKey::ZERO,
        firing: Firing {
            refractory_ticks: 0,
            event_ticks: 0.0,
            burst_ticks: 0.0,
            burst_words: 0,
            burst_spikes: 0,
            amplitudes: Amplitudes::Exponential,
        },
        log_amplitude: [0.0; 2],
        spread: [0.0; 2],
        half_width: [0.0; 2],
    };
}

/// Greatest asymmetry of a waveform.
const MAX_ASYMMETRY: f64 = 0.2;

impl UnitState {
    /// No unit.
    #[cfg(not(feature = "std"))]
    pub(super) const NONE: Self = Self {
        unit: Unit { id: 0, amplitude_uv: 0.0, place: [0.0; 2], waveform: Waveform::NONE },
        ticks: 0,
        number: 0,
        burst_left: 0,
        burst_done: 0,
    };

    /// Unit `id` before sample 0.
    pub(super) fn start(population: &Population, id: u32) -> Self {
        let words = population.key.chunk(id, 0);
        let [median, sigma] = population.log_amplitude;
        let amplitude = math::exp(median + sigma * f64::from(normal([words[2], words[3]])));
        let place = |word, spread: f64| (spread * (2.0 * uniform(word) - 1.0)) as f32;
        let [least, more] = population.half_width;
        let unit = Unit {
            id,
            amplitude_uv: amplitude as f32,
            place: [place(words[0], population.spread[0]), place(words[1], population.spread[1])],
            waveform: Waveform::new(
                least + more * uniform(words[4]),
                MAX_ASYMMETRY * uniform(words[5]),
            ),
        };
        let firing = &population.firing;
        let refractory = firing.refractory_ticks as f32;
        let first = uniform(words[6]) as f32 * (refractory + firing.event_ticks);
        let ticks = if first < refractory {
            // The same word again: given that it is below, it is uniform there.
            first as i64
        } else {
            firing.refractory_ticks + (exponential(words[7]) * firing.event_ticks) as i64
        };
        let mut state = Self { unit, ticks, number: 0, burst_left: 0, burst_done: 0 };
        state.begin_event(firing, population.key.chunk(id, 1)[1]);
        state
    }

    /// The next spike's time.
    #[inline(always)]
    pub(super) fn next_ticks(&self) -> i64 {
        self.ticks
    }

    /// The next spike; moves on to the one after it.
    #[inline]
    pub(super) fn advance(&mut self, population: &Population) -> Spike {
        let firing = &population.firing;
        let words = spike_words(population, self.unit.id, self.number);
        let mut relative = match firing.amplitudes {
            Amplitudes::Normal(jitter) => {
                let relative = 1.0 + jitter * normal([words[2], words[3]]);
                if relative > LEAST_AMPLITUDE { relative } else { LEAST_AMPLITUDE }
            }
            Amplitudes::Exponential => exponential(words[2]),
        };
        for _ in 0..self.burst_done {
            relative *= BURST_DECAY;
        }
        let spike = Spike { ticks: self.ticks, amplitude_uv: self.unit.amplitude_uv * relative };
        let within_burst = self.burst_left > 0;
        let mean = if within_burst { firing.burst_ticks } else { firing.event_ticks };
        self.ticks += firing.refractory_ticks + (exponential(words[0]) * mean) as i64;
        self.number = self.number.wrapping_add(1);
        if within_burst {
            self.burst_left -= 1;
            self.burst_done += 1;
        } else if firing.burst_words > 0 {
            let next = spike_words(population, self.unit.id, self.number);
            self.begin_event(firing, next[1]);
        }
        spike
    }

    fn begin_event(&mut self, firing: &Firing, word: u32) {
        self.burst_done = 0;
        self.burst_left =
            if u64::from(word) < firing.burst_words { firing.burst_spikes - 1 } else { 0 };
    }
}

/// The words of spike `number` of unit `id`.
#[inline(always)]
fn spike_words(population: &Population, id: u32, number: u32) -> [u32; SPIKE_WORDS] {
    let chunk = population.key.chunk(id, 1 + u64::from(number / 4));
    let (spikes, _) = chunk.as_chunks::<SPIKE_WORDS>();
    spikes[(number % 4) as usize]
}

/// A unit and its spikes in time.
pub struct UnitTrain<'a> {
    pub(super) population: &'a Population,
    pub(super) state: UnitState,
}

impl UnitTrain<'_> {
    /// What the unit is.
    #[must_use]
    pub fn unit(&self) -> &Unit {
        &self.state.unit
    }
}

/// The spikes from sample 0 on, without end.
impl Iterator for UnitTrain<'_> {
    type Item = Spike;

    fn next(&mut self) -> Option<Spike> {
        Some(self.state.advance(self.population))
    }
}

impl Unit {
    /// The electrode that the unit is nearest to.
    #[must_use]
    pub fn home(&self) -> u32 {
        self.id / super::MAX_UNITS_PER_ELECTRODE
    }
}

/// The firing statistics of `params` at `rate_hz` samples a second.
///
/// # Errors
/// [`ParameterError`] names the parameter at fault and what is allowed.
pub(super) fn firing(params: &SpikeParams, rate_hz: f64) -> Result<Firing, ParameterError> {
    let firing_hz = within("firing_rate_hz", params.firing_rate_hz, 0.01, 200.0)?;
    let refractory_ms = within("refractory_ms", params.refractory_ms, 0.5, 20.0)?;
    let probability = within("burst_probability", params.burst_probability, 0.0, 1.0)?;
    let spikes = count_within("burst_spikes", params.burst_spikes, 2, 20)? as f64;
    let isi_ms = within("burst_isi_ms", params.burst_isi_ms, refractory_ms, 1e3)?;
    let jitter = within("spike_jitter", params.spike_jitter, 0.0, 0.5)?;
    let more = probability * (spikes - 1.0);
    let event_ms = (1.0 + more) * 1e3 / firing_hz - more * isi_ms;
    if event_ms <= refractory_ms {
        // The rate at which events would follow each other without a pause.
        let max = (1.0 + more) * 1e3 / (refractory_ms + more * isi_ms);
        return Err(ParameterError::OutOfRange {
            parameter: "firing_rate_hz",
            value: firing_hz,
            min: 0.01,
            max,
        });
    }
    let ticks = |ms: f64| ms * 1e-3 * rate_hz * TICKS as f64;
    Ok(Firing {
        // Rounded up: never less than what was asked for.
        refractory_ticks: ticks(refractory_ms) as i64 + 1,
        event_ticks: ticks(event_ms - refractory_ms) as f32,
        burst_ticks: ticks(isi_ms - refractory_ms) as f32,
        burst_words: (probability * 4_294_967_296.0 + 0.5) as u64,
        burst_spikes: params.burst_spikes as u32,
        amplitudes: Amplitudes::Normal(jitter as f32),
    })
}
