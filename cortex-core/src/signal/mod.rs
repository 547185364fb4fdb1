//! Generators: validated parameters → coefficients → blocks of samples.
//!
//! A [`Generator`] holds what is computed once (coefficients, in `&self`); [`Lanes`] holds the
//! state of N adjacent channels, one per vector lane. `N` is 1 on a microcontroller and 8 or
//! 16 on a desktop: the same source, the same order of operations, the same bits.

mod fft64;
mod pink_v1;
mod sine;
mod spec;

pub use pink_v1::PinkV1;
pub use sine::Sine;
pub use spec::{Effects, GeneratorVersion, LineNoise, Signal, SourceSpec, SpecError, Sweep};

use crate::random::WordBlock;

/// Samples per channel in one generated block: the unit of generation on every target.
pub const BLOCK_SAMPLES: usize = 64;

/// One block of N adjacent channels, in microvolts: row = sample, lane = channel.
pub type LaneBlock<const N: usize> = [[f32; N]; BLOCK_SAMPLES];

/// Samples of a channel's past that a generator may look back at.
pub(crate) const HISTORY_SAMPLES: usize = 32;

/// The most one-pole sections a generator has.
pub(crate) const MAX_POLES: usize = 16;

/// The state of N adjacent channels, at a block boundary.
#[derive(Clone, Debug)]
pub struct Lanes<const N: usize> {
    first_channel: u32,
    next_block: u64,
    /// The last white-noise samples, oldest first.
    history: [[f32; N]; HISTORY_SAMPLES],
    /// The one-pole sections.
    poles: [[f32; N]; MAX_POLES],
}

impl<const N: usize> Lanes<N> {
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
#[derive(Clone, Debug)]
pub struct Scratch<const N: usize> {
    words: WordBlock<N>,
    noise: [[f32; N]; HISTORY_SAMPLES + BLOCK_SAMPLES],
}

impl<const N: usize> Scratch<N> {
    /// Zeroed working memory.
    #[must_use]
    pub fn new() -> Self {
        Self { words: [[0; N]; BLOCK_SAMPLES], noise: [[0.0; N]; HISTORY_SAMPLES + BLOCK_SAMPLES] }
    }
}

impl<const N: usize> Default for Scratch<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// A generator's coefficients: immutable, shared by all channels and threads.
#[derive(Clone, Debug)]
pub struct Generator {
    form: Form,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is no allocator to box with")]
enum Form {
    Sine(Sine),
    PinkV1(PinkV1),
}

impl Generator {
    /// Validates `spec` and computes the coefficients.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter that cannot be generated and what is allowed.
    pub fn new(spec: &SourceSpec) -> Result<Self, SpecError> {
        spec::in_range("sample_rate_hz", spec.sample_rate_hz, 1e-3, 1e7)?;
        let form = match (spec.version, spec.signal) {
            (_, Signal::SineWave { frequency_hz, amplitude_uv_peak }) => {
                Form::Sine(Sine::new(spec.sample_rate_hz, frequency_hz, amplitude_uv_peak)?)
            }
            (GeneratorVersion::V1, Signal::PinkNoise { amplitude_uv_rms, low_corner_hz }) => {
                Form::PinkV1(PinkV1::new(
                    spec.sample_rate_hz,
                    spec.seed,
                    amplitude_uv_rms,
                    low_corner_hz,
                )?)
            }
            (version, _) => return Err(SpecError::UnknownSignal { version }),
        };
        Ok(Self { form })
    }

    /// The state of channels `first_channel .. first_channel + N` before sample 0.
    #[inline(always)]
    #[must_use]
    pub fn start<const N: usize>(&self, first_channel: u32) -> Lanes<N> {
        let mut lanes = Lanes {
            first_channel,
            next_block: 0,
            history: [[0.0; N]; HISTORY_SAMPLES],
            poles: [[0.0; N]; MAX_POLES],
        };
        if let Form::PinkV1(pink) = &self.form {
            pink.start(&mut lanes);
        }
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
        match &self.form {
            Form::Sine(sine) => sine.fill(lanes, out),
            Form::PinkV1(pink) => pink.fill(lanes, scratch, out),
        }
        lanes.next_block += 1;
    }
}
