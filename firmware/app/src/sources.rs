//! What the self-test generates of v1 and v2. The tests of the emulated boards have this file, too.

use cortex_core::signal::{
    Chirp, Effects, GeneratorVersion, LineNoise, PinkNoise, PowerLawNoise, Signal, SineWave,
    SourceSpec, Sweep, WhiteNoise,
};

/// The signals of v1 and v2 in the self-test at 160 Hz and seed 42, with the names its lines carry.
#[must_use]
pub fn sources() -> [(&'static str, SourceSpec); 6] {
    let v1 = |signal| SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    let v2 = |signal| SourceSpec::new(GeneratorVersion::V2, signal, 160.0, 42);
    let sine = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 });
    let (amplitude_uv_rms, low_corner_hz) = (100.0, 0.05);
    let white = Signal::WhiteNoise(WhiteNoise { amplitude_uv_rms });
    let effects = Effects {
        dc_offset_uv: 20.0,
        nan_rate: 0.01,
        saturation_level_uv: Some(150.0),
        line_noise: Some(LineNoise { frequency_hz: 50.0, amplitude_uv: 10.0 }),
    };
    [
        ("v1/sine_wave", v1(sine)),
        ("v1/pink_noise", v1(Signal::PinkNoise(PinkNoise { amplitude_uv_rms, low_corner_hz }))),
        (
            "v2/pink_noise",
            v2(Signal::PowerLawNoise(PowerLawNoise {
                amplitude_uv_rms,
                low_corner_hz,
                exponent: 1.0,
            })),
        ),
        ("v2/white_noise", v2(white)),
        (
            "v2/chirp",
            v2(Signal::Chirp(Chirp {
                start_hz: 1.0,
                end_hz: 40.0,
                sweep_s: 10.0,
                sweep: Sweep::Logarithmic,
                amplitude_uv_peak: 100.0,
            })),
        ),
        ("v2/white_noise+effects", SourceSpec { effects, ..v2(white) }),
    ]
}
