//! Generated samples against tests/oracle/pink_v1.py, v2.py and v3.py: independent realisations in
//! double precision (own ChaCha8, real logarithms, no FFT, numpy's least squares), v3 also in 32-bit
//! floats where they decide when something happens.

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

/// What is compared with v3.py: a signal of some channels.
struct Compared {
    spec: SourceSpec,
    channels: u32,
    samples: usize,
}

impl Compared {
    fn of(signal: impl Into<Signal>, sample_rate_hz: f64, channels: u32, samples: usize) -> Self {
        let spec = SourceSpec::new(GeneratorVersion::V3, signal.into(), sample_rate_hz, 11);
        Self { spec, channels, samples }
    }

    fn json(&self) -> Value {
        serde_json::json!({
            "signal": self.spec.signal, "sample_rate_hz": self.spec.sample_rate_hz,
            "seed": self.spec.seed, "channels": self.channels, "samples": self.samples,
        })
    }
}

/// The samples of `cases` as tests/oracle/v3.py computes them from the description, row by row; none
/// where the oracle cannot run.
fn described(cases: &[Compared]) -> Option<Vec<Vec<f32>>> {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, out) = (folder.path().join("cases.json"), folder.path().join("out.f32"));
    let list: Vec<Value> = cases.iter().map(Compared::json).collect();
    std::fs::write(&index, Value::from(list).to_string()).expect("a file");
    let run = cortex_tests::oracle("v3.py", &[index.as_os_str(), out.as_os_str()])?;
    cortex_tests::stdout_of(&run, 0);
    let bytes = std::fs::read(out).expect("the oracle's samples");
    let mut all = bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word));
    let sizes = cases.iter().map(|case| case.channels as usize * case.samples);
    let found: Vec<Vec<f32>> = sizes.map(|size| all.by_ref().take(size).collect()).collect();
    assert_eq!(all.next(), None);
    Some(found)
}

/// Compares `case` with `expected`; returns the worst difference in µV, how many samples are not the
/// same to the bit, and all samples.
fn differences(case: &Compared, expected: &[f32]) -> (f64, usize, usize) {
    let (mut worst, mut unequal) = (0.0_f64, 0);
    let channels = case.channels as usize;
    assert_eq!(expected.len(), channels * case.samples);
    for channel in 0..case.channels {
        let got = generate(&case.spec, channel, case.samples);
        let expected = expected.iter().skip(channel as usize).step_by(channels);
        for (got, want) in got.iter().zip(expected) {
            assert_eq!(got.is_nan(), want.is_nan(), "{:?}", case.spec);
            if !got.is_nan() {
                worst = worst.max((f64::from(*got) - f64::from(*want)).abs());
            }
            unequal += usize::from(got.to_bits() != want.to_bits() && !got.is_nan());
        }
    }
    (worst, unequal, expected.len())
}

/// The golden datasets of v3's `spec.yaml`, whose digests pin its bytes, against the description.
/// Without a converter they agree to the rounding of sums: power-law noise within 1e-6 of its
/// standard deviation of 15 µV, as v2's is, then some 40 roundings of 2^-24 of sums of 20 µV, which add up
/// like a random walk: 3e-5 µV.
/// A converter makes a step of such a difference where a sample lies that near to the border between
/// two codes: less than one in two hundred for the finest steps (0.022 µV).
#[test]
fn v3_golden_datasets_match_the_independent_reference() {
    use cortex_host::generate::golden_datasets;
    use cortex_host::primitive::{Dataset, Library};

    let library = Library::new(None);
    let Ok(Dataset::Generator { primitive, spec }) =
        library.dataset("primitives/datasets/v3/synthetic")
    else {
        panic!("generator v3 is built in");
    };
    let golden = golden_datasets(&primitive, &spec, &library).expect("valid datasets");
    let cases: Vec<Compared> = golden
        .iter()
        .map(|golden| Compared {
            spec: golden.dataset.spec,
            channels: golden.dataset.channels as u32,
            samples: golden.dataset.samples as usize,
        })
        .collect();
    assert_eq!(cases.len(), 6);
    let Some(expected) = described(&cases) else { return };
    let mut rounding = 0.0_f64;
    for (case, expected) in cases.iter().zip(&expected) {
        let (worst, unequal, all) = differences(case, expected);
        let front_end = case.spec.signal.front_end(case.spec.seed);
        let step_uv = front_end.map(|front_end| front_end.converter().step_uv);
        println!("{unequal} of {all} samples differ, by {worst:.1e} µV at most; step {step_uv:?}");
        match step_uv {
            None => rounding = worse(rounding, worst),
            Some(step_uv) => {
                assert!(worst <= 1.001 * step_uv, "{worst}");
                assert!(unequal * 200 < all, "{unequal} of {all}");
            }
        }
    }
    assert_tight("worst difference in µV", rounding, 3e-5);
}

/// What v3 adds to noise, bit for bit: spikes without noise, with bursts, drift and several units an
/// electrode; artefacts, envelopes and responses over a background of nothing (1e-6 µV).
#[test]
fn v3_events_match_the_independent_reference_bit_for_bit() {
    use cortex_core::signal::eeg::{EegParams, ParadigmName};
    use cortex_core::signal::spikes::SpikeParams;

    let spikes = SpikeParams {
        units_per_electrode: 3,
        firing_rate_hz: 60.0,
        burst_probability: 0.3,
        columns: 3,
        drift_um: 15.0,
        drift_period_s: 1.0,
        noise_uv_rms: 0.0,
        bad_channel_rate: 0.2,
        ..SpikeParams::default()
    };
    let quiet = EegParams {
        background_uv_rms: 1e-6,
        mu_uv_rms: 0.0,
        beta_uv_rms: 0.0,
        alpha_uv_rms: 0.0,
        ..EegParams::default()
    };
    let artefacts = EegParams {
        paradigm: ParadigmName::P300,
        trial_s: Some(0.3),
        target_probability: 0.5,
        blinks_per_min: 30.0,
        emg_per_min: 20.0,
        ecg_per_min: 70.0,
        pops_per_min: 30.0,
        pop_decay_s: 0.05,
        wander_uv: 20.0,
        mains_uv: 5.0,
        mains_wander_hz: 0.3,
        ..quiet
    };
    let imagery = EegParams {
        paradigm: ParadigmName::MotorImagery,
        cue_s: 0.5,
        task_s: 1.0,
        trial_s: Some(3.0),
        mu_uv_rms: 8.0,
        ..quiet
    };
    let flicker = EegParams { paradigm: ParadigmName::Ssvep, task_s: 1.0, ..quiet };
    let cases = [
        Compared::of(spikes, 30_000.0, 7, 30_000),
        Compared::of(artefacts, 250.0, 21, 5_000),
        Compared::of(imagery, 250.0, 12, 3_000),
        Compared::of(flicker, 500.0, 21, 6_000),
    ];
    let Some(expected) = described(&cases) else { return };
    for (number, (case, expected)) in cases.iter().zip(&expected).enumerate() {
        let (worst, unequal, all) = differences(case, expected);
        println!("{unequal} of {all} samples differ, by {worst:.1e} µV at most");
        if number == 0 {
            assert_eq!(unequal, 0, "spikes without noise are the same to the bit");
        }
        // A background of 1e-6 µV rounds with what lies on top: a unit in the last place of 100 µV.
        assert!(worst < 1e-5, "{worst:.1e}");
    }
}
