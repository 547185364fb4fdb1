//! Kernels by name, on samples in memory.

use cortex_core::kernel::{
    AnyForm, FixedOutput, FixedPoint, Info, Kernel as _, KernelForm, KernelShape,
};

use super::value::{Value, put};
use crate::base::{ExitCode, Failure, Progress};
use crate::config::{self, Entry, Node};
use crate::harness::VectorKernel;
use crate::plan::{DEFAULT_WINDOW, named_fixed_point, named_kernel};
use crate::platform::aligned::AlignedSamples;
use crate::platform::simd::SimdPath;
use crate::run::output_sizes;

/// Values of the rows between two looks at whether a call was cancelled, about.
const PIECE_VALUES: usize = 1 << 16;

/// The kernel of this name: `bandpass_fir`, `welch_psd`, ...
///
/// ```
/// let mut kernel = cortex_host::kernel("car").channels(2).sample_rate_hz(160.0).build()?;
/// assert_eq!(kernel.process(&[1.0, 3.0, 10.0, 20.0])?, [-1.0, 1.0, -5.0, 5.0]);
///
/// // In fixed point, on samples of 16 bits: steps of 0.5 uV.
/// let fixed = cortex_host::kernel("car").dtype("q15").scale_uv(0.5);
/// let mut fixed = fixed.channels(2).sample_rate_hz(160.0).build()?;
/// assert_eq!(fixed.process(&[1.0, 3.0, 10.2, 20.0])?, [-1.0, 1.0, -5.0, 5.0]);
/// fixed.process(&[1e6, 0.0])?;
/// assert_eq!(fixed.saturated_samples(), 1);
/// # Ok::<(), cortex_host::Error>(())
/// ```
#[must_use]
pub fn kernel(name: &str) -> KernelBuilder {
    KernelBuilder {
        name: name.to_owned(),
        channels: None,
        sample_rate_hz: None,
        window: None,
        hop: None,
        dtype: None,
        scale_uv: None,
        params: Vec::new(),
    }
}

/// What is wanted of a kernel; made by [`kernel`].
#[derive(Clone, Debug)]
pub struct KernelBuilder {
    name: String,
    channels: Option<usize>,
    sample_rate_hz: Option<f64>,
    window: Option<usize>,
    hop: Option<usize>,
    dtype: Option<String>,
    scale_uv: Option<f64>,
    params: Vec<Entry>,
}

impl KernelBuilder {
    /// Number of channels.
    #[must_use]
    pub fn channels(mut self, channels: usize) -> Self {
        self.channels = Some(channels);
        self
    }

    /// Sample rate in Hz.
    #[must_use]
    pub fn sample_rate_hz(mut self, sample_rate_hz: f64) -> Self {
        self.sample_rate_hz = Some(sample_rate_hz);
        self
    }

    /// Window length in samples. Default: 160.
    #[must_use]
    pub fn window(mut self, window: usize) -> Self {
        self.window = Some(window);
        self
    }

    /// New samples per window after the first. Default: half the window.
    #[must_use]
    pub fn hop(mut self, hop: usize) -> Self {
        self.hop = Some(hop);
        self
    }

    /// Type of the samples that the kernel computes on: `f32`, `q15` or `q31`. Fixed point needs
    /// [`KernelBuilder::scale_uv`], too. Default: `f32`.
    #[must_use]
    pub fn dtype(mut self, dtype: &str) -> Self {
        self.dtype = Some(dtype.to_owned());
        self
    }

    /// Microvolts per step of `q15` and `q31` samples, above 0.
    #[must_use]
    pub fn scale_uv(mut self, scale_uv: f64) -> Self {
        self.scale_uv = Some(scale_uv);
        self
    }

    /// A parameter by its name in configurations. The last value given counts.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        put(&mut self.params, name, value.into());
        self
    }

    /// Checks everything and designs the kernel.
    ///
    /// # Errors
    /// A sentence that names the kernel or the parameter that is missing, unknown or out of its
    /// range.
    pub fn build(self) -> Result<StreamingKernel, Failure> {
        let missing = |what: &str, give: &str| {
            Failure::usage(format!("{}: {what} is missing; give {give}", self.name))
        };
        let channels =
            self.channels.ok_or_else(|| missing("channels", "the number of channels"))?;
        let sample_rate_hz = self
            .sample_rate_hz
            .ok_or_else(|| missing("sample_rate_hz", "the sample rate in Hz"))?;
        let window = self.window.unwrap_or(DEFAULT_WINDOW as usize);
        let hop = self.hop.unwrap_or(window.div_ceil(2));
        let given = !self.params.is_empty();
        let params = given.then(|| Node::plain(config::Value::Mapping(self.params)));
        let spec = named_kernel(&self.name, params.as_ref(), &self.name)
            .map_err(|problem| problem.in_source("kernel"))?;
        let fixed = named_fixed_point(self.dtype.as_deref(), self.scale_uv)
            .map_err(|problem| problem.in_source("kernel"))?;
        let shape = KernelShape { channels, window, hop, sample_rate_hz };
        let form = KernelForm { spec, fixed };
        let built = form
            .build(shape)
            .map_err(|error| Failure::usage(format!("kernel: {}: {error}", self.name)))?;
        let fixed = built.fixed_point().zip(built.fixed_output());
        let kernel = VectorKernel::new(built, SimdPath::best());
        let mut state = AlignedSamples::zeros(kernel.state_len());
        kernel.reset(&mut state);
        let info = *form.spec.name().info();
        let steps = Vec::new();
        let progress = Progress::new();
        Ok(StreamingKernel { kernel, state, shape, info, fixed, steps, saturated: 0, progress })
    }
}

/// A kernel with its state, which takes any number of samples at a time; made by [`kernel`].
#[derive(Debug)]
pub struct StreamingKernel {
    kernel: VectorKernel<AnyForm>,
    state: AlignedSamples,
    shape: KernelShape,
    info: Info<'static>,
    /// Of a kernel in fixed point: what it takes and what it puts out.
    fixed: Option<(FixedPoint, FixedOutput)>,
    /// The samples of one call as it takes them.
    steps: Vec<f32>,
    /// Samples that did not fit their type.
    saturated: u32,
    progress: Progress,
}

/// What a kernel returned for every window of a dataset.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Windows {
    /// The values, window after window.
    pub values: Vec<f32>,
    /// Number of windows.
    pub count: usize,
}

impl StreamingKernel {
    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shape.channels
    }

    /// Whether one call gives one result, of the last `window` samples; else it gives an output row
    /// per input row.
    #[must_use]
    pub fn is_windowed(&self) -> bool {
        self.info.output.is_windowed()
    }

    /// Sizes of one entry of the output, the last one varying fastest: of a row, `[channels]`, or of
    /// a window's result, such as `[bins, channels]`.
    #[must_use]
    pub fn output_sizes(&self) -> Vec<u64> {
        let values = self.kernel.output_len(self.shape.window);
        output_sizes(self.info.output, values, self.shape.channels)
    }

    /// Unit of the output values.
    #[must_use]
    pub fn output_unit(&self) -> &'static str {
        self.info.output.unit()
    }

    /// Lets `progress` end calls that take long from another thread. The state then is that after
    /// some of the rows: begin again with [`StreamingKernel::reset`].
    pub fn cancelled_by(&mut self, progress: &Progress) {
        self.progress = progress.clone();
    }

    /// Begins again: the state before the first sample.
    pub fn reset(&mut self) {
        self.kernel.reset(&mut self.state);
        self.saturated = 0;
    }

    /// Missing samples (NaN, infinite, beyond 1e12 µV) since the last reset.
    #[must_use]
    pub fn missing_samples(&self) -> u32 {
        self.kernel.missing_samples(&self.state)
    }

    /// Samples and outputs of a kernel in fixed point that lay beyond the range and were set to its end,
    /// since the last reset; 0 in single precision.
    #[must_use]
    pub fn saturated_samples(&self) -> u32 {
        self.saturated.saturating_add(self.kernel.saturated_samples(&self.state))
    }

    /// Takes the next rows, interleaved microvolts, and returns the output: a row for each of them,
    /// or one result of the last `window` samples.
    ///
    /// # Errors
    /// `rows` is no whole number of rows, or none where the output is a result; the call was
    /// cancelled.
    pub fn process(&mut self, rows: &[f32]) -> Result<Vec<f32>, Failure> {
        let count = self.whole_rows(rows)?;
        if self.is_windowed() {
            if count == 0 {
                let name = self.info.name;
                return Err(Failure::usage(format!(
                    "{name}: no rows; a result needs at least one"
                )));
            }
            let mut output = vec![0.0; self.kernel.output_len(count)];
            self.call(rows, &mut output)?;
            return Ok(output);
        }
        let mut output = vec![0.0; rows.len()];
        let piece = PIECE_VALUES.div_ceil(self.shape.channels) * self.shape.channels;
        for (rows, output) in rows.chunks(piece).zip(output.chunks_mut(piece)) {
            self.call(rows, output)?;
        }
        Ok(output)
    }

    /// What a run makes of `samples`: from fresh state, `window` rows first and `hop` rows from then
    /// on, as long as there are enough. The state is then that after the last window.
    ///
    /// # Errors
    /// `samples` is no whole number of rows, or the call was cancelled.
    pub fn windows(&mut self, samples: &[f32]) -> Result<Windows, Failure> {
        let rows = self.whole_rows(samples)?;
        let KernelShape { window, hop, channels, .. } = self.shape;
        self.reset();
        let count = rows.checked_sub(window).map_or(0, |more| more / hop + 1);
        let (first, next) = (self.kernel.output_len(window), self.kernel.output_len(hop));
        let mut values = vec![0.0; if count == 0 { 0 } else { first + (count - 1) * next }];
        let (mut read, mut written) = (0, 0);
        for index in 0..count {
            let (rows, out) = if index == 0 { (window, first) } else { (hop, next) };
            let input = &samples[read * channels..][..rows * channels];
            self.call(input, &mut values[written..][..out])?;
            read += rows;
            written += out;
        }
        Ok(Windows { values, count })
    }

    fn whole_rows(&self, values: &[f32]) -> Result<usize, Failure> {
        let channels = self.shape.channels;
        if !values.len().is_multiple_of(channels) {
            return Err(Failure::usage(format!(
                "{}: {} values are no whole number of rows of {channels} channels",
                self.info.name,
                values.len()
            )));
        }
        Ok(values.len() / channels)
    }

    fn call(&mut self, rows: &[f32], output: &mut [f32]) -> Result<(), Failure> {
        if self.progress.is_cancelled() {
            return Err(Failure::new(ExitCode::Interrupted, "interrupted"));
        }
        let mut input = rows;
        if let Some((format, _)) = self.fixed {
            self.steps.clear();
            self.steps.extend_from_slice(rows);
            self.saturated = self.saturated.saturating_add(format.encode(&mut self.steps));
            input = &self.steps;
        }
        let written = self
            .kernel
            .process(&mut self.state, input, output)
            .map_err(|fault| Failure::usage(format!("{}: {fault}", self.info.name)))?;
        if let Some((_, form)) = self.fixed {
            form.decode(&mut output[..written]);
        }
        Ok(())
    }
}
