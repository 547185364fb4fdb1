//! Pink noise v1 against its promises, analytically: the power response of the filter as held.

use cortex_core::math;
use cortex_core::signal::PinkV1;

/// How far |H|² strays to either side of the best 1/f law, in dB, from ten times the low
/// corner to half the sample rate.
fn error_db(sample_rate_hz: f64, low_corner_hz: f64) -> f64 {
    let pink = PinkV1::new(sample_rate_hz, 1, 1.0, low_corner_hz).expect("valid parameters");
    let (from, to) = (math::ln(10.0 * low_corner_hz), math::ln(sample_rate_hz / 2.0));
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for i in 0..=4000 {
        let frequency_hz = math::exp(from + (to - from) * f64::from(i) / 4000.0);
        let level = 10.0 * math::log10(pink.power_response(frequency_hz) * frequency_hz);
        low = low.min(level);
        high = high.max(level);
    }
    (high - low) / 2.0
}

/// 0.047 dB of FIR ripple plus up to 0.02 dB of pole ripple; the promise is 0.15 dB.
#[test]
fn pink_v1_is_one_over_f_within_seven_hundredths_of_a_decibel() {
    for sample_rate_hz in [160.0, 250.0, 1000.0, 30_000.0] {
        for low_corner_hz in [0.05, 0.5] {
            let error_db = error_db(sample_rate_hz, low_corner_hz);
            println!("{sample_rate_hz} Hz, corner {low_corner_hz} Hz: within {error_db:.4} dB");
            assert!(error_db < 0.07, "{sample_rate_hz} Hz, {low_corner_hz} Hz: {error_db} dB");
        }
    }
}
