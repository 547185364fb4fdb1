//! Scalp EEG with known rhythms and events: generator v3's `eeg`.
//!
//! A channel is an electrode of the 10-10 montage ([`name`]). Its signal is
//!
//! ```text
//! x_c = a (sqrt(1-f) sum_k g_ck s_k + sqrt(f) n_c) + sum_j t_cj e_j(t) r_j + t_cv v(t)
//! ```
//!
//! with v2's power-law noise for the [`SOURCES`] shared sources `s_k` and the channel's own `n_c`,
//! weights `g_ck = exp(-(1 - p_c.q_k) / 0.2)` of electrode position and source place, scaled to
//! unit rows; rhythms `r_j` (`rhythm.rs`) with topographies `t` of the same law, 1 at their
//! electrode, and envelopes `e` and evoked signal `v` of the paradigm (`paradigm.rs`). The
//! background's covariance is `a² ((1-f) G Gᵀ + f I)`: [`Eeg::covariance`].
//!
//! Sources and rhythms do not depend on the channels asked for, so channel `c` is the same in every
//! montage; a group of channels shares one computation of them ([`EegSources`]).

mod artefacts;
mod montage;
mod paradigm;
mod rhythm;

pub use artefacts::{ArtefactParams, Interval, Occurrences};
use artefacts::{Artefacts, PopState, SharedState};
pub use montage::{ELECTRODES, name};
use montage::{Position, dot};
use paradigm::Trials;
pub use paradigm::{MAX_FLICKERS, Paradigm, TrialEvent};
use rhythm::{Resonator, ResonatorState};

use super::Source as _;
use super::power_law::PowerLaw;
use super::{BLOCK_SAMPLES, LaneBlock, Lanes, Scratch};
use crate::math;
use crate::parameter::{ParameterError, below_nyquist, positive_within, within};
use crate::random::{self, StreamKey};

const NOISE_DOMAIN: &str = "cortex/eeg/v3";
const RHYTHM_DOMAIN: &str = "cortex/rhythm/v3";
/// Shared sources of the background.
pub const SOURCES: usize = 24;
/// Lanes in which the shared sources are computed, on every target.
const SOURCE_LANES: usize = 8;
/// Rhythms: mu and beta over each hemisphere, alpha at the back.
const RHYTHMS: usize = 5;
/// Electrodes that the rhythms and the evoked signal are largest at.
const RHYTHM_SITES: [&str; RHYTHMS] = ["C3", "C4", "C3", "C4", "POz"];
/// Places of the evoked signal, the shared artefacts and the mains among the columns.
const EVOKED: usize = SOURCES + RHYTHMS;
const ARTEFACTS: usize = EVOKED + 1;
const MAINS: usize = ARTEFACTS + artefacts::SHARED;
/// Columns that are mixed: sources, rhythms, the evoked signal, artefacts and mains.
pub const COLUMNS: usize = MAINS + 1;
/// Stream of the channels' own noise: behind those of the sources.
const OWN_STREAM: u32 = SOURCES as u32;
/// Width of a weight over the sphere: it falls by e where 1 - cos(angle) is this.
const SPREAD: f64 = 0.2;

/// A rhythm's peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RhythmParams {
    /// Standard deviation at its electrode in microvolts; 0 leaves it out.
    pub amplitude_uv_rms: f64,
    /// Frequency of the peak in Hz.
    pub peak_hz: f64,
    /// Width at half the peak's power in Hz, at most a third of the peak.
    pub bandwidth_hz: f64,
}

/// Parameters of the EEG.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EegParams {
    /// Standard deviation of every channel's background in microvolts.
    pub background_uv_rms: f64,
    /// Exponent b of the background's 1/f^b.
    pub exponent: f64,
    /// Where its power law begins, in Hz.
    pub low_corner_hz: f64,
    /// Share of the background's power that no other channel has, 0 to 1.
    pub own_fraction: f64,
    /// Over C3 and C4.
    pub mu: RhythmParams,
    /// Over C3 and C4.
    pub beta: RhythmParams,
    /// At the back of the head.
    pub alpha: RhythmParams,
    /// The task.
    pub paradigm: Paradigm,
    /// What spoils the signal.
    pub artefacts: ArtefactParams,
}

impl Default for EegParams {
    fn default() -> Self {
        let rhythm = |amplitude_uv_rms, peak_hz, bandwidth_hz| RhythmParams {
            amplitude_uv_rms,
            peak_hz,
            bandwidth_hz,
        };
        Self {
            background_uv_rms: 15.0,
            exponent: 1.0,
            low_corner_hz: 0.5,
            own_fraction: 0.2,
            mu: rhythm(8.0, 11.0, 2.0),
            beta: rhythm(4.0, 22.0, 5.0),
            alpha: rhythm(10.0, 10.0, 2.0),
            paradigm: Paradigm::Rest,
            artefacts: ArtefactParams::default(),
        }
    }
}

/// Coefficients of the EEG: immutable, shared by all channels and threads.
#[derive(Clone, Debug)]
pub struct Eeg {
    noise: PowerLaw,
    rhythms: [Resonator; RHYTHMS],
    rhythm_key: StreamKey,
    trials: Trials,
    artefacts: Artefacts,
    background_uv: f64,
    own_fraction: f64,
    rhythm_uv: [f64; RHYTHMS],
}

/// Sources, rhythms and the evoked signal of one block: row = sample.
pub type SourceBlock = [[f32; COLUMNS]; BLOCK_SAMPLES];

/// What all channels share, at a block boundary.
#[derive(Clone, Debug)]
pub struct EegSources {
    lanes: [Lanes<SOURCE_LANES>; SOURCES / SOURCE_LANES],
    rhythms: [ResonatorState; RHYTHMS],
    artefacts: SharedState,
    next_block: u64,
}

/// State of N adjacent channels, at a block boundary, and what they see of each column.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct EegLanes<const N: usize> {
    weights: [[f32; N]; COLUMNS],
    own: Lanes<N>,
    own_weight: f32,
    pops: [PopState; N],
}

impl Eeg {
    /// Checks `params` and computes the coefficients at `sample_rate_hz`, 100 to 1,000.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter at fault and what is allowed.
    pub fn new(params: &EegParams, sample_rate_hz: f64, seed: u64) -> Result<Self, ParameterError> {
        let rate = within("sample_rate_hz", sample_rate_hz, 100.0, 1_000.0)?;
        let background_uv =
            positive_within("background_uv_rms", params.background_uv_rms, 1e-6, 1e6)?;
        let exponent = positive_within("exponent", params.exponent, 0.01, 1.99)?;
        let corner =
            positive_within("low_corner_hz", params.low_corner_hz, 1e-9 * rate, 0.02 * rate)?;
        let own_fraction = within("own_fraction", params.own_fraction, 0.0, 1.0)?;
        let key = StreamKey::new(seed, NOISE_DOMAIN);
        let kinds = [params.mu, params.mu, params.beta, params.beta, params.alpha];
        let mut rhythms = [Resonator::default(); RHYTHMS];
        let mut rhythm_uv = [0.0; RHYTHMS];
        for (j, kind) in kinds.iter().enumerate() {
            rhythm_uv[j] = within("amplitude_uv_rms", kind.amplitude_uv_rms, 0.0, 1e6)?;
            let peak = positive_within("peak_hz", kind.peak_hz, 1.0, 200.0)?;
            below_nyquist("peak_hz", peak, rate)?;
            let width = positive_within("bandwidth_hz", kind.bandwidth_hz, 0.1, peak / 3.0)?;
            rhythms[j] = Resonator::new(peak / rate, width / rate);
        }
        Ok(Self {
            noise: PowerLaw::with_key(key, rate, 1.0, corner, exponent),
            rhythms,
            rhythm_key: StreamKey::new(seed, RHYTHM_DOMAIN),
            trials: Trials::new(&params.paradigm, rate, seed)?,
            artefacts: Artefacts::new(&params.artefacts, rate, seed)?,
            background_uv,
            own_fraction,
            rhythm_uv,
        })
    }

    /// The events of the paradigm in order, without end; none at rest.
    pub fn events(&self) -> impl Iterator<Item = TrialEvent> + '_ {
        (0..).map_while(|trial| self.trials.event(trial))
    }

    /// Blinks, in order; none when they are left out.
    #[must_use]
    pub fn blinks(&self) -> Occurrences {
        self.artefacts.blinks()
    }

    /// Muscle bursts, in order.
    #[must_use]
    pub fn muscle_bursts(&self) -> Occurrences {
        self.artefacts.muscle_bursts()
    }

    /// Heart beats, in order.
    #[must_use]
    pub fn heart_beats(&self) -> Occurrences {
        self.artefacts.heart_beats()
    }

    /// Pops of the electrode of `channel`, in order.
    #[must_use]
    pub fn pops(&self, channel: u32) -> Occurrences {
        self.artefacts.pops(channel)
    }

    /// Covariance of the background of two channels, in µV², without rhythms and responses.
    ///
    /// # Panics
    /// From channel [`ELECTRODES`] on.
    #[must_use]
    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        let (a_row, b_row) = (source_weights(a), source_weights(b));
        let shared: f64 = a_row.iter().zip(b_row).map(|(x, y)| x * y).sum();
        let own = if a == b { self.own_fraction } else { 0.0 };
        self.background_uv * self.background_uv * ((1.0 - self.own_fraction) * shared + own)
    }

    /// What all channels share, before sample 0.
    #[must_use]
    pub fn start_sources(&self) -> EegSources {
        let lanes = core::array::from_fn(|group| {
            let mut lanes = Lanes::at_start((group * SOURCE_LANES) as u32);
            self.noise.start(&mut lanes);
            lanes
        });
        let mut words = [[0; SOURCE_LANES]; BLOCK_SAMPLES];
        self.rhythm_key.words(0, 0, &mut words);
        let mut normals = [[0.0; SOURCE_LANES]; BLOCK_SAMPLES];
        random::normals(&words, &mut normals);
        let rhythms =
            core::array::from_fn(|j| self.rhythms[j].start([normals[0][j], normals[1][j]]));
        EegSources { lanes, rhythms, artefacts: self.artefacts.start(), next_block: 0 }
    }

    /// Computes the next block of what all channels share.
    #[inline(always)]
    pub fn fill_sources(
        &self,
        sources: &mut EegSources,
        scratch: &mut Scratch<SOURCE_LANES>,
        block: &mut SourceBlock,
    ) {
        let mut part = [[0.0; SOURCE_LANES]; BLOCK_SAMPLES];
        for (group, lanes) in sources.lanes.iter_mut().enumerate() {
            self.noise.fill(lanes, scratch, &mut part);
            lanes.next_block += 1;
            for (row, values) in block.iter_mut().zip(&part) {
                row[group * SOURCE_LANES..][..SOURCE_LANES].copy_from_slice(values);
            }
        }
        // Block 0 has drawn the start.
        let mut words = [[0; SOURCE_LANES]; BLOCK_SAMPLES];
        self.rhythm_key.words(0, sources.next_block + 1, &mut words);
        random::normals(&words, &mut part);
        let first = sources.next_block * BLOCK_SAMPLES as u64;
        for ((row, normals), sample) in block.iter_mut().zip(&part).zip(first..) {
            let [left, right] = self.trials.envelopes(sample);
            let envelopes = [left, right, left, right, 1.0];
            for j in 0..RHYTHMS {
                let x = self.rhythms[j].next(&mut sources.rhythms[j], normals[j]);
                row[SOURCES + j] = envelopes[j] * x;
            }
            row[EVOKED] = self.trials.evoked(sample);
            row[ARTEFACTS..MAINS]
                .copy_from_slice(&self.artefacts.shared(&mut sources.artefacts, sample));
            row[MAINS] = self.artefacts.mains(sample);
        }
        sources.next_block += 1;
    }

    /// The state of channels `first_channel .. first_channel + N` before sample 0. A lane beyond
    /// the montage is silent but for its own noise.
    #[must_use]
    pub fn start<const N: usize>(&self, first_channel: u32) -> EegLanes<N> {
        let mut own = Lanes::at_start(OWN_STREAM + first_channel);
        self.noise.start(&mut own);
        let mut weights = [[0.0; N]; COLUMNS];
        let scale = self.background_uv * math::sqrt(1.0 - self.own_fraction);
        for lane in 0..N {
            let channel = first_channel as usize + lane;
            let Some(place) = montage::position(channel) else { continue };
            for (k, weight) in source_weights(channel).into_iter().enumerate() {
                weights[k][lane] = (scale * weight) as f32;
            }
            for (j, site) in RHYTHM_SITES.into_iter().enumerate() {
                let weight = self.rhythm_uv[j] * topography(place, site);
                weights[SOURCES + j][lane] = weight as f32;
            }
            weights[EVOKED][lane] = topography(place, self.trials.site()) as f32;
            for (j, site) in artefacts::SITES.into_iter().enumerate() {
                weights[ARTEFACTS + j][lane] = topography(place, site) as f32;
            }
            weights[MAINS][lane] = 1.0;
        }
        let own_weight = (self.background_uv * math::sqrt(self.own_fraction)) as f32;
        let pops =
            core::array::from_fn(|lane| self.artefacts.start_pops(first_channel + lane as u32));
        EegLanes { weights, own, own_weight, pops }
    }

    /// Writes the channels' next block to `out`, in microvolts; `block` is that of
    /// [`Eeg::fill_sources`]. The channel's own noise comes first, then the columns in order.
    #[inline(always)]
    pub fn fill<const N: usize>(
        &self,
        lanes: &mut EegLanes<N>,
        block: &SourceBlock,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        self.noise.fill(&mut lanes.own, scratch, out);
        let first = lanes.own.next_block * BLOCK_SAMPLES as u64;
        lanes.own.next_block += 1;
        for ((row, columns), sample) in out.iter_mut().zip(block).zip(first..) {
            let mut sums: [f32; N] = core::array::from_fn(|lane| lanes.own_weight * row[lane]);
            for (value, weights) in columns.iter().zip(&lanes.weights) {
                for lane in 0..N {
                    sums[lane] += value * weights[lane];
                }
            }
            for lane in 0..N {
                row[lane] = sums[lane] + self.artefacts.popped(&mut lanes.pops[lane], sample);
            }
        }
    }
}

/// Weight of what is at `site` at the electrode at `place`: 1 there, e^-1 where 1 - cos is SPREAD.
fn topography(place: Position, site: &str) -> f64 {
    let centre = montage::channel(site).and_then(montage::position).unwrap_or([0.0, 0.0, 1.0]);
    math::exp((dot(place, centre) - 1.0) / SPREAD)
}

/// Row of G of `channel`: its weights of the sources, the sum of their squares 1.
fn source_weights(channel: usize) -> [f64; SOURCES] {
    let place = montage::position(channel).unwrap_or([0.0, 0.0, 1.0]);
    let weights: [f64; SOURCES] =
        core::array::from_fn(|k| math::exp((dot(place, source_place(k)) - 1.0) / SPREAD));
    let length = math::sqrt(weights.iter().map(|w| w * w).sum());
    weights.map(|w| w / length)
}

/// Place of source `k`: a Fibonacci spiral over the cap from the top to 18 degrees below the
/// equator (Gonzalez, Math. Geosci. 42, 2010).
fn source_place(k: usize) -> Position {
    const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653_3;
    // cos 0 to cos 108 degrees, in equal areas.
    let z = 1.0 - (1.0 + 0.309_016_994_374_947_4) * (k as f64 + 0.5) / SOURCES as f64;
    let radius = math::sqrt(1.0 - z * z);
    let angle = GOLDEN_ANGLE * k as f64;
    [radius * math::cos(angle), radius * math::sin(angle), z]
}
