//! What holds for every kernel whatever the shape and the data: splits, resets, bursts of missing
//! samples, wrong lengths.

use cortex_core::kernel::{
    AnyKernel, Band, Kernel, KernelFault, KernelName, KernelShape, KernelSpec,
};
use proptest::prelude::*;

fn any_name() -> impl Strategy<Value = KernelName> {
    proptest::sample::select(KernelName::ALL.to_vec())
}

/// Windows from 16 on, so that every default has bins to sum and segments to average.
fn any_shape() -> impl Strategy<Value = KernelShape> {
    (1usize..10, 16usize..90, prop_oneof![Just(160.0), Just(250.0), Just(1000.0)]).prop_map(
        |(channels, window, sample_rate_hz)| KernelShape {
            channels,
            window,
            hop: window.div_ceil(2),
            sample_rate_hz,
        },
    )
}

/// Mostly EEG-sized values, some missing, some extreme.
fn any_sample() -> impl Strategy<Value = f32> {
    prop_oneof![
        30 => -100.0f32..100.0,
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
        1 => Just(f32::NEG_INFINITY),
        1 => Just(f32::MAX),
        1 => -1e12f32..1e12,
        1 => Just(1e-42f32),
    ]
}

fn built(name: KernelName, shape: KernelShape) -> (AnyKernel, Vec<f32>) {
    let kernel = KernelSpec::with_defaults(name).build(shape).expect("defaults fit the shape");
    // Whatever was in the memory before must not matter.
    let mut state = vec![f32::NAN; kernel.state_len()];
    kernel.reset(&mut state);
    (kernel, state)
}

fn process(kernel: &AnyKernel, state: &mut [f32], input: &[f32], rows: usize) -> Vec<f32> {
    let mut output = vec![f32::NAN; kernel.output_len(rows)];
    let written = kernel.process(state, input, &mut output).expect("lengths are right");
    assert_eq!(written, output.len());
    output
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The kernel with `values` for its parameters, in the order they are declared.
fn with_values(name: KernelName, [a, b, c]: [f64; 3]) -> KernelSpec {
    let mut spec = KernelSpec::with_defaults(name);
    // Saturates: NaN becomes 0, infinity the largest count.
    let count = |value: f64| value as usize;
    match &mut spec {
        KernelSpec::Noop | KernelSpec::Car => {}
        KernelSpec::NotchIir(params) => (params.f0_hz, params.q) = (a, b),
        KernelSpec::BandpassFir(params) => {
            (params.low_hz, params.high_hz, params.taps) = (a, b, count(c));
        }
        KernelSpec::Goertzel(params) => {
            params.bands = [Band { low_hz: a, high_hz: b }].into_iter().collect();
        }
        KernelSpec::WelchPsd(params) => {
            (params.nperseg, params.noverlap, params.nfft) =
                (Some(count(a)), Some(count(b)), Some(count(c)));
        }
        KernelSpec::Fft(params) => params.nfft = Some(count(a)),
    }
    spec
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Streaming: all outputs are the same bits; windowed: the last result is, and the state.
    #[test]
    fn any_split_gives_the_same_bits(
        name in any_name(),
        shape in any_shape(),
        samples in proptest::collection::vec(any_sample(), 10..2_000),
        cuts in proptest::collection::vec(1usize..150, 1..20),
    ) {
        let rows = samples.len() / shape.channels;
        prop_assume!(rows > 0);
        let input = &samples[..rows * shape.channels];
        let (kernel, mut whole_state) = built(name, shape);
        let whole = process(&kernel, &mut whole_state, input, rows);
        let (_, mut state) = built(name, shape);
        let (mut parts, mut last) = (Vec::new(), Vec::new());
        let (mut rest, mut cuts) = (input, cuts.iter().cycle());
        while !rest.is_empty() {
            let rows = (*cuts.next().expect("endless")).min(rest.len() / shape.channels);
            let (part, later) = rest.split_at(rows * shape.channels);
            rest = later;
            last = process(&kernel, &mut state, part, rows);
            parts.extend_from_slice(&last);
        }
        let split = if name.is_windowed() { last } else { parts };
        prop_assert_eq!(bits(&split), bits(&whole));
        prop_assert_eq!(kernel.missing_samples(&state), kernel.missing_samples(&whole_state));
        let missing = input.iter().filter(|x| !x.is_finite() || x.abs() > 1e12).count();
        let counted = if name == KernelName::Noop { 0 } else { missing };
        prop_assert_eq!(kernel.missing_samples(&state) as usize, counted);
    }

    #[test]
    fn reset_gives_fresh_state(
        name in any_name(),
        shape in any_shape(),
        samples in proptest::collection::vec(any_sample(), 1_000),
    ) {
        let rows = samples.len() / shape.channels;
        let input = &samples[..rows * shape.channels];
        let (kernel, mut state) = built(name, shape);
        let fresh = bits(&state);
        let first = process(&kernel, &mut state, input, rows);
        kernel.reset(&mut state);
        prop_assert_eq!(bits(&state), fresh);
        let second = process(&kernel, &mut state, input, rows);
        prop_assert_eq!(bits(&first), bits(&second));
        let missing = input.iter().any(|x| !x.is_finite() || x.abs() > 1e12);
        prop_assert_eq!(kernel.missing_samples(&state) > 0, missing && name != KernelName::Noop);
    }

    /// A burst of garbage is over when the kernel's memory is: a window, the taps, or (notch) when
    /// the ringing has died; NaN appears nowhere but where `noop` and `car` pass it on.
    #[test]
    fn bursts_recover(
        name in any_name(),
        channels in 1usize..4,
        burst in proptest::collection::vec(
            prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::MAX), Just(-3e12f32)], 12),
    ) {
        let shape = KernelShape { channels, window: 160, hop: 80, sample_rate_hz: 160.0 };
        let clean: Vec<f32> = (0..2_000 * channels)
            .map(|n| cortex_core::kernel::golden::golden_sample((n / channels) as u32, (n % channels) as u32))
            .collect();
        let mut dirty = clean.clone();
        let rows = burst.len() / channels;
        dirty[100 * channels..][..rows * channels].copy_from_slice(&burst[..rows * channels]);
        let outputs = |input: &[f32]| {
            let (kernel, mut state) = built(name, shape);
            let hops = input.chunks(80 * channels);
            hops.map(|hop| process(&kernel, &mut state, hop, 80)).collect::<Vec<_>>()
        };
        let (clean, dirty) = (outputs(&clean), outputs(&dirty));
        let passes = matches!(name, KernelName::Noop | KernelName::Car);
        if !passes {
            prop_assert!(dirty.iter().flatten().all(|y| y.is_finite()));
        }
        // Rows 100..112 are dirty: hop 1. Twenty hops later even the notch's ringing is e^-60.
        for (a, b) in clean.iter().zip(&dirty).skip(22) {
            for (a, b) in a.iter().zip(b) {
                if name == KernelName::NotchIir {
                    prop_assert!((a - b).abs() < 1e-4);
                } else {
                    prop_assert_eq!(a.to_bits(), b.to_bits());
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_are_faults_and_change_nothing(
        name in any_name(),
        shape in any_shape(),
        rows in 1usize..40,
    ) {
        let (kernel, mut state) = built(name, shape);
        let input = vec![1.0; rows * shape.channels];
        process(&kernel, &mut state, &input, rows);
        let before = bits(&state);
        let mut output = vec![7.0; kernel.output_len(rows)];
        let short = output.len() - 1;
        prop_assert_eq!(kernel.process(&mut state, &[], &mut output), Err(KernelFault::InputLength));
        if shape.channels > 1 {
            let ragged = kernel.process(&mut state, &input[1..], &mut output);
            prop_assert_eq!(ragged, Err(KernelFault::InputLength));
        }
        let fault = kernel.process(&mut state, &input, &mut output[..short]);
        prop_assert_eq!(fault, Err(KernelFault::OutputLength));
        if kernel.state_len() > 0 {
            let len = kernel.state_len() - 1;
            let fault = kernel.process(&mut state[..len], &input, &mut output);
            prop_assert_eq!(fault, Err(KernelFault::StateLength));
        }
        prop_assert_eq!(bits(&state), before);
        prop_assert!(output.iter().all(|&y| y == 7.0));
    }

    /// Whatever is asked, `build` answers with a kernel or a reason, and a kernel that is built
    /// works on any data.
    #[test]
    fn any_parameters_are_built_or_refused(
        name in any_name(),
        channels in 0usize..4,
        window in 0usize..300,
        hop in 0usize..300,
        rate in prop_oneof![
            Just(160.0), Just(0.0), Just(-1.0), Just(f64::NAN), Just(f64::INFINITY), 1e-4..1e5f64
        ],
        values in proptest::collection::vec(
            prop_oneof![
                Just(0.0), Just(-1.0), Just(f64::NAN), Just(f64::INFINITY), Just(1e300), Just(5e-324),
                Just(256.0), 0.0..200.0f64, (1u32..300).prop_map(f64::from),
            ], 3),
        input in proptest::collection::vec(any_sample(), 12),
    ) {
        let spec = with_values(name, [values[0], values[1], values[2]]);
        let shape = KernelShape { channels, window, hop, sample_rate_hz: rate };
        match spec.build(shape) {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(kernel) => {
                let mut state = vec![0.0; kernel.state_len()];
                kernel.reset(&mut state);
                let input = &input[..12 / channels * channels];
                let output = process(&kernel, &mut state, input, 12 / channels);
                let passes = matches!(name, KernelName::Noop | KernelName::Car);
                prop_assert!(passes || output.iter().all(|y| !y.is_nan()), "{:?} {:?}", spec, shape);
            }
        }
    }
}
