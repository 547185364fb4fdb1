//! Every kernel against SciPy and NumPy in double precision, at 160, 250 and 1000 Hz, fed hop by hop
//! with 50 % overlap, without overlap and with odd hops (tests/oracle/kernels.py made the goldens).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_tests::kernels::{run_windows, worst_error};
use cortex_tests::tolerance::{assert_tight, worse};
use cortex_tests::{checkout, oracle, stdout_of};
use serde::Deserialize;

/// The promise of every kernel's spec.yaml. See `worst_error` for what it is relative to.
const TOLERANCE: f64 = 1e-5;

/// What each kernel's own error analysis (in its module) expects over the golden cases. With
/// u = 2^-24: a few roundings of u (`car`, `fft`, `welch_psd`), the roundings of a recursion that
/// cancel all but a few u (`notch_iir`), u times the root of the number of taps or samples summed
/// (`bandpass_fir`, `goertzel`).
fn expected_error(name: KernelName) -> f64 {
    match name {
        KernelName::Noop => 0.0,
        KernelName::Car | KernelName::Fft => 5e-7,
        KernelName::WelchPsd | KernelName::NotchIir => 1e-6,
        KernelName::BandpassFir => 2e-6,
        KernelName::Goertzel => 4e-6,
    }
}

/// One case of kernels.json.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) spec: KernelSpec,
    sample_rate_hz: f64,
    pub(super) channels: usize,
    pub(super) window: usize,
    pub(super) hop: usize,
    pub(super) windows: usize,
    pub(super) offset: usize,
    pub(super) values: usize,
}

impl Case {
    pub(super) fn shape(&self) -> KernelShape {
        let Self { channels, window, hop, sample_rate_hz, .. } = *self;
        KernelShape { channels, window, hop, sample_rate_hz }
    }
}

fn read(folder: &Path) -> (Vec<Case>, Vec<f32>) {
    let index = fs::read_to_string(folder.join("kernels.json")).expect("the golden index is there");
    let bytes = fs::read(folder.join("kernels.f32")).expect("the golden values are there");
    let values = bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    (serde_json::from_str(&index).expect("the golden index is well formed"), values)
}

pub(super) fn committed() -> (Vec<Case>, Vec<f32>) {
    read(&checkout().join("tests/golden/kernels"))
}

#[test]
fn kernels_match_scipy() {
    let (cases, values) = committed();
    let mut seen = Vec::new();
    let mut worst_of = BTreeMap::new();
    for case in &cases {
        let shape = case.shape();
        let rows = case.window + case.hop * (case.windows - 1);
        let mut input = vec![0.0; rows * case.channels];
        fill_golden_rows(0, case.channels, &mut input);
        let outputs = run_windows(&case.spec, shape, case.windows, &input);
        let expected = &values[case.offset..][..case.values];
        let worst = worst_error(case.spec.name(), shape, case.windows, &outputs, expected);
        println!("{worst:.1e} {case:?}");
        assert!(worst <= TOLERANCE, "{worst:.1e} {case:?}");
        let worst_so_far: &mut f64 = worst_of.entry(case.spec.name()).or_default();
        *worst_so_far = worse(*worst_so_far, worst);
        seen.push((case.spec.name(), case.sample_rate_hz as u32));
    }
    for name in KernelName::ALL {
        match expected_error(name) {
            0.0 => assert_eq!(worst_of[&name], 0.0, "{name} copies"),
            expected => assert_tight(name, worst_of[&name], expected),
        }
        let rates: &[u32] = if name.as_str() == "noop" { &[160] } else { &[160, 250, 1_000] };
        assert!(rates.iter().all(|&rate| seen.contains(&(name, rate))), "{name} at every rate");
    }
}

/// The committed goldens are what SciPy gives now (its last bits may differ between versions).
#[test]
fn goldens_are_what_scipy_gives() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(output) = oracle("kernels.py", &[folder.path().as_os_str()]) else { return };
    stdout_of(&output, 0);
    let (old_cases, old_values) = committed();
    let (new_cases, new_values) = read(folder.path());
    assert_eq!(format!("{old_cases:?}"), format!("{new_cases:?}"));
    assert_eq!(old_values.len(), new_values.len());
    for case in &old_cases {
        let range = case.offset..case.offset + case.values;
        let (old, new) = (&old_values[range.clone()], &new_values[range]);
        let scale = old.iter().fold(0.0f32, |scale, x| scale.max(x.abs()));
        let worst = old.iter().zip(new).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
        assert!(worst <= 1e-6 * scale, "{case:?}: {worst} of {scale}");
    }
}

/// Electrodes have offsets of tens of millivolts, a thousand times the signal: the promise holds beside
/// them. Against the definitions in double precision, on 10 Hz and noise.
#[test]
fn electrode_offsets_cost_no_accuracy() {
    use core::f64::consts::PI;
    use cortex_core::kernel::{KernelName, golden::golden_sample};
    use cortex_core::math::{cos, sin};

    let shape = KernelShape { channels: 1, window: 256, hop: 256, sample_rate_hz: 256.0 };
    for offset in [1_500.0_f32, 14_000.0, -100_000.0] {
        let input: Vec<f32> = (0..2_048).map(|n| offset + golden_sample(n, 0)).collect();
        let exact: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();

        let spec = KernelSpec::with_defaults(KernelName::Goertzel);
        let powers = run_windows(&spec, shape, 8, &input);
        for (window, powers) in exact.chunks(256).zip(powers.chunks(2)) {
            let bin = |k: usize| {
                let angle = |n: usize| 2.0 * PI * (n * k % 256) as f64 / 256.0;
                let part = |f: fn(f64) -> f64| -> f64 {
                    window.iter().enumerate().map(|(n, x)| x * f(angle(n))).sum()
                };
                let (re, im) = (part(cos), part(sin));
                re * re + im * im
            };
            for (bins, &power) in [8..=13, 13..=30].into_iter().zip(powers) {
                let expected: f64 = bins.map(bin).sum();
                let error = (f64::from(power) / expected - 1.0).abs();
                assert!(error <= TOLERANCE, "goertzel at {offset} uV: {error:.1e}");
            }
        }

        let spec = KernelSpec::with_defaults(KernelName::BandpassFir);
        let outputs = run_windows(&spec, shape, 8, &input);
        let (low, high) = (8.0 / 128.0, 30.0 / 128.0);
        let ideal = |n: usize| {
            let m = n as f64 - 64.0;
            let sinc = |f: f64| if m == 0.0 { f } else { sin(PI * f * m) / (PI * m) };
            (sinc(high) - sinc(low)) * (0.54 - 0.46 * cos(2.0 * PI * n as f64 / 128.0))
        };
        let middle = |n: usize| cos(PI * (n as f64 - 64.0) * (low + high) / 2.0);
        let gain: f64 = (0..129).map(|n| ideal(n) * middle(n)).sum();
        let taps: Vec<f64> = (0..129).map(|n| ideal(n) / gain).collect();
        // The answer to the step at the start is as large as the offset: it is over after 129 samples.
        let expected: Vec<f64> = (129..2_048)
            .map(|t| taps.iter().enumerate().map(|(n, tap)| tap * exact[t - n]).sum())
            .collect();
        let square = |x: f64| x * x;
        let mean = expected.iter().sum::<f64>() / expected.len() as f64;
        let squares: f64 = expected.iter().map(|y| square(y - mean)).sum();
        let rms = cortex_core::math::sqrt(squares / expected.len() as f64);
        for (y, expected) in outputs[129..].iter().zip(&expected) {
            // An offset itself passes at -49 dB; its rounding to single precision is not the filter's.
            let error = (f64::from(*y) - expected).abs() - 6e-8 * expected.abs();
            assert!(error <= TOLERANCE * rms, "bandpass_fir at {offset} uV: {:.1e}", error / rms);
        }
    }
}
