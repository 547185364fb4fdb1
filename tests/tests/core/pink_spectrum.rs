//! Pink noise of both versions against its promises, analytically: the power response of the
//! filter as held in f32, against 1/f and against the documented curve.

use cortex_core::math;
use cortex_core::signal::{
    Generator, GeneratorVersion, PinkNoise, PowerLawNoise, Signal, SourceSpec,
};
use cortex_tests::tolerance::{assert_tight, worse};

const RATES_HZ: [f64; 4] = [160.0, 250.0, 1000.0, 30_000.0];

fn generator(version: GeneratorVersion, signal: Signal, sample_rate_hz: f64) -> Generator {
    Generator::new(&SourceSpec::new(version, signal, sample_rate_hz, 1)).expect("valid parameters")
}

fn v1(sample_rate_hz: f64, low_corner_hz: f64) -> Generator {
    let signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 1.0, low_corner_hz });
    generator(GeneratorVersion::V1, signal, sample_rate_hz)
}

fn v2(sample_rate_hz: f64, low_corner_hz: f64, exponent: f64) -> Generator {
    let signal =
        Signal::PowerLawNoise(PowerLawNoise { amplitude_uv_rms: 1.0, low_corner_hz, exponent });
    generator(GeneratorVersion::V2, signal, sample_rate_hz)
}

/// How far |H|² times `law` strays to either side of its middle, in dB, from `from_hz` to
/// `to_hz`.
fn error_db(generator: &Generator, from_hz: f64, to_hz: f64, law: impl Fn(f64) -> f64) -> f64 {
    let (from, to) = (math::ln(from_hz), math::ln(to_hz));
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for i in 0..=4000 {
        let frequency_hz = math::exp(from + (to - from) * f64::from(i) / 4000.0);
        let power = generator.power_response(frequency_hz).expect("noise has a response");
        let level = 10.0 * math::log10(power * law(frequency_hz));
        low = low.min(level);
        high = high.max(level);
    }
    (high - low) / 2.0
}

/// 0.047 dB of FIR ripple plus up to 0.02 dB of pole ripple; the promise is 0.15 dB.
#[test]
fn v1_is_one_over_f_within_seven_hundredths_of_a_decibel() {
    let mut worst = 0.0_f64;
    for rate_hz in RATES_HZ {
        for corner_hz in [0.05, 0.5] {
            let pink = v1(rate_hz, corner_hz);
            let error = error_db(&pink, 10.0 * corner_hz, rate_hz / 2.0, |f| f);
            println!("v1 at {rate_hz} Hz, corner {corner_hz} Hz: within {error:.4} dB of 1/f");
            worst = worse(worst, error);
        }
    }
    assert_tight("v1, dB", worst, 0.07);
}

/// The least-squares fit's own figures; the promise is 0.1 dB, 0.2 dB for exponents 0.5 and 1.5.
#[test]
fn v2_follows_its_power_law() {
    for (exponent, bound_db) in [(0.5, 0.05), (1.0, 0.06), (1.5, 0.07), (1.9, 0.1), (0.05, 0.02)] {
        let mut worst = 0.0_f64;
        for rate_hz in RATES_HZ {
            let noise = v2(rate_hz, 0.05, exponent);
            let law = |f| math::pow(f, exponent);
            let error = error_db(&noise, 0.5, rate_hz / 2.0, law);
            println!("v2 at {rate_hz} Hz, exponent {exponent}: within {error:.4} dB of 1/f^b");
            worst = worse(worst, error);
        }
        assert_tight(format_args!("v2, exponent {exponent}, dB"), worst, bound_db);
    }
}

/// The documented curve (f² + c²)^(-b/2), from a hundredth of the corner to half the sample rate.
#[test]
fn v2_follows_its_documented_curve_at_every_frequency() {
    let mut worst = 0.0_f64;
    for exponent in [0.5, 1.0, 1.5] {
        for rate_hz in RATES_HZ {
            let noise = v2(rate_hz, 0.05, exponent);
            let law = |f| math::pow(f * f + 0.05 * 0.05, exponent / 2.0);
            let error = error_db(&noise, 0.0005, rate_hz / 2.0, law);
            println!("v2 at {rate_hz} Hz, exponent {exponent}: within {error:.4} dB of its curve");
            worst = worse(worst, error);
        }
    }
    assert_tight("v2's curve, dB", worst, 0.09);
}

/// Unit variance: the power response integrates to the requested mean square. The trapezoid rule in
/// log frequency errs by 1e-7 for this smooth curve, what lies below 1e-6 Hz is 3e-6; the poles,
/// rounded to f32 at 1e-3 from the unit circle, move the power by some 1e-5.
#[test]
fn the_spectrum_integrates_to_the_requested_power() {
    let mut worst = 0.0_f64;
    for (generator, rate_hz) in
        [(v1(160.0, 0.05), 160.0), (v2(160.0, 0.05, 1.0), 160.0), (v2(1000.0, 0.5, 1.5), 1000.0)]
    {
        let (from, to) = (math::ln(1e-6), math::ln(rate_hz / 2.0));
        let steps = 20_000;
        let mut integral = 0.0;
        for i in 0..=steps {
            let f = math::exp(from + (to - from) * f64::from(i) / f64::from(steps));
            let weight = if i == 0 || i == steps { 0.5 } else { 1.0 };
            integral += weight * f * generator.power_response(f).expect("noise");
        }
        integral *= 2.0 / rate_hz * (to - from) / f64::from(steps);
        worst = worse(worst, (integral - 1.0).abs());
    }
    assert_tight("integral", worst, 1e-4);
}
