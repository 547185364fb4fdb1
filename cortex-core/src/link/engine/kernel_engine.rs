//! The standard engine: the kernels and generators of this crate, in memory of the caller's.

use super::identity::digest_within;
use super::{Engine, Run, kernel_digest};
use crate::kernel::{
    AnyForm, AnyKernel, FixedPoint, FixedType, Kernel, KernelForm, KernelShape, Q15Kernel,
};
use crate::link::message::{Configure, Configured, ErrorCode, ErrorInfo};
use crate::random::SquareRoots;
use crate::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, Lanes, Scratch, SignalMemory, SourceSpec, SpecError,
};

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
    layout: MemoryLayout,
    generator: Generator,
    /// Whether `generator` is that of a seeded run.
    seeded: bool,
    scratch: Scratch<1>,
    /// Rows of the tile already taken.
    used_rows: usize,
}

/// Where things lie in the values: state | input | output | tile.
#[derive(Clone, Copy, Default)]
struct MemoryLayout {
    channels: usize,
    state: usize,
    input: usize,
    output: usize,
    written: usize,
}

impl<F, L> KernelEngine<AnyForm, F, L>
where
    F: AsRef<[f32]> + AsMut<[f32]>,
    L: AsMut<[Option<Lanes<1>>]>,
{
    /// An engine for all kernels of this crate, in all their forms: what the firmware runs.
    #[must_use]
    pub fn standard(mut values: F, lanes: L) -> Self {
        let digest = kernel_digest(values.as_mut());
        Self::new(standard_kernel, digest, values, lanes)
    }
}

impl<F, L> KernelEngine<AnyKernel, F, L>
where
    F: AsRef<[f32]> + AsMut<[f32]>,
    L: AsMut<[Option<Lanes<1>>]>,
{
    /// An engine for the kernels in single precision alone, for flash that does not hold both forms.
    #[must_use]
    pub fn single_precision(mut values: F, lanes: L) -> Self {
        let digest = kernel_digest(values.as_mut());
        Self::new(single_kernel, digest, values, lanes)
    }
}

impl<F, L> KernelEngine<Q15Kernel, F, L>
where
    F: AsRef<[f32]> + AsMut<[f32]>,
    L: AsMut<[Option<Lanes<1>>]>,
{
    /// An engine for the kernels in q15 alone. It has no [`kernel_digest`], which is one of kernels in
    /// single precision.
    #[must_use]
    pub fn q15(values: F, lanes: L) -> Self {
        Self::new(q15_kernel, 0, values, lanes)
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
            layout: MemoryLayout::default(),
            generator: Generator::silence(),
            seeded: false,
            scratch: Scratch::new(),
            used_rows: 0,
        }
    }

    /// Generators take square roots by `roots` from now on.
    pub fn set_square_roots(&mut self, roots: SquareRoots) {
        self.scratch.set_square_roots(roots);
    }

    /// Gives v3's signals memory where there is no heap: without it the engine does not have them.
    pub fn set_signal_memory(&mut self, memory: &'static mut SignalMemory) {
        self.scratch.set_memory(memory);
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
            generator.fill_one(lane, scratch, &mut block);
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
        self.layout = MemoryLayout::default();
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
        self.layout = MemoryLayout { channels: shape.channels, state, input, output, written: 0 };
        self.kernel = Some(kernel);
        Ok(Configured {
            state_values: u32::try_from(state).unwrap_or(u32::MAX),
            output_values: u32::try_from(output).unwrap_or(u32::MAX),
        })
    }

    fn input(&mut self) -> &mut [f32] {
        let MemoryLayout { state, input, .. } = self.layout;
        self.values.as_mut().get_mut(state..state + input).unwrap_or(&mut [])
    }

    fn run(&mut self, values: usize, clock: &mut dyn FnMut() -> u64) -> Result<Run, ErrorInfo> {
        let MemoryLayout { state, input, output, .. } = self.layout;
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
                let status = kernel.reported_status(state) as u32;
                Err(ErrorInfo::new(ErrorCode::KernelFault, fault as u32, status))
            }
        }
    }

    fn output(&self) -> &[f32] {
        let MemoryLayout { state, input, written, .. } = self.layout;
        let start = state + input;
        self.values.as_ref().get(start..start + written).unwrap_or(&[])
    }

    fn begin_seeded(&mut self, source: &SourceSpec, channels: u32) -> Result<(), ErrorInfo> {
        self.seeded = false;
        let MemoryLayout { state, input, output, .. } = self.layout;
        let Some(kernel) = &self.kernel else {
            return Err(ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
        };
        let lanes = self.lanes.as_mut();
        let count = channels as usize;
        let most = lanes.len().min(source.signal.most_channels());
        if count > most {
            let limit = u32::try_from(most).unwrap_or(u32::MAX);
            return Err(ErrorInfo::new(ErrorCode::TooManyChannels, channels, limit));
        }
        let needed = (state + input + output).saturating_add(BLOCK_SAMPLES.saturating_mul(count));
        let capacity = self.values.as_ref().len();
        if needed > capacity {
            return Err(too_large(needed, capacity));
        }
        self.generator.redesign(source).map_err(|error| bad_source(&error))?;
        for (channel, lane) in (0..channels).zip(lanes.iter_mut()) {
            *lane = Some(self.generator.start_one(channel));
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
        let MemoryLayout { channels, state, input, output, .. } = self.layout;
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
        if let (Some(format), Some(input)) = (
            self.kernel.as_ref().and_then(Kernel::fixed_point),
            self.values.as_mut().get_mut(state..state + values),
        ) {
            format.encode(input);
        }
        Ok(())
    }
}

/// Builds a kernel of this crate from the bytes of its [`KernelForm`].
///
/// # Errors
/// What to tell the host: unreadable bytes (a: 0) or wrong parameters (a: 1).
pub fn standard_kernel(shape: &KernelShape, bytes: &[u8]) -> Result<AnyForm, ErrorInfo> {
    // The host builds every kernel itself first: it has the sentence for a wrong parameter.
    read_form(bytes)?.build(*shape).map_err(|_| ErrorInfo::new(ErrorCode::UnknownKernel, 1, 0))
}

/// [`standard_kernel`] where only kernels in single precision are there.
///
/// # Errors
/// As [`standard_kernel`]; a kernel in fixed point is not there.
pub fn single_kernel(shape: &KernelShape, bytes: &[u8]) -> Result<AnyKernel, ErrorInfo> {
    match read_form(bytes)? {
        KernelForm { spec, fixed: None } => {
            spec.build(*shape).map_err(|_| ErrorInfo::new(ErrorCode::UnknownKernel, 1, 0))
        }
        _ => Err(ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0).with_text("only dtype f32")),
    }
}

/// [`standard_kernel`] where only kernels in q15 are there.
fn q15_kernel(shape: &KernelShape, bytes: &[u8]) -> Result<Q15Kernel, ErrorInfo> {
    match read_form(bytes)? {
        KernelForm { spec, fixed: Some(FixedPoint { dtype: FixedType::Q15, scale_uv }) } => {
            Q15Kernel::build(&spec, *shape, scale_uv)
                .map_err(|_| ErrorInfo::new(ErrorCode::UnknownKernel, 1, 0))
        }
        _ => Err(ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0).with_text("only dtype q15")),
    }
}

/// What is wrong with a signal. The host has checked it against all that any build can make: what
/// is left is a bound of this one, which only those of v3 have.
fn bad_source(error: &SpecError) -> ErrorInfo {
    let info = ErrorInfo::new(ErrorCode::BadSource, 0, 0);
    match error {
        SpecError::Parameter(error) if cfg!(feature = "v3") => info.with_text(error.parameter()),
        _ => info,
    }
}

fn read_form(bytes: &[u8]) -> Result<KernelForm, ErrorInfo> {
    KernelForm::read(bytes).ok_or_else(|| ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0))
}

/// A kernel that needs more values than there are.
#[inline(never)]
fn too_large(needed: usize, capacity: usize) -> ErrorInfo {
    let narrow = |values: usize| u32::try_from(values).unwrap_or(u32::MAX);
    ErrorInfo::new(ErrorCode::TooLarge, narrow(needed), narrow(capacity))
        .with_text("needed, there: values of 4 bytes")
}
