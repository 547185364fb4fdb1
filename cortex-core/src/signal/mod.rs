//! Generators: validated parameters → coefficients → blocks of samples.
//!
//! A [`Generator`] holds what is computed once (coefficients, in `&self`); [`Lanes`] holds the
//! state of N adjacent channels, one per vector lane. `N` is 1 on a microcontroller and 8 or
//! 16 on a desktop: the same source, the same order of operations, the same bits.
//!
//! Without the crate's feature `v2` (on by default) only v1 is built: 15 KB less flash, for the
//! smallest boards. Asking such a build for v2 is [`SpecError::UnknownSignal`].

#[cfg(feature = "v3")]
mod bad_channels;
// Their parameters travel on the wire of every build.
#[cfg_attr(not(feature = "v2"), allow(dead_code, reason = "the parameters are used"))]
mod chirp;
#[cfg(feature = "v3")]
pub mod eeg;
#[cfg_attr(not(feature = "v2"), allow(dead_code, reason = "the parameters are used"))]
mod effects;
mod fft64;
#[cfg(feature = "v3")]
pub mod front_end;
mod one_pole;
mod pink_v1;
#[cfg_attr(not(feature = "v2"), allow(dead_code, reason = "the parameters are used"))]
mod power_law;
mod registry;
mod sine;
mod spec;
#[cfg(feature = "v3")]
pub mod spikes;
mod state;
#[cfg_attr(not(feature = "v2"), allow(dead_code, reason = "the parameters are used"))]
mod white;

use serde::{Deserialize, Serialize};

pub use chirp::Sweep;
#[cfg(feature = "v2")]
use effects::EffectChain;
pub use effects::{Effects, LineNoise};
pub use spec::{GeneratorVersion, SourceSpec, SpecError};

pub use crate::block::{BLOCK_SAMPLES, LaneBlock};
use crate::parameter::{Parameter, ParameterError};
use crate::random::{SquareRoots, WordBlock};
#[cfg(feature = "v3")]
pub use bad_channels::Fault;
#[cfg(feature = "v3")]
pub use state::SharedState;
pub use state::{MEMORY_CHANNELS, SignalMemory};

// A signal's place is its number on the wire: a new one comes last.
registry::signals! {
    sine::Sine(SineWave): V1 | V2,
    pink_v1::PinkV1(PinkNoise): V1,
    #[cfg(feature = "v2")]
    power_law::PowerLaw(PowerLawNoise): V2,
    #[cfg(feature = "v2")]
    white::White(WhiteNoise): V2,
    #[cfg(feature = "v2")]
    chirp::ChirpSource(Chirp): V2,
    [only "v3"] spikes::Spikes(SpikeParams): V3,
    [only "v3"] eeg::Eeg(EegParams): V3,
}

/// What a signal is and what it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalInfo<'a> {
    /// The name in configurations; a version has one signal of a name.
    pub name: &'a str,
    /// One line of description.
    pub summary: &'a str,
    /// Its own parameters.
    pub parameters: &'a [Parameter<'a>],
    /// The most channels it has.
    pub max_channels: usize,
}

/// The size of a signal, in microvolts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amplitude {
    /// No sample is larger in magnitude.
    Peak(f64),
    /// The standard deviation of Gaussian noise.
    Rms(f64),
}

/// What makes a signal: its description, its parameters, its coefficients and its samples.
trait Source: Sized {
    /// The description. Constant data that only a host names.
    const INFO: SignalInfo<'static>;

    /// The parameters.
    type Params;

    /// Coefficients of nothing, to be designed in place: a microcontroller has no room for two.
    const SILENT: Self;

    /// Checks the parameters at a sample rate that was checked.
    fn check(params: &Self::Params, rate_hz: f64) -> Result<(), ParameterError>;

    /// Computes the coefficients; the parameters were checked.
    fn design(&mut self, params: &Self::Params, rate_hz: f64, seed: u64);

    /// The signal's size.
    fn amplitude(params: &Self::Params) -> Amplitude;

    /// The sample rate of [`Source::specimen`] in Hz.
    const SPECIMEN_RATE_HZ: f64 = 160.0;

    /// Fixed parameters that tell two builds apart, for [`Source::SPECIMEN_RATE_HZ`].
    fn specimen() -> Self::Params;

    /// See [`Generator::power_response`].
    fn power_response(&self, _frequency_hz: f64) -> Option<f64> {
        None
    }

    /// Draws the state of the lanes' channels before sample 0.
    #[inline(always)]
    fn start<const N: usize>(&self, _lanes: &mut Lanes<N>) {}

    /// Writes the next block of the lanes' channels.
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    );
}

/// Samples of a channel's past that a generator may look back at.
pub(crate) const HISTORY_SAMPLES: usize = 32;

/// The one NaN that is ever written.
pub(crate) const CANONICAL_NAN: f32 = f32::from_bits(0x7fc0_0000);

/// The most one-pole sections a generator has.
pub(crate) const MAX_POLES: usize = 16;

/// The state of N adjacent channels, at a block boundary.
///
/// Aligned to a cache line where there are some: a vector that straddles two costs twice.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "std", repr(C, align(64)))]
pub struct Lanes<const N: usize> {
    /// The last white-noise samples, oldest first.
    history: [[f32; N]; HISTORY_SAMPLES],
    /// The one-pole sections.
    poles: [[f32; N]; MAX_POLES],
    first_channel: u32,
    next_block: u64,
    /// What v3's signals keep besides.
    #[cfg(all(feature = "v3", feature = "std"))]
    own: state::OwnState<N>,
    #[cfg(feature = "v3")]
    losses: front_end::LossState,
}

impl<const N: usize> Lanes<N> {
    /// Silence before sample 0.
    fn at_start(first_channel: u32) -> Self {
        Self {
            first_channel,
            next_block: 0,
            #[cfg(all(feature = "v3", feature = "std"))]
            own: state::OwnState::None,
            #[cfg(feature = "v3")]
            losses: front_end::LossState::START,
            history: [[0.0; N]; HISTORY_SAMPLES],
            poles: [[0.0; N]; MAX_POLES],
        }
    }

    /// What power-law noise keeps here.
    #[inline(always)]
    fn noise_state(&mut self) -> power_law::NoiseState<'_, N> {
        power_law::NoiseState {
            poles: &mut self.poles,
            last: &mut self.history[HISTORY_SAMPLES - 1],
        }
    }

    /// The first of the N channels.
    #[must_use]
    pub fn first_channel(&self) -> u32 {
        self.first_channel
    }

    /// Index of the block that the next [`Generator::fill`] gives: its first sample is
    /// `next_block * BLOCK_SAMPLES`.
    #[must_use]
    pub fn next_block(&self) -> u64 {
        self.next_block
    }
}

/// Working memory of [`Generator::fill`]: contents do not matter between calls.
///
/// Without an operating system v3's signals need a [`SignalMemory`] besides
/// ([`Scratch::set_memory`]), are filled one channel at a time (N = 1), each channel's blocks in
/// order, and are not there otherwise: NaN, or what a front end makes of it.
#[derive(Debug)]
#[cfg_attr(feature = "std", derive(Clone), repr(C, align(64)))]
pub struct Scratch<const N: usize> {
    words: WordBlock<N>,
    noise: [[f32; N]; HISTORY_SAMPLES + BLOCK_SAMPLES],
    roots: SquareRoots,
    /// What all channels of an EEG share.
    #[cfg(feature = "v3")]
    shared: state::SharedState,
}

/// What power-law noise works in: words, numbers, and the way of square roots.
type NoiseBuffers<'s, const N: usize> =
    (&'s mut WordBlock<N>, &'s mut [[f32; N]; HISTORY_SAMPLES + BLOCK_SAMPLES], SquareRoots);

impl<const N: usize> Scratch<N> {
    /// Zeroed working memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            words: [[0; N]; BLOCK_SAMPLES],
            noise: [[0.0; N]; HISTORY_SAMPLES + BLOCK_SAMPLES],
            roots: SquareRoots::PORTABLE,
            #[cfg(feature = "v3")]
            shared: state::SharedState::EMPTY,
        }
    }

    /// Square roots are taken by `roots` from now on; no bit depends on them.
    pub fn set_square_roots(&mut self, roots: SquareRoots) {
        self.roots = roots;
    }

    /// Gives v3's signals memory where there is no heap; elsewhere they have their own.
    pub fn set_memory(&mut self, memory: &'static mut SignalMemory) {
        #[cfg(all(feature = "v3", not(feature = "std")))]
        {
            self.shared = state::SharedState(Some(memory));
        }
        #[cfg(not(all(feature = "v3", not(feature = "std"))))]
        let _ = memory;
    }

    /// Whether v3's signals have the memory they need.
    #[cfg(feature = "v3")]
    pub(crate) fn has_memory(&self) -> bool {
        #[cfg(feature = "std")]
        return true;
        #[cfg(not(feature = "std"))]
        return self.shared.0.is_some();
    }

    /// What power-law noise works in.
    #[inline(always)]
    fn noise_buffers(&mut self) -> NoiseBuffers<'_, N> {
        (&mut self.words, &mut self.noise, self.roots)
    }

    /// Lets this memory go on with what all channels share as `other` has it, and `other` with
    /// this one's. A caller that fills groups of channels with memories of their own saves
    /// computing it once for each: results do not depend on it.
    #[cfg(feature = "v3")]
    pub fn swap_shared(&mut self, other: &mut SharedState) {
        core::mem::swap(&mut self.shared, other);
    }
}

impl<const N: usize> Default for Scratch<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl Signal {
    /// The most channels that this build makes of the signal at once: [`MEMORY_CHANNELS`] of v3's
    /// where there is no heap.
    #[must_use]
    pub const fn most_channels(&self) -> usize {
        #[cfg(all(feature = "v3", not(feature = "std")))]
        if matches!(self, Signal::SpikeParams(_) | Signal::EegParams(_)) {
            return MEMORY_CHANNELS;
        }
        usize::MAX
    }
}

#[cfg(feature = "v3")]
impl Signal {
    /// The front end behind the electrodes, if any.
    #[must_use]
    pub fn front_end_params(&self) -> Option<&front_end::FrontEndParams> {
        match self {
            Signal::SpikeParams(params) => params.front_end.as_ref(),
            Signal::EegParams(params) => params.front_end.as_ref(),
            _ => None,
        }
    }

    /// The front end behind the electrodes, if any, of a signal that was checked.
    #[must_use]
    pub fn front_end(&self, seed: u64) -> Option<front_end::FrontEnd> {
        front_end::FrontEnd::new(self.front_end_params()?, seed).ok()
    }
}

/// The samples of one lane's block, where N is 1.
#[cfg(all(feature = "v3", not(feature = "std")))]
fn one_lane<const N: usize>(block: &mut LaneBlock<N>) -> Option<&mut LaneBlock<1>> {
    if N == 1 { block.as_flattened_mut().as_chunks_mut().0.first_chunk_mut() } else { None }
}

/// A generator's coefficients: immutable, shared by all channels and threads.
#[derive(Clone, Debug)]
pub struct Generator {
    form: Form,
    #[cfg(feature = "v2")]
    effects: Option<EffectChain>,
    #[cfg(feature = "v3")]
    front_end: Option<front_end::FrontEnd>,
}

impl Generator {
    /// A generator of zeros, to be [`redesign`](Generator::redesign)ed.
    #[must_use]
    pub const fn silence() -> Self {
        Self {
            form: Form::Sine(Sine::SILENT),
            #[cfg(feature = "v2")]
            effects: None,
            #[cfg(feature = "v3")]
            front_end: None,
        }
    }

    /// Checks `spec` and computes the coefficients.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter that cannot be generated and what is allowed.
    pub fn new(spec: &SourceSpec) -> Result<Self, SpecError> {
        let mut generator = Self::silence();
        generator.redesign(spec)?;
        Ok(generator)
    }

    /// Becomes the generator of `spec`, in place: a microcontroller's stack never holds a second
    /// one. Not inlined: what a design takes of it is free again when the channels start.
    ///
    /// # Errors
    /// [`SpecError`] as [`Generator::new`]; the generator stays what it was.
    #[inline(never)]
    pub fn redesign(&mut self, spec: &SourceSpec) -> Result<(), SpecError> {
        spec.check()?;
        let (rate_hz, seed) = (spec.sample_rate_hz, spec.seed);
        self.form.design(&spec.signal, rate_hz, seed);
        #[cfg(feature = "v2")]
        {
            self.effects = EffectChain::new(&spec.effects, rate_hz, seed);
        }
        #[cfg(feature = "v3")]
        {
            self.front_end = spec.signal.front_end(seed);
        }
        Ok(())
    }

    /// Power response |H|² at `frequency_hz` of a noise signal's filter, as held in `f32`, in µV²:
    /// the noise's two-sided power spectral density is this over the sample rate, before effects.
    /// `None` for signals that are not noise.
    #[must_use]
    pub fn power_response(&self, frequency_hz: f64) -> Option<f64> {
        self.form.power_response(frequency_hz)
    }

    /// Whether channels share what is costly to compute, so that a block of all of them is best
    /// filled before the next one.
    #[must_use]
    pub fn shares(&self) -> bool {
        match self.form {
            #[cfg(feature = "v3")]
            Form::Eeg(_) => true,
            _ => false,
        }
    }

    /// Whether this is v1's pink noise, whose transform likes other lane counts than the rest.
    #[must_use]
    pub fn is_pink_v1(&self) -> bool {
        matches!(self.form, Form::PinkV1(_))
    }

    /// The state of channels `first_channel .. first_channel + N` before sample 0.
    #[inline(always)]
    #[must_use]
    pub fn start<const N: usize>(&self, first_channel: u32) -> Lanes<N> {
        let mut lanes = Lanes::at_start(first_channel);
        self.form.start(&mut lanes);
        lanes
    }

    /// Writes the next [`BLOCK_SAMPLES`] samples of the lanes' channels to `out`, in microvolts.
    ///
    /// Always inlined, so that a caller compiled for wider vectors gets wider vectors.
    #[inline(always)]
    pub fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        self.form.fill(lanes, scratch, out);
        #[cfg(feature = "v2")]
        if let Some(effects) = &self.effects {
            effects.apply(lanes, scratch, out);
        }
        #[cfg(feature = "v3")]
        if let Some(front_end) = &self.front_end {
            front_end.apply(lanes, scratch, out);
        }
        lanes.next_block += 1;
    }

    /// [`Generator::start`] of one channel, compiled once: small code for microcontrollers.
    #[inline(never)]
    #[must_use]
    pub fn start_one(&self, channel: u32) -> Lanes<1> {
        self.start(channel)
    }

    /// [`Generator::fill`] of one channel, compiled once.
    #[inline(never)]
    pub fn fill_one(&self, lanes: &mut Lanes<1>, scratch: &mut Scratch<1>, out: &mut LaneBlock<1>) {
        self.fill(lanes, scratch, out);
    }
}
