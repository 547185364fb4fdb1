//! What a device computes: the seam between the protocol and the arithmetic.
//!
//! [`Engine`] is implemented by [`KernelEngine`] for the kernels of this crate, and by whoever
//! wants to benchmark kernels of their own on a board. All memory is the caller's.

use super::message::{Configure, Configured, ErrorCode, ErrorInfo};
use crate::digest::SampleDigest;
use crate::kernel::golden::fill_golden_rows;
use crate::kernel::{AnyKernel, Kernel, KernelName, KernelShape, KernelSpec};
use crate::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, LaneBlock, Lanes, Scratch, Signal, SourceSpec,
    SpecError, Sweep,
};

/// When one call of a kernel began and ended, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Read right before the call.
    pub start_ticks: u64,
    /// Read right after it.
    pub end_ticks: u64,
}

/// What the device session asks of the device's arithmetic.
pub trait Engine {
    /// Digest of what this version's generators produce: equal to the host's or seeded runs
    /// are refused. 0 when the device does not have the version. Asked once, when the session is
    /// built: it may use the memory of seeded mode.
    fn generator_digest(&mut self, version: GeneratorVersion) -> u32;

    /// Digest that tells the kernels of two builds apart.
    fn kernel_digest(&self) -> u32;

    /// Values (`f32`) there are for kernel state, input and output together.
    fn capacity_values(&self) -> usize;

    /// Builds a kernel, puts its state to the start and makes room for its largest block.
    ///
    /// # Errors
    /// What to tell the host, when the kernel is unknown or does not fit.
    fn configure(&mut self, configure: &Configure<'_>) -> Result<Configured, ErrorInfo>;

    /// Room for the values of one block: the session writes them here.
    fn input(&mut self) -> &mut [f32];

    /// Runs the kernel over the first `values` of the input, reading `clock` right before and
    /// right after.
    ///
    /// # Errors
    /// What to tell the host, when the kernel refuses.
    fn run(&mut self, values: usize, clock: &mut dyn FnMut() -> u64) -> Result<Run, ErrorInfo>;

    /// What the last run put out.
    fn output(&self) -> &[f32];

    /// Starts a generator of `channels` channels at sample 0 and the kernel's state anew.
    ///
    /// # Errors
    /// What to tell the host, when the device cannot.
    fn begin_seeded(&mut self, source: &SourceSpec, channels: u32) -> Result<(), ErrorInfo>;

    /// Fills the first `values` of the input with the generator's next rows.
    ///
    /// # Errors
    /// What to tell the host, when no generator was started.
    fn generate(&mut self, values: usize) -> Result<(), ErrorInfo>;
}

/// A borrowed engine is one too: the session stays small, and the engine, with a generator of
/// more than a kilobyte, never moves over a microcontroller's stack.
impl<E: Engine> Engine for &mut E {
    fn generator_digest(&mut self, version: GeneratorVersion) -> u32 {
        (**self).generator_digest(version)
    }

    fn kernel_digest(&self) -> u32 {
        (**self).kernel_digest()
    }

    fn capacity_values(&self) -> usize {
        (**self).capacity_values()
    }

    fn configure(&mut self, configure: &Configure<'_>) -> Result<Configured, ErrorInfo> {
        (**self).configure(configure)
    }

    fn input(&mut self) -> &mut [f32] {
        (**self).input()
    }

    fn run(&mut self, values: usize, clock: &mut dyn FnMut() -> u64) -> Result<Run, ErrorInfo> {
        (**self).run(values, clock)
    }

    fn output(&self) -> &[f32] {
        (**self).output()
    }

    fn begin_seeded(&mut self, source: &SourceSpec, channels: u32) -> Result<(), ErrorInfo> {
        (**self).begin_seeded(source, channels)
    }

    fn generate(&mut self, values: usize) -> Result<(), ErrorInfo> {
        (**self).generate(values)
    }
}

/// Builds a kernel from the bytes of [`Configure::kernel`].
pub type BuildKernel<K> = fn(&KernelShape, &[u8]) -> Result<K, ErrorInfo>;

/// The standard engine: one kernel, one generator, memory from the caller.
///
/// `F` holds `f32` values (kernel state, input, output and, in seeded mode, one tile of
/// [`BLOCK_SAMPLES`] rows); `L` one generator state per channel for seeded mode.
pub struct KernelEngine<K, F, L> {
    build: BuildKernel<K>,
    kernel_digest: u32,
    values: F,
    lanes: L,
    kernel: Option<K>,
    layout: Layout,
    generator: Generator,
    /// Whether `generator` is that of a seeded run.
    seeded: bool,
    scratch: Scratch<1>,
    /// Rows of the tile already taken.
    used_rows: usize,
}

/// Where things lie in the values: state | input | output | tile.
#[derive(Clone, Copy, Default)]
struct Layout {
    channels: usize,
    state: usize,
    input: usize,
    output: usize,
    written: usize,
}

impl<F, L> KernelEngine<AnyKernel, F, L>
where
    F: AsRef<[f32]> + AsMut<[f32]>,
    L: AsMut<[Option<Lanes<1>>]>,
{
    /// An engine for all kernels of this crate: what the firmware runs.
    #[must_use]
    pub fn standard(mut values: F, lanes: L) -> Self {
        let digest = kernel_digest(values.as_mut());
        Self::new(standard_kernel, digest, values, lanes)
    }
}

impl<K, F, L> KernelEngine<K, F, L>
where
    K: Kernel,
    F: AsRef<[f32]> + AsMut<[f32]>,
    L: AsMut<[Option<Lanes<1>>]>,
{
    /// An engine without a kernel yet. `build` makes kernels, `kernel_digest` identifies them.
    #[must_use]
    pub fn new(build: BuildKernel<K>, kernel_digest: u32, values: F, lanes: L) -> Self {
        Self {
            build,
            kernel_digest,
            values,
            lanes,
            kernel: None,
            layout: Layout::default(),
            generator: Generator::silence(),
            seeded: false,
            scratch: Scratch::new(),
            used_rows: 0,
        }
    }

    fn fill_tile(&mut self) -> Result<(), ErrorInfo> {
        let missing = ErrorInfo::new(ErrorCode::BadSource, 0, 0);
        let Self { values, lanes, layout, generator, scratch, used_rows, .. } = self;
        let at = layout.state + layout.input + layout.output;
        let Some(tile) = values.as_mut().get_mut(at..at + BLOCK_SAMPLES * layout.channels) else {
            return Err(missing);
        };
        let mut block = [[0.0f32; 1]; BLOCK_SAMPLES];
        for (channel, lane) in lanes.as_mut().iter_mut().take(layout.channels).enumerate() {
            let Some(lane) = lane else { return Err(missing) };
            fill_block(generator, lane, scratch, &mut block);
            for (row, [sample]) in tile.chunks_exact_mut(layout.channels).zip(&block) {
                if let Some(slot) = row.get_mut(channel) {
                    *slot = *sample;
                }
            }
        }
        *used_rows = 0;
        Ok(())
    }
}

impl<K, F, L> Engine for KernelEngine<K, F, L>
where
    K: Kernel,
    F: AsRef<[f32]> + AsMut<[f32]>,
    L: AsMut<[Option<Lanes<1>>]>,
{
    fn generator_digest(&mut self, version: GeneratorVersion) -> u32 {
        // In the engine's own memory: a microcontroller has no second place for a generator.
        self.seeded = false;
        digest_within(version, &mut self.generator, &mut self.scratch)
    }

    fn kernel_digest(&self) -> u32 {
        self.kernel_digest
    }

    fn capacity_values(&self) -> usize {
        self.values.as_ref().len()
    }

    fn configure(&mut self, configure: &Configure<'_>) -> Result<Configured, ErrorInfo> {
        self.kernel = None;
        self.seeded = false;
        self.layout = Layout::default();
        let shape = KernelShape {
            channels: configure.channels as usize,
            window: configure.window as usize,
            hop: configure.hop as usize,
            sample_rate_hz: configure.sample_rate_hz,
        };
        let capacity = self.values.as_ref().len();
        let input = shape.channels.saturating_mul(shape.window);
        if input > capacity {
            return Err(too_large(input, capacity));
        }
        let kernel = (self.build)(&shape, configure.kernel)?;
        let state = kernel.state_len();
        let output = kernel.output_len(shape.window).max(kernel.output_len(shape.hop));
        let needed = state.saturating_add(input).saturating_add(output);
        if needed > capacity {
            return Err(too_large(needed, capacity));
        }
        if let Some(values) = self.values.as_mut().get_mut(..state) {
            kernel.reset(values);
        }
        self.layout = Layout { channels: shape.channels, state, input, output, written: 0 };
        self.kernel = Some(kernel);
        Ok(Configured {
            state_values: u32::try_from(state).unwrap_or(u32::MAX),
            output_values: u32::try_from(output).unwrap_or(u32::MAX),
        })
    }

    fn input(&mut self) -> &mut [f32] {
        let Layout { state, input, .. } = self.layout;
        self.values.as_mut().get_mut(state..state + input).unwrap_or(&mut [])
    }

    fn run(&mut self, values: usize, clock: &mut dyn FnMut() -> u64) -> Result<Run, ErrorInfo> {
        let Layout { state, input, output, .. } = self.layout;
        self.layout.written = 0;
        let missing = || ErrorInfo::new(ErrorCode::NotConfigured, 0, 0);
        let kernel = self.kernel.as_ref().ok_or_else(missing)?;
        let all = self.values.as_mut().get_mut(..state + input + output).ok_or_else(missing)?;
        let (state, rest) = all.split_at_mut(state);
        let (input, output) = rest.split_at_mut(input);
        let input = input.get(..values).ok_or_else(missing)?;
        let start_ticks = clock();
        let result = kernel.process(state, input, output);
        let end_ticks = clock();
        match result {
            Ok(written) => {
                self.layout.written = written;
                Ok(Run { start_ticks, end_ticks })
            }
            Err(fault) => {
                let code = match fault {
                    crate::kernel::KernelFault::InputLength => 1,
                    crate::kernel::KernelFault::OutputLength => 2,
                    crate::kernel::KernelFault::StateLength => 3,
                };
                Err(ErrorInfo::new(ErrorCode::KernelFault, code, 0))
            }
        }
    }

    fn output(&self) -> &[f32] {
        let Layout { state, input, written, .. } = self.layout;
        let start = state + input;
        self.values.as_ref().get(start..start + written).unwrap_or(&[])
    }

    fn begin_seeded(&mut self, source: &SourceSpec, channels: u32) -> Result<(), ErrorInfo> {
        self.seeded = false;
        let Layout { state, input, output, .. } = self.layout;
        let Some(kernel) = &self.kernel else {
            return Err(ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
        };
        let lanes = self.lanes.as_mut();
        let count = channels as usize;
        if count > lanes.len() {
            let limit = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
            return Err(ErrorInfo::new(ErrorCode::TooManyChannels, channels, limit));
        }
        let needed = (state + input + output).saturating_add(BLOCK_SAMPLES.saturating_mul(count));
        let capacity = self.values.as_ref().len();
        if needed > capacity {
            return Err(too_large(needed, capacity));
        }
        redesign(&mut self.generator, source)
            .map_err(|_| ErrorInfo::new(ErrorCode::BadSource, 0, 0))?;
        for (channel, lane) in (0..channels).zip(lanes.iter_mut()) {
            *lane = Some(start_channel(&self.generator, channel));
        }
        if let Some(values) = self.values.as_mut().get_mut(..state) {
            kernel.reset(values);
        }
        self.used_rows = BLOCK_SAMPLES;
        self.seeded = true;
        Ok(())
    }

    fn generate(&mut self, values: usize) -> Result<(), ErrorInfo> {
        let missing = || ErrorInfo::new(ErrorCode::BadSource, 0, 0);
        let Layout { channels, state, input, output, .. } = self.layout;
        let mut done = 0;
        while done < values {
            if !self.seeded {
                return Err(missing());
            }
            if self.used_rows == BLOCK_SAMPLES {
                self.fill_tile()?;
            }
            let left = (BLOCK_SAMPLES - self.used_rows) * channels;
            let count = left.min(values - done);
            let from = state + input + output + self.used_rows * channels;
            let all = self.values.as_mut();
            if channels == 0 || done + count > input || from + count > all.len() {
                return Err(missing());
            }
            // The tile lies behind the input. (`copy_within` would bring `memmove`: 1 KB of flash.)
            let (before, tile) = all.split_at_mut(from);
            if let (Some(input), Some(tile)) =
                (before.get_mut(state + done..state + done + count), tile.get(..count))
            {
                input.copy_from_slice(tile);
            }
            self.used_rows += count / channels;
            done += count;
        }
        Ok(())
    }
}

/// Digest of what this build's generators of one version produce: the first block of two
/// channels of every signal at fixed parameters. Two builds with the same digest generate the
/// same data. 0 when this build does not have the version.
#[must_use]
pub fn generator_digest(version: GeneratorVersion) -> u32 {
    digest_within(version, &mut Generator::silence(), &mut Scratch::new())
}

/// [`generator_digest`], working in memory of the caller's.
fn digest_within(
    version: GeneratorVersion,
    generator: &mut Generator,
    scratch: &mut Scratch<1>,
) -> u32 {
    if cfg!(not(feature = "v2")) && version == GeneratorVersion::V2 {
        return 0;
    }
    const AMPLITUDE_UV: f64 = 100.0;
    let sine = Signal::SineWave { frequency_hz: 10.0, amplitude_uv_peak: AMPLITUDE_UV };
    let (amplitude_uv_rms, low_corner_hz) = (AMPLITUDE_UV, 0.05);
    let v1 = [sine, Signal::PinkNoise { amplitude_uv_rms, low_corner_hz }];
    let v2 = [
        sine,
        Signal::PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent: 1.0 },
        Signal::WhiteNoise { amplitude_uv_rms },
        Signal::Chirp {
            start_hz: 1.0,
            end_hz: 40.0,
            sweep_s: 0.25,
            sweep: Sweep::Logarithmic,
            amplitude_uv_peak: AMPLITUDE_UV,
        },
    ];
    let signals: &[Signal] = match version {
        GeneratorVersion::V1 => &v1,
        GeneratorVersion::V2 => &v2,
    };
    let mut digest = SampleDigest::new();
    let mut block = [[0.0f32; 1]; BLOCK_SAMPLES];
    for &signal in signals {
        let spec = SourceSpec::new(version, signal, 160.0, 42);
        if redesign(generator, &spec).is_err() {
            return 0;
        }
        for channel in 0..2 {
            let mut lanes = start_channel(generator, channel);
            fill_block(generator, &mut lanes, scratch, &mut block);
            for [sample] in &block {
                digest.update(&[*sample]);
            }
        }
    }
    digest.finish()
}

/// Builds a kernel of this crate from the postcard bytes of its [`KernelSpec`].
///
/// # Errors
/// What to tell the host: unreadable bytes (a: 0) or wrong parameters (a: 1).
pub fn standard_kernel(shape: &KernelShape, spec: &[u8]) -> Result<AnyKernel, ErrorInfo> {
    let spec = postcard::from_bytes::<KernelSpec>(spec)
        .map_err(|_| ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0))?;
    // The host builds every kernel itself first: it has the sentence for a wrong parameter.
    spec.build(*shape).map_err(|_| ErrorInfo::new(ErrorCode::UnknownKernel, 1, 0))
}

/// Shape at which [`kernel_digest`] runs every kernel.
const DIGEST_SHAPE: KernelShape =
    KernelShape { channels: 1, window: 160, hop: 80, sample_rate_hz: 160.0 };

/// Digest of what this build's kernels put out: every kernel with default parameters over one
/// window of the golden input. Two builds with the same digest compute the same. `values` is
/// working memory; 0 ("not known") when it is too short.
#[must_use]
pub fn kernel_digest(values: &mut [f32]) -> u32 {
    let mut digest = SampleDigest::new();
    for name in KernelName::ALL {
        let Ok(kernel) = KernelSpec::with_defaults(name).build(DIGEST_SHAPE) else { return 0 };
        let (state, window) = (kernel.state_len(), DIGEST_SHAPE.window);
        if state + window + kernel.output_len(window) > values.len() {
            return 0;
        }
        let (state, rest) = values.split_at_mut(state);
        let (input, output) = rest.split_at_mut(window);
        kernel.reset(state);
        fill_golden_rows(0, 1, input);
        let Ok(written) = kernel.process(state, input, output) else { return 0 };
        digest.update(output.get(..written).unwrap_or(&[]));
    }
    digest.finish()
}

/// A kernel that needs more values than there are.
#[inline(never)]
fn too_large(needed: usize, capacity: usize) -> ErrorInfo {
    let narrow = |values: usize| u32::try_from(values).unwrap_or(u32::MAX);
    ErrorInfo::new(ErrorCode::TooLarge, narrow(needed), narrow(capacity))
        .with_text("needed, there: values of 4 bytes")
}

/// [`Generator::redesign`], not inlined: the stack that a design takes is free again when the
/// channels start.
#[inline(never)]
fn redesign(generator: &mut Generator, source: &SourceSpec) -> Result<(), SpecError> {
    generator.redesign(source)
}

/// One copy of the generators' code in an image: [`Generator::start`] is always inlined.
#[inline(never)]
fn start_channel(generator: &Generator, channel: u32) -> Lanes<1> {
    generator.start(channel)
}

/// The same of [`Generator::fill`].
#[inline(never)]
fn fill_block(
    generator: &Generator,
    lanes: &mut Lanes<1>,
    scratch: &mut Scratch<1>,
    block: &mut LaneBlock<1>,
) {
    generator.fill(lanes, scratch, block);
}
