//! The kernels in fixed point: against double precision, against a model in Python's integers, and at
//! the ends of their range.

use std::collections::BTreeMap;

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::golden::{GOLDEN_SHAPE, GOLDEN_WINDOWS, fill_golden_rows};
use cortex_core::kernel::{
    AnyForm, Band, FixedPoint, FixedType, GoertzelParams, Kernel, KernelError, KernelForm,
    KernelName, KernelShape, KernelSpec, NotchIirParams,
};
use cortex_tests::kernels::run_kernel;
use cortex_tests::{oracle, stdout_of};

use super::kernels_golden::spec;
use super::kernels_scipy::committed;

const TYPES: [FixedType; 2] = [FixedType::Q15, FixedType::Q31];

/// The golden input's largest sample there can be, in microvolts: 32 + 4 + 10, and a 32nd.
const LARGEST_UV: f64 = 46.031_25;

/// Steps that put the golden input at -6 dBFS.
fn at_half_scale(dtype: FixedType) -> FixedPoint {
    FixedPoint { dtype, scale_uv: 2.0 * LARGEST_UV / f64::from(dtype.limit()) }
}

/// The kernels with a fixed-point form: those whose spec.yaml has promises for both types.
fn kernels() -> impl Iterator<Item = KernelName> {
    KernelName::ALL.into_iter().filter(|&name| {
        let promised = spec(name).fixed_point.len();
        let fixed = Some(at_half_scale(FixedType::Q15));
        let form = KernelForm { spec: KernelSpec::with_defaults(name), fixed };
        let built = form.build(GOLDEN_SHAPE);
        let absent = matches!(built, Err(KernelError::NoFixedPoint { .. }));
        assert_eq!(promised, if absent { 0 } else { TYPES.len() }, "{name}");
        !absent
    })
}

fn build(spec: &KernelSpec, format: FixedPoint, shape: KernelShape) -> AnyForm {
    KernelForm { spec: spec.clone(), fixed: Some(format) }.build(shape).expect("it can be built")
}

/// The outputs in the kernel's unit.
fn outputs(
    spec: &KernelSpec,
    format: FixedPoint,
    shape: KernelShape,
    windows: usize,
    input: &[f32],
) -> Vec<f32> {
    let kernel = build(spec, format, shape);
    let mut steps = input.to_vec();
    assert_eq!(format.encode(&mut steps), 0);
    let mut outputs = run_kernel(&kernel, shape, windows, &steps);
    kernel.fixed_output().expect("fixed point").decode(&mut outputs);
    outputs
}

fn snr_db(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let signal = power(&mut expected.iter().map(|&x| f64::from(x)));
    let noise = power(&mut found.iter().zip(expected).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    10.0 * cortex_core::math::log10(signal / noise)
}

/// What every spec.yaml promises holds for every case of the goldens, which SciPy computed in double
/// precision from the samples as they were before they were rounded to steps.
#[test]
fn the_signal_to_noise_ratio_is_what_the_spec_promises() {
    let (cases, values) = committed();
    let mut least: BTreeMap<(KernelName, &str), f64> = BTreeMap::new();
    let known: Vec<KernelName> = kernels().collect();
    for case in cases.iter().filter(|case| known.contains(&case.spec.name())) {
        let rows = case.window + case.hop * (case.windows - 1);
        let mut input = vec![0.0; rows * case.channels];
        fill_golden_rows(0, case.channels, &mut input);
        let expected = &values[case.offset..][..case.values];
        for dtype in TYPES {
            let format = at_half_scale(dtype);
            let found = outputs(&case.spec, format, case.shape(), case.windows, &input);
            let snr = snr_db(&found, expected);
            let so_far = least.entry((case.spec.name(), dtype.as_str())).or_insert(snr);
            *so_far = so_far.min(snr);
        }
    }
    println!("{least:?}");
    for ((name, dtype), snr) in least {
        let promised = spec(name).fixed_point[dtype].snr_db;
        assert!(snr >= promised, "{name} {dtype}: {snr:.1} dB are less than {promised}");
        assert!(promised >= 40.0);
        // A promise far from the truth checks nothing.
        assert!(snr < promised + 6.0, "{name} {dtype}: promise {snr:.1} dB");
    }
}

/// The digests of spec.yaml, which the model gave: the same bits here, and (tests/emulated) on boards.
#[test]
fn golden_digests_of_fixed_point_are_what_the_kernels_give() {
    let mut wrong = Vec::new();
    let rows = GOLDEN_SHAPE.window + (GOLDEN_WINDOWS - 1) * GOLDEN_SHAPE.hop;
    for name in kernels() {
        for dtype in TYPES {
            let format = at_half_scale(dtype);
            let mut input = vec![0.0; rows * GOLDEN_SHAPE.channels];
            fill_golden_rows(0, GOLDEN_SHAPE.channels, &mut input);
            format.encode(&mut input);
            let kernel = build(&KernelSpec::with_defaults(name), format, GOLDEN_SHAPE);
            let mut digest = SampleDigest::new();
            digest.update(&run_kernel(&kernel, GOLDEN_SHAPE, GOLDEN_WINDOWS, &input));
            let digest = format!("{:08x}", digest.finish());
            if digest != spec(name).fixed_point[dtype.as_str()].crc32 {
                wrong.push(format!("{name} {}: {digest}", dtype.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "digests that differ from spec.yaml: {wrong:?}");
}

/// The model in Python's integers gives these digests now.
#[test]
fn the_integer_model_gives_the_digests_of_the_specs() {
    let Some(output) = oracle("fixed_point.py", &[]) else { return };
    let digests: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(&stdout_of(&output, 0)).expect("digests by kernel and type");
    assert_eq!(digests.len(), kernels().count());
    for name in kernels() {
        for (dtype, digest) in &digests[name.as_str()] {
            assert_eq!(digest, &spec(name).fixed_point[dtype].crc32, "{name} {dtype}");
        }
    }
}

/// Noise, and square waves of full scale at every kernel's worst frequency: no sum overflows (this
/// build checks each), outputs beyond the range are counted, and missing samples are.
#[test]
fn nothing_overflows_at_full_scale() {
    let shapes = [
        KernelShape { channels: 2, window: 64, hop: 64, sample_rate_hz: 160.0 },
        KernelShape { channels: 2, window: 160, hop: 160, sample_rate_hz: 160.0 },
        KernelShape { channels: 1, window: 1_000, hop: 1_000, sample_rate_hz: 1_000.0 },
        KernelShape { channels: 1, window: 4_096, hop: 4_096, sample_rate_hz: 4_096.0 },
    ];
    for (name, shape) in kernels().flat_map(|name| shapes.map(|shape| (name, shape))) {
        for dtype in TYPES {
            let (limit, missing) = (dtype.limit(), dtype.missing());
            let kernel = build(&KernelSpec::with_defaults(name), at_half_scale(dtype), shape);
            let mut state = vec![0.0; kernel.state_len()];
            for half_period in [0, 1, 2, 3, 5, 8, 10, 20, 64] {
                let mut word = 1_u32;
                let mut step = |at: usize| {
                    word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    match half_period {
                        0 if word < 1 << 26 => missing,
                        0 => (word as i32).clamp(-limit, limit),
                        _ if (at / shape.channels / half_period).is_multiple_of(2) => limit,
                        _ => -limit,
                    }
                };
                kernel.reset(&mut state);
                let mut output = vec![0.0; kernel.output_len(shape.window)];
                let mut missed = 0;
                for window in 0..3 {
                    let values = shape.window * shape.channels;
                    let input: Vec<f32> = (0..values)
                        .map(|at| step(window * values + at))
                        .inspect(|&step| missed += u32::from(step == missing))
                        .map(|step| f32::from_bits(step as u32))
                        .collect();
                    kernel.process(&mut state, &input, &mut output).expect("lengths are right");
                }
                let expected = if name == KernelName::Noop { 0 } else { missed };
                assert_eq!(kernel.missing_samples(&state), expected, "{name} {dtype:?}");
            }
        }
    }
}

/// A sample beyond the range becomes its end and is counted, one that is missing is told apart, and
/// the rest is rounded to the nearest step, ties to even.
#[test]
fn samples_are_rounded_and_saturated_and_come_back() {
    let format = FixedPoint { dtype: FixedType::Q15, scale_uv: 0.5 };
    let mut values = [0.25, 0.75, -0.25, -0.75, 16_383.5, 16_384.0, -1e6, f32::NAN, 1e13];
    assert_eq!(format.encode(&mut values), 2);
    let steps = values.map(|value| value.to_bits() as i32);
    assert_eq!(steps, [0, 2, 0, -2, 32_767, 32_767, -32_767, -32_768, -32_768]);
    format.decode(&mut values);
    assert_eq!(values[..7], [0.0, 1.0, 0.0, -1.0, 16_383.5, 16_383.5, -16_383.5]);
    assert!(values[7].is_nan() && values[8].is_nan());

    let car = build(
        &KernelSpec::with_defaults(KernelName::Car),
        format,
        KernelShape { channels: 3, window: 1, hop: 1, sample_rate_hz: 160.0 },
    );
    let mut state = vec![0.0; car.state_len()];
    car.reset(&mut state);
    let row = [32_767, -32_767, -32_768].map(|step: i32| f32::from_bits(step as u32));
    let mut output = [0.0; 3];
    car.process(&mut state, &row, &mut output).expect("one row");
    assert_eq!(output.map(|y| y.to_bits() as i32), [32_767, -32_767, -32_768]);
    let row = [32_767, -32_767, -32_767].map(|step: i32| f32::from_bits(step as u32));
    car.process(&mut state, &row, &mut output).expect("one row");
    assert_eq!(output.map(|y| y.to_bits() as i32), [32_767, -21_845, -21_845]);
    assert_eq!((car.missing_samples(&state), car.saturated_samples(&state)), (1, 1));
}

/// What integers of the size cannot hold is refused by the parameter's name.
#[test]
fn parameters_beyond_the_integers_are_refused() {
    let shape = KernelShape { channels: 1, window: 160, hop: 80, sample_rate_hz: 160.0 };
    let fixed = Some(at_half_scale(FixedType::Q15));
    let refusal = |spec, shape| KernelForm { spec, fixed }.build(shape).expect_err("refused");
    let sharp = KernelSpec::NotchIir(NotchIirParams { f0_hz: 60.0, q: 1e6 });
    assert!(matches!(refusal(sharp, shape), KernelError::FixedPointRange { parameter: "q", .. }));
    let long = KernelShape { window: 1 << 20, hop: 1 << 20, ..shape };
    let slow = GoertzelParams { bands: [Band { low_hz: 0.0, high_hz: 3.0 }].into_iter().collect() };
    let error = refusal(KernelSpec::Goertzel(slow), long);
    assert!(matches!(error, KernelError::FixedPointRange { parameter: "window", .. }));
    let nothing = FixedPoint { dtype: FixedType::Q15, scale_uv: 0.0 };
    let spec = KernelSpec::with_defaults(KernelName::Car);
    let error = KernelForm { spec, fixed: Some(nothing) }.build(shape).expect_err("refused");
    assert_eq!(error.parameter(), "scale_uv");
}
