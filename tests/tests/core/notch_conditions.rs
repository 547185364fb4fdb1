//! `notch_iir` keeps its promise of 1e-5 at the corners of the conditions in its spec.yaml, against
//! the direct form of the same filter in double precision.

use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_core::math;
use cortex_core::random::{StreamKey, normals};
use cortex_core::signal::BLOCK_SAMPLES;
use cortex_tests::kernels::{run_windows, worst_error};

const ROWS: usize = 8192;

/// White noise of RMS 100 and a line at `f0` (cycles per sample) of the same RMS.
fn noise_and_line(f0: f64) -> Vec<f32> {
    let key = StreamKey::new(3, "cortex/test/notch");
    let (mut words, mut noise) = ([[0; 1]; BLOCK_SAMPLES], [[0.0; 1]; BLOCK_SAMPLES]);
    let mut samples = Vec::new();
    for block in 0..ROWS.div_ceil(BLOCK_SAMPLES) as u64 {
        key.words(0, block, &mut words);
        normals(&words, &mut noise);
        for [e] in &noise {
            let phase = std::f64::consts::TAU * f0 * samples.len() as f64;
            samples
                .push((100.0 * f64::from(*e) + 100.0 * 2.0_f64.sqrt() * math::sin(phase)) as f32);
        }
    }
    samples.truncate(ROWS);
    samples
}

/// `scipy.signal.iirnotch` (Orfanidis 1996, section 11.3) as a direct form:
/// y = g (x − 2 cos(w) x1 + x2) + 2 g cos(w) y1 − (2 g − 1) y2, with g = 1 / (1 + tan(w / 2Q)).
fn direct_form(f0: f64, q: f64, input: &[f32]) -> Vec<f32> {
    let w = std::f64::consts::TAU * f0;
    let (half, cosine) = (w / (2.0 * q), math::cos(w));
    let gain = 1.0 / (1.0 + math::sin(half) / math::cos(half));
    let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
    let mut step = |sample: f64| {
        let feedback = 2.0 * gain * cosine * y[0] - (2.0 * gain - 1.0) * y[1];
        let out = gain * (sample - 2.0 * cosine * x[0] + x[1]) + feedback;
        (x, y) = ([sample, x[0]], [out, y[0]]);
        out
    };
    input.iter().map(|sample| step(f64::from(*sample)) as f32).collect()
}

fn error(f0: f64, q: f64) -> f64 {
    let shape = KernelShape { channels: 1, window: 256, hop: 256, sample_rate_hz: 1.0 };
    let params = serde_json::json!({ "notch_iir": { "f0_hz": f0, "q": q } });
    let spec: KernelSpec = serde_json::from_value(params).unwrap();
    let (input, windows) = (noise_and_line(f0), ROWS / shape.window);
    let outputs = run_windows(&spec, shape, windows, &input);
    worst_error(KernelName::NotchIir, shape, windows, &outputs, &direct_form(f0, q, &input))
}

#[test]
fn the_notch_keeps_its_promise_at_the_corners_of_its_conditions() {
    for (f0, q) in [
        (0.05, 1.0),
        (0.05, 30.0),
        (0.25, 1.0),
        (0.49, 1.0),
        (0.49, 30.0),
        (0.4999, 5.0),
        (0.4999, 30.0),
    ] {
        let error = error(f0, q);
        assert!(error <= 1e-5, "f0 {f0}, q {q}: {error:e}");
    }
    // Beyond them the promise does not hold, or the conditions would say too little.
    assert!(error(0.4999, 1.0) > 1e-5);
}
