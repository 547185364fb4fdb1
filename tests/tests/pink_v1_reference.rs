//! Pink noise v1 sample by sample against tests/oracle/pink_v1.py: an independent f64
//! realisation (own ChaCha8, real logarithms, no FFT, brute-force filter).

use cortex_core::signal::{
    BLOCK_SAMPLES, Effects, Generator, GeneratorVersion, Scratch, Signal, SourceSpec,
};
use serde_json::Value;

/// Rounding budget in µV at 100 µV RMS: normals 4e-7 relative, the FFT 12 roundings of 2^-24,
/// sections with states up to 300 times the output step (30 kHz: 1/sqrt(2e-5)) whose roundings
/// of 2^-24 add up like a random walk over 200 samples: below 1e-6 relative.
const TOLERANCE_UV: f64 = 1e-4;

#[test]
fn pink_v1_matches_the_double_precision_reference() {
    let golden = include_str!("../golden/signals/pink_v1.json");
    let cases: Vec<Value> = serde_json::from_str(golden).expect("golden file is JSON");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let number = |key: &str| case[key].as_f64().expect(key);
        let generator = Generator::new(&SourceSpec {
            version: GeneratorVersion::V1,
            signal: Signal::PinkNoise {
                amplitude_uv_rms: number("amplitude_uv_rms"),
                low_corner_hz: number("low_corner_hz"),
            },
            sample_rate_hz: number("sample_rate_hz"),
            seed: case["seed"].as_u64().expect("seed"),
            effects: Effects::NONE,
        })
        .expect("valid parameters");
        let channel = case["channel"].as_u64().expect("channel") as u32;
        let mut lanes = generator.start::<1>(channel);
        let (mut scratch, mut out) = (Scratch::new(), [[0.0; 1]; BLOCK_SAMPLES]);
        let mut worst = 0.0_f64;
        let expected = case["samples_uv"].as_array().expect("samples");
        assert_eq!(expected.len(), 200);
        for (n, sample) in expected.iter().enumerate() {
            if n % BLOCK_SAMPLES == 0 {
                generator.fill(&mut lanes, &mut scratch, &mut out);
            }
            let got = f64::from(out[n % BLOCK_SAMPLES][0]);
            worst = worst.max((got - sample.as_f64().expect("number")).abs());
        }
        println!("channel {channel}: worst difference {worst:.2e} µV");
        assert!(worst < TOLERANCE_UV, "channel {channel}: {worst} µV");
    }
}
