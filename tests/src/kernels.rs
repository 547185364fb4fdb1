//! Driving kernels the way the harness does, and measuring them against a reference.

use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};

/// All output values of `windows` windows over `input` (interleaved rows): the first call
/// brings `window` rows, each later one `hop`.
///
/// # Panics
/// The kernel cannot be built, the input is too short, or a call fails.
#[must_use]
pub fn run_windows(
    spec: &KernelSpec,
    shape: KernelShape,
    windows: usize,
    input: &[f32],
) -> Vec<f32> {
    run_kernel(&spec.build(shape).expect("the kernel can be built"), shape, windows, input)
}

/// [`run_windows`] of a kernel that was built.
///
/// # Panics
/// The input is too short, or a call fails.
#[must_use]
pub fn run_kernel(
    kernel: &impl Kernel,
    shape: KernelShape,
    windows: usize,
    input: &[f32],
) -> Vec<f32> {
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    let mut outputs = Vec::new();
    let mut rest = input;
    for index in 0..windows {
        let rows = if index == 0 { shape.window } else { shape.hop };
        let (hop, later) = rest.split_at(rows * shape.channels);
        rest = later;
        let mut output = vec![f32::NAN; kernel.output_len(rows)];
        let written = kernel.process(&mut state, hop, &mut output).expect("lengths are right");
        assert_eq!(written, output.len());
        outputs.extend(output);
    }
    outputs
}

/// The worst relative error of `outputs` against `expected`, both window after window.
///
/// Relative to what can be asked of single precision:
/// - streaming kernels: the RMS of the channel's reference over all rows (a sample near a zero
///   crossing has no relative error of its own);
/// - goertzel: each band power itself (a sum of squares never cancels);
/// - welch_psd, fft: the largest density or magnitude of the window and channel (a
///   transform's rounding error is the same in every bin, so a weak bin carries the error of the
///   strong ones, in NumPy's transform as well).
///
/// # Panics
/// The lengths differ.
#[must_use]
pub fn worst_error(
    name: KernelName,
    shape: KernelShape,
    windows: usize,
    outputs: &[f32],
    expected: &[f32],
) -> f64 {
    assert_eq!(outputs.len(), expected.len());
    let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let (outputs, expected) = (wide(outputs), wide(expected));
    let parts = if name == KernelName::Fft { 2 } else { 1 };
    let stride = shape.channels * parts;
    let span =
        if name.info().output.is_windowed() { expected.len() / windows } else { expected.len() };
    let mut worst = 0.0f64;
    for (outputs, expected) in outputs.chunks(span).zip(expected.chunks(span)) {
        for channel in 0..shape.channels {
            let lane = |values: &[f64]| -> Vec<[f64; 2]> {
                let rows = values.chunks(stride).map(|row| &row[channel * parts..][..parts]);
                rows.map(|part| [part[0], part.get(1).copied().unwrap_or(0.0)]).collect()
            };
            let (outputs, expected) = (lane(outputs), lane(expected));
            let size = |[re, im]: [f64; 2]| (re * re + im * im).sqrt();
            let errors =
                outputs.iter().zip(&expected).map(|(a, b)| size([a[0] - b[0], a[1] - b[1]]));
            let sizes = expected.iter().map(|&b| size(b));
            let scale = if name.info().output.is_windowed() {
                sizes.clone().fold(0.0, f64::max)
            } else {
                (sizes.clone().map(|b| b * b).sum::<f64>() / expected.len() as f64).sqrt()
            };
            for (error, size) in errors.zip(sizes) {
                let scale = if name == KernelName::Goertzel { size } else { scale };
                // A NaN is the worst error of all.
                let relative = if error == 0.0 { 0.0 } else { error / scale };
                worst = if relative <= worst { worst } else { relative };
            }
        }
    }
    if outputs.iter().all(|y| y.is_finite()) { worst } else { f64::INFINITY }
}
