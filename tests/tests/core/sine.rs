//! Sine waves against their promises: exact phase for hours, clean spectrum.

use cortex_core::ParameterError;
use cortex_core::math;
use cortex_core::signal::{
    BLOCK_SAMPLES, Effects, Generator, GeneratorVersion, Scratch, Signal, SineWave, SourceSpec,
    SpecError,
};
use cortex_tests::tolerance::{assert_tight, worse};

fn sine(frequency_hz: f64, sample_rate_hz: f64) -> Result<Generator, SpecError> {
    Generator::new(&SourceSpec {
        version: GeneratorVersion::V1,
        signal: Signal::SineWave(SineWave { frequency_hz, amplitude_uv_peak: 100.0 }),
        sample_rate_hz,
        seed: 42,
        effects: Effects::NONE,
    })
}

/// 65,536 samples holding exactly 6,827 periods: harmonics fall on single bins, and a direct
/// sum in f64 measures each. The amplitude error budget of 1.5e-7 means -136 dBc in total.
#[test]
fn harmonics_lie_below_minus_120_dbc() {
    const SAMPLES: usize = 65_536;
    const PERIODS: usize = 6_827;
    let generator = sine(PERIODS as f64, SAMPLES as f64).expect("valid");
    let mut lanes = generator.start::<1>(0);
    let (mut scratch, mut out) = (Scratch::new(), [[0.0; 1]; BLOCK_SAMPLES]);
    let mut samples = Vec::with_capacity(SAMPLES);
    while samples.len() < SAMPLES {
        generator.fill(&mut lanes, &mut scratch, &mut out);
        samples.extend(out.iter().map(|row| f64::from(row[0])));
    }
    let amplitude = |bin: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let turn = (bin * n % SAMPLES) as f64 / SAMPLES as f64;
            re += sample * math::cos(std::f64::consts::TAU * turn);
            im += sample * math::sin(std::f64::consts::TAU * turn);
        }
        2.0 / SAMPLES as f64 * (re * re + im * im).sqrt()
    };
    let fundamental = amplitude(PERIODS);
    assert!((fundamental - 100.0).abs() < 1e-4, "{fundamental}");
    let mut distortion = 0.0;
    for harmonic in 2..=12 {
        let bin = harmonic * PERIODS % SAMPLES;
        let level = amplitude(bin.min(SAMPLES - bin));
        distortion += level * level;
    }
    let thd_dbc = 10.0 * math::log10(distortion) - 20.0 * math::log10(fundamental);
    println!("THD {thd_dbc:.1} dBc");
    assert!(thd_dbc < -120.0, "{thd_dbc}");
    // Rounding is spread over all bins, of which these are eleven: far below the -136 dBc that
    // 1.5e-7 would be in one of them.
    assert_tight("harmonics", distortion.sqrt() / fundamental, 5e-8);
}

/// Every sample against sin(2 pi f n / fs) with the phase reduced exactly: f/fs = 1013/16000.
#[test]
fn samples_are_the_sine_of_the_exact_phase() {
    let generator = sine(10.13, 160.0).expect("valid");
    let mut lanes = generator.start::<4>(9);
    let (mut scratch, mut out) = (Scratch::new(), [[0.0; 4]; BLOCK_SAMPLES]);
    let mut worst = 0.0_f64;
    for block in 0..500_u64 {
        generator.fill(&mut lanes, &mut scratch, &mut out);
        for (row, samples) in out.iter().enumerate() {
            let n = block * BLOCK_SAMPLES as u64 + row as u64;
            let turn = (n * 1013 % 16_000) as f64 / 16_000.0;
            let exact = 100.0 * math::sin(std::f64::consts::TAU * turn);
            for sample in samples {
                worst = worse(worst, (f64::from(*sample) - exact).abs());
                assert!(worst < 2.5e-5, "sample {n}");
            }
        }
    }
    assert_tight("sine, uV", worst, 2.5e-5);
}

#[test]
fn frequencies_outside_zero_to_nyquist_are_refused() {
    assert!(matches!(
        sine(80.0, 160.0),
        Err(SpecError::Parameter(ParameterError::AboveNyquist { .. }))
    ));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            matches!(
                sine(bad, 160.0),
                Err(SpecError::Parameter(ParameterError::NotPositive { .. }))
            ),
            "{bad}"
        );
    }
}
