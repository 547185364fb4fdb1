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
//! montage; channels that are filled with one [`Scratch`] share one computation of them.

mod artefacts;
mod mix;
mod montage;
mod occurrences;
mod paradigm;
mod params;
mod rhythm;
pub(super) mod state;
mod weights;

pub use artefacts::ArtefactParams;
use artefacts::{Artefacts, MuscleNoise};
use mix::mix;
pub use montage::{ELECTRODES, name};
pub use occurrences::{Interval, Occurrences};
use paradigm::Trials;
pub use paradigm::{MAX_FLICKERS, Paradigm, TrialEvent};
pub use params::{EegModel, EegParams, ParadigmName, RhythmParams};
use rhythm::{RHYTHMS, Resonator, Rhythms};
use state::{ARTEFACTS, COLUMNS, EVOKED, EegLanes, MAINS, SOURCE_LANES, Sources};
pub use weights::SOURCES;
use weights::{source_weights, topography};

use super::bad_channels::{BadChannels, Fault};
use super::power_law::{FIRST_NOISE_BLOCK, NoiseState, PowerLaw};
use super::spec::check_low_corner_of;
#[cfg(feature = "std")]
use super::state::OwnState;
use super::{
    Amplitude, BLOCK_SAMPLES, HISTORY_SAMPLES, LaneBlock, Lanes, Scratch, SignalInfo, Source,
};
#[cfg(not(feature = "std"))]
use super::{CANONICAL_NAN, one_lane};
use crate::math;
use crate::parameter::{ParameterError, below_nyquist, positive_within, within};
use crate::random::{self, SquareRoots, StreamKey, WordBlock};

const NOISE_DOMAIN: &str = "cortex/eeg/v3";
const RHYTHM_DOMAIN: &str = "cortex/rhythm/v3";
/// Electrodes that the rhythms and the evoked signal are largest at.
const RHYTHM_SITES: [&str; RHYTHMS] = ["C3", "C4", "C3", "C4", "POz"];
/// Stream of the channels' own noise: behind those of the sources.
const OWN_STREAM: u32 = SOURCES as u32;

/// Coefficients of the EEG: immutable, shared by all channels and threads.
#[derive(Clone, Debug)]
pub struct Eeg {
    /// Stands for all that decides what channels share.
    tag: u64,
    noise: PowerLaw,
    rhythms: [Resonator; RHYTHMS],
    rhythm_key: StreamKey,
    trials: Trials,
    artefacts: Artefacts,
    bad: BadChannels,
    background_uv: f64,
    own_fraction: f64,
    rhythm_uv: [f64; RHYTHMS],
}

/// Names of a rhythm's parameters: size, peak and bandwidth.
const MU: [&str; 3] = ["mu_uv_rms", "mu_hz", "mu_bandwidth_hz"];
const BETA: [&str; 3] = ["beta_uv_rms", "beta_hz", "beta_bandwidth_hz"];
const ALPHA: [&str; 3] = ["alpha_uv_rms", "alpha_hz", "alpha_bandwidth_hz"];

/// A number that stands for `model`, rate and seed: FNV-1a (Fowler, Noll and Vo) over their bytes
/// on the wire; never 0. Two EEGs that share memory in turn are told apart by it.
fn tag(model: &EegModel, rate_hz: f64, seed: u64) -> u64 {
    let mut bytes = [0; 1024];
    let bytes = match postcard::to_slice(&(model, rate_hz, seed), &mut bytes) {
        Ok(bytes) => &*bytes,
        Err(_) => &[],
    };
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(start, fold) | 1
}

impl Eeg {
    /// Checks `model` and computes the coefficients at `sample_rate_hz`, 100 to 1,000.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter at fault and what is allowed.
    pub fn new(params: &EegModel, sample_rate_hz: f64, seed: u64) -> Result<Self, ParameterError> {
        let rate = within("sample_rate_hz", sample_rate_hz, 100.0, 1_000.0)?;
        let background_uv =
            positive_within("background_uv_rms", params.background_uv_rms, 1e-6, 1e6)?;
        let exponent = positive_within("background_exponent", params.exponent, 0.01, 1.99)?;
        let corner = check_low_corner_of("background_corner_hz", params.low_corner_hz, rate)?;
        let own_fraction = within("own_fraction", params.own_fraction, 0.0, 1.0)?;
        let key = StreamKey::new(seed, NOISE_DOMAIN);
        let kinds = [
            (MU, params.mu),
            (MU, params.mu),
            (BETA, params.beta),
            (BETA, params.beta),
            (ALPHA, params.alpha),
        ];
        let mut rhythms = [Resonator::default(); RHYTHMS];
        let mut rhythm_uv = [0.0; RHYTHMS];
        for (j, ([size, centre, width], kind)) in kinds.into_iter().enumerate() {
            rhythm_uv[j] = within(size, kind.amplitude_uv_rms, 0.0, 1e6)?;
            let peak = positive_within(centre, kind.peak_hz, 1.0, 200.0)?;
            below_nyquist(centre, peak, rate)?;
            let width = positive_within(width, kind.bandwidth_hz, 0.1, peak / 3.0)?;
            rhythms[j] = Resonator::new(peak / rate, width / rate);
        }
        Ok(Self {
            tag: tag(params, rate, seed),
            noise: PowerLaw::with_key(key, rate, 1.0, corner, exponent),
            rhythms,
            rhythm_key: StreamKey::new(seed, RHYTHM_DOMAIN),
            trials: Trials::new(&params.paradigm, rate, seed)?,
            artefacts: Artefacts::new(&params.artefacts, rate, seed)?,
            bad: BadChannels::new(params.bad_channel_rate, background_uv, seed)?,
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

    /// What is wrong with `channel`; none for a good one.
    #[must_use]
    pub fn fault(&self, channel: u32) -> Option<Fault> {
        self.bad.fault(channel)
    }

    /// What all channels share, before sample 0.
    #[inline(always)]
    fn restart(&self, sources: &mut Sources) {
        (sources.tag, sources.next_block) = (self.tag, 0);
        for (group, poles) in sources.poles.iter_mut().enumerate() {
            let state = NoiseState { poles, last: &mut sources.last[group] };
            self.noise.start_noise((group * SOURCE_LANES) as u32, state);
        }
        for j in 0..RHYTHMS {
            let [a, b, ..] = self.rhythm_key.chunk(j as u32, 0);
            sources.rhythms.set(j, self.rhythms[j].start(random::normal_pair([a, b])));
        }
        sources.artefacts = self.artefacts.start();
    }

    /// Computes block `block` of what all channels share, unless it is there.
    #[inline(always)]
    fn share(&self, sources: &mut Sources, block: u64) {
        if sources.tag != self.tag || sources.next_block > block + 1 {
            self.restart(sources);
        }
        while sources.next_block <= block {
            self.fill_sources(sources);
        }
    }

    /// Words of block `block` of the sources and, behind them, the rhythms, from the one at place
    /// `first` on.
    #[inline(always)]
    fn source_words(&self, first: usize, block: u64, words: &mut WordBlock<SOURCE_LANES>) {
        let count = SOURCES as u32;
        if SOURCE_LANES > 1 {
            // All of them.
            self.noise.key.words_and(count, &self.rhythm_key, block, words);
        } else if let Some(rhythm) = (first as u32).checked_sub(count) {
            self.rhythm_key.words(rhythm, block, words);
        } else {
            self.noise.key.words(first as u32, block, words);
        }
    }

    /// Computes the next block of what all channels share.
    #[inline(always)]
    fn fill_sources(&self, sources: &mut Sources) {
        let next = sources.next_block;
        let Sources { poles, last, words, noise, part, block, rhythms, artefacts, .. } = sources;
        for (group, first) in (0..SOURCES + RHYTHMS).step_by(SOURCE_LANES).enumerate() {
            // Block 0 has drawn the start of either kind.
            self.source_words(first, FIRST_NOISE_BLOCK + next, words);
            if let (Some(poles), Some(last)) = (poles.get_mut(group), last.get_mut(group)) {
                let buffers = (&mut *words, &mut *noise, SquareRoots::PORTABLE);
                self.noise.filter_words(NoiseState { poles, last }, buffers, part);
            } else if let Some(fresh) = noise[HISTORY_SAMPLES..].first_chunk_mut() {
                random::normals(words, fresh);
            }
            // Lanes of sources are noise by now; those of rhythms are normal numbers still.
            let rows = part.iter().zip(&noise[HISTORY_SAMPLES..]);
            for (row, (filtered, normals)) in block.iter_mut().zip(rows) {
                for (lane, column) in (first..first + SOURCE_LANES).enumerate() {
                    if column < SOURCES {
                        row[column] = filtered[lane];
                    } else if column < SOURCES + RHYTHMS {
                        row[column] = normals[lane];
                    }
                }
            }
        }
        let rows = block.iter_mut().filter_map(|row| row[SOURCES..].first_chunk_mut());
        Rhythms::of(&self.rhythms).run(rhythms, rows);
        let first_sample = next * BLOCK_SAMPLES as u64;
        // Alpha, the last one, is not modulated.
        self.trials.modulate(first_sample, SOURCES..SOURCES + RHYTHMS - 1, block);
        self.trials.evoke(first_sample, EVOKED, block);
        let [shared, mains, _] = self.artefacts.kinds();
        if shared {
            let mut noise = MuscleNoise::NONE;
            for (row, sample) in block.iter_mut().zip(first_sample..) {
                let columns = self.artefacts.shared(artefacts, &mut noise, sample);
                row[ARTEFACTS..MAINS].copy_from_slice(&columns);
            }
        }
        if mains {
            for (row, sample) in block.iter_mut().zip(first_sample..) {
                row[MAINS] = self.artefacts.mains(sample);
            }
        }
        sources.next_block += 1;
    }

    /// What channels `first_channel .. first_channel + N` see. A lane beyond the montage is silent
    /// but for its own noise.
    fn start_lanes<const N: usize>(&self, first_channel: u32) -> EegLanes<N> {
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
        let artefacts =
            core::array::from_fn(|lane| self.artefacts.start_channel(first_channel + lane as u32));
        EegLanes { weights, own_weight, artefacts }
    }

    /// Makes block `block` of the channels' own noise in `out` their signal: the noise comes first,
    /// then the columns in order, then each channel's own artefacts.
    #[inline(always)]
    fn add<const N: usize>(
        &self,
        block: u64,
        own: &mut EegLanes<N>,
        sources: &mut Sources,
        out: &mut LaneBlock<N>,
    ) {
        self.share(sources, block);
        let [shared, mains, channels] = self.artefacts.kinds();
        let always = if self.trials.evokes() { EVOKED + 1 } else { EVOKED };
        mix(own.own_weight, &own.weights, &sources.block, 0..always, out);
        if shared {
            mix(1.0, &own.weights, &sources.block, ARTEFACTS..MAINS, out);
        }
        if mains {
            mix(1.0, &own.weights, &sources.block, MAINS..COLUMNS, out);
        }
        if channels {
            for (row, sample) in out.iter_mut().zip(block * BLOCK_SAMPLES as u64..) {
                for lane in 0..N {
                    row[lane] += self.artefacts.own(&mut own.artefacts[lane], sample);
                }
            }
        }
    }
}

impl Source for Eeg {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "eeg",
        summary: "scalp EEG of the 10-10 montage with rhythms, tasks and artefacts as truth",
        parameters: EegParams::PARAMETERS,
        max_channels: ELECTRODES,
    };

    type Params = EegParams;

    const SILENT: Self = Self {
        tag: 0,
        noise: PowerLaw::SILENT,
        rhythms: [Resonator::SILENT; RHYTHMS],
        rhythm_key: StreamKey::ZERO,
        trials: Trials::REST,
        artefacts: Artefacts::NONE,
        bad: BadChannels::NONE,
        background_uv: 0.0,
        own_fraction: 0.0,
        rhythm_uv: [0.0; RHYTHMS],
    };

    const SPECIMEN_RATE_HZ: f64 = 250.0;

    fn check(params: &EegParams, rate_hz: f64) -> Result<(), ParameterError> {
        if let Some(front_end) = &params.front_end {
            front_end.check()?;
        }
        Self::new(&params.model(), rate_hz, 0).map(drop)
    }

    fn design(&mut self, params: &EegParams, rate_hz: f64, seed: u64) {
        if let Ok(designed) = Self::new(&params.model(), rate_hz, seed) {
            *self = designed;
        }
    }

    /// Background and rhythms five standard deviations high, and all that lies on top.
    fn amplitude(params: &EegParams) -> Amplitude {
        let model = params.model();
        let rhythms = [model.mu, model.beta, model.alpha].map(|kind| kind.amplitude_uv_rms);
        let squares: f64 = rhythms.iter().map(|uv| uv * uv).sum();
        let noise = math::sqrt(model.background_uv_rms * model.background_uv_rms + squares);
        let artefacts = model.artefacts;
        let evoked = if params.paradigm == ParadigmName::Rest { 0.0 } else { params.response_uv() };
        let bursts =
            if artefacts.muscle_per_min > 0.0 { 5.0 * artefacts.muscle_uv_rms } else { 0.0 };
        let blinks = if artefacts.blinks_per_min > 0.0 { artefacts.blink_uv } else { 0.0 };
        let beats = if artefacts.heart_per_min > 0.0 { artefacts.heart_uv } else { 0.0 };
        let pops = if artefacts.pops_per_min > 0.0 { artefacts.pop_uv } else { 0.0 };
        let rest = artefacts.wander_uv + 2.0 * artefacts.mains_uv + 2.0 * evoked;
        Amplitude::Peak(5.0 * noise + bursts + blinks + beats + pops + rest)
    }

    fn specimen() -> EegParams {
        EegParams {
            paradigm: ParadigmName::P300,
            target_probability: 1.0,
            mains_uv: 5.0,
            blinks_per_min: 60.0,
            pops_per_min: 30.0,
            ..EegParams::default()
        }
    }

    #[inline(always)]
    fn start<const N: usize>(&self, lanes: &mut Lanes<N>) {
        let first = lanes.first_channel;
        self.noise.start_noise(OWN_STREAM + first, lanes.noise_state());
        #[cfg(feature = "std")]
        {
            lanes.own = OwnState::Eeg(std::boxed::Box::new(self.start_lanes(first)));
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
        let buffers = scratch.noise_buffers();
        self.noise.fill_noise(OWN_STREAM + first, block, lanes.noise_state(), buffers, out);
        #[cfg(feature = "std")]
        if let OwnState::Eeg(own) = &mut lanes.own {
            self.add(block, own, scratch.shared.sources(), out);
        }
        #[cfg(not(feature = "std"))]
        match (scratch.shared.eeg(first, block, || self.start_lanes(first)), one_lane(out)) {
            (Some((sources, own)), Some(out)) => self.add(block, own, sources, out),
            _ => return out.as_flattened_mut().fill(CANONICAL_NAN),
        }
        self.bad.apply(first, block, scratch, out);
    }
}
