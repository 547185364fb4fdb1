//! Generated samples against tests/oracle/pink_v1.py and v2.py: independent double-precision
//! realisations (own ChaCha8, real logarithms, no FFT, numpy's least squares).

use cortex_core::signal::{
    BLOCK_SAMPLES, Effects, Generator, GeneratorVersion, LineNoise, PinkNoise, Scratch, Signal,
    SourceSpec,
};
use cortex_tests::tolerance::{assert_tight, worse};
use serde_json::Value;

/// Rounding budget, as a fraction of the amplitude. Normals 4e-7, the FFT 12 roundings of 2^-24;
/// sections with states up to 300 times the output step (30 kHz: 1/sqrt(2e-5)) whose roundings
/// of 2^-24 add up like a random walk over 200 samples; sines 1.5e-7: below 1e-6 in all.
const TOLERANCE: f64 = 1e-6;

/// Samples of one channel.
fn generate(spec: &SourceSpec, channel: u32, samples: usize) -> Vec<f32> {
    let generator = Generator::new(spec).expect("valid parameters");
    let mut lanes = generator.start::<1>(channel);
    let (mut scratch, mut out) = (Scratch::new(), [[0.0; 1]; BLOCK_SAMPLES]);
    let mut all = Vec::new();
    while all.len() < samples {
        generator.fill(&mut lanes, &mut scratch, &mut out);
        all.extend(out.iter().map(|row| row[0]));
    }
    all.truncate(samples);
    all
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} in the golden file"))
}

/// Compares with the golden samples (null: NaN); returns the worst difference in µV.
fn worst_difference(spec: &SourceSpec, case: &Value) -> f64 {
    let expected = case["samples_uv"].as_array().expect("samples");
    assert!(expected.len() >= 200);
    let channel = case["channel"].as_u64().expect("channel") as u32;
    let mut worst = 0.0_f64;
    for (got, want) in generate(spec, channel, expected.len()).iter().zip(expected) {
        match want.as_f64() {
            Some(want) => worst = worst.max((f64::from(*got) - want).abs()),
            None => assert_eq!(got.to_bits(), 0x7fc0_0000, "a lost sample is the canonical NaN"),
        }
        assert_eq!(got.is_nan(), want.is_null());
    }
    println!("{:?}: worst difference {worst:.2e} µV", spec.signal);
    worst
}

#[test]
fn v1_pink_noise_matches_the_double_precision_reference() {
    let golden = include_str!("../../golden/signals/pink_v1.json");
    let cases: Vec<Value> = serde_json::from_str(golden).expect("golden file is JSON");
    assert_eq!(cases.len(), 3);
    let mut worst = 0.0_f64;
    for case in &cases {
        let signal = Signal::PinkNoise(PinkNoise {
            amplitude_uv_rms: number(case, "amplitude_uv_rms"),
            low_corner_hz: number(case, "low_corner_hz"),
        });
        let seed = case["seed"].as_u64().expect("seed");
        let rate_hz = number(case, "sample_rate_hz");
        let spec = SourceSpec::new(GeneratorVersion::V1, signal, rate_hz, seed);
        worst = worse(worst, worst_difference(&spec, case));
    }
    assert_tight("worst difference in uV", worst, TOLERANCE * 100.0);
}

#[test]
fn v2_signals_and_effects_match_the_double_precision_reference() {
    let golden = include_str!("../../golden/signals/v2.json");
    let cases: Vec<Value> = serde_json::from_str(golden).expect("golden file is JSON");
    assert_eq!(cases.len(), 9);
    let mut worst = 0.0_f64;
    for case in &cases {
        let signal: Signal = serde_json::from_value(case["signal"].clone()).expect("a signal");
        let mut spec = SourceSpec::new(
            GeneratorVersion::V2,
            signal,
            number(case, "sample_rate_hz"),
            case["seed"].as_u64().expect("seed"),
        );
        if let Some(chain) = case.get("effects") {
            spec.effects = Effects {
                line_noise: Some(LineNoise {
                    frequency_hz: number(chain, "line_hz"),
                    amplitude_uv: number(chain, "line_uv"),
                }),
                dc_offset_uv: number(chain, "offset_uv"),
                saturation_level_uv: Some(number(chain, "limit_uv")),
                nan_rate: number(chain, "nan_rate"),
            };
        }
        worst = worse(worst, worst_difference(&spec, case));
    }
    assert_tight("worst difference in uV", worst, TOLERANCE * 100.0);
}
