//! The synthetic generators' parameters: which there are, per version and signal.
//!
//! The core checks the values ([`SpecError`]); this module checks the names, fills in defaults
//! and finds the place to complain about.

use cortex_core::signal::{Generator, GeneratorVersion, Signal, SourceSpec, SpecError, Sweep};

use super::GeneratedDataset;
use super::build::positive;
use crate::config::decode::Decode;
use crate::config::{
    At, Node, Position, Problem, SyntheticV1Params, Value, listed, nearest, quoted,
};

/// Seed when none is given.
pub const DEFAULT_SEED: u64 = 42;
/// Sine frequency in Hz when none is given.
pub const DEFAULT_FREQUENCY_HZ: f64 = 10.0;
/// Amplitude in microvolts (peak of a sine, RMS of noise) when none is given.
pub const DEFAULT_AMPLITUDE_UV: f64 = 100.0;
/// Low corner of pink noise in Hz when none is given.
pub const DEFAULT_LOW_CORNER_HZ: f64 = 0.05;

/// A signal of generator v1 and the parameters that only it takes.
struct SignalKind {
    name: &'static str,
    own: &'static [&'static str],
}

const V1_SIGNALS: [SignalKind; 2] = [
    SignalKind { name: "sine_wave", own: &["frequency_hz", "amplitude_uv_peak"] },
    SignalKind { name: "pink_noise", own: &["amplitude_uv_rms", "low_corner_hz"] },
];

/// Reads `dataset.params` for a generator of `version`.
pub(super) fn from_config(
    primitive: &str,
    version: GeneratorVersion,
    params: &Node,
    channels: At<u64>,
    sample_rate_hz: At<f64>,
) -> Result<GeneratedDataset, Problem> {
    refuse_shape(params)?;
    match version {
        GeneratorVersion::V1 => {
            let table = SyntheticV1Params::decode(params, "dataset.params")?;
            v1(primitive, &table, params.position, channels, sample_rate_hz)
        }
        GeneratorVersion::V2 => Err(Problem::at(
            params.position,
            format!("generator {} is not compiled into this version", quoted(primitive)),
        )),
    }
}

/// The shape has one home: `dataset`.
fn refuse_shape(params: &Node) -> Result<(), Problem> {
    for key in ["channels", "sample_rate_hz"] {
        if let Some(entry) = params.entry(key) {
            let what = if key == "channels" { "Channels" } else { "Sample rate" };
            return Err(Problem::at(
                entry.position,
                format!(
                    "{what} mismatch: params.{key} != dataset.{key}; remove {key} from dataset.params, only dataset.{key} counts"
                ),
            ));
        }
    }
    Ok(())
}

/// A dataset of generator v1.
///
/// # Errors
/// [`Problem`] at the parameter that is missing, belongs to another signal, or is out of range
/// (`place` when it was not written down).
pub fn v1(
    primitive: &str,
    params: &SyntheticV1Params,
    place: Position,
    channels: At<u64>,
    sample_rate_hz: At<f64>,
) -> Result<GeneratedDataset, Problem> {
    let kind = signal_kind(params.signal_type.as_ref(), place)?;
    let own = [
        ("frequency_hz", params.frequency_hz),
        ("amplitude_uv_peak", params.amplitude_uv_peak),
        ("amplitude_uv_rms", params.amplitude_uv_rms),
        ("low_corner_hz", params.low_corner_hz),
    ];
    for (name, at) in own {
        if let Some(at) = at
            && !kind.own.contains(&name)
        {
            return Err(Problem::at(
                at.position,
                format!(
                    "{} takes no {name}; its parameters are {}",
                    kind.name,
                    listed(kind.own.iter().copied())
                ),
            ));
        }
    }
    let value = |at: Option<At<f64>>, default| at.map_or(default, |at| at.value);
    let signal = if kind.name == "sine_wave" {
        Signal::SineWave {
            frequency_hz: value(params.frequency_hz, DEFAULT_FREQUENCY_HZ),
            amplitude_uv_peak: value(params.amplitude_uv_peak, DEFAULT_AMPLITUDE_UV),
        }
    } else {
        Signal::PinkNoise {
            amplitude_uv_rms: value(params.amplitude_uv_rms, DEFAULT_AMPLITUDE_UV),
            low_corner_hz: value(params.low_corner_hz, DEFAULT_LOW_CORNER_HZ),
        }
    };
    let seed = params.seed.map_or(DEFAULT_SEED, |at| at.value);
    let spec = SourceSpec::new(GeneratorVersion::V1, signal, sample_rate_hz.value, seed);
    Generator::new(&spec).map_err(|error| {
        let parameter = faulty_parameter(&error);
        let written = own.iter().find(|(name, _)| *name == parameter).and_then(|(_, at)| *at);
        let rate = (parameter == "sample_rate_hz").then_some(sample_rate_hz.position);
        let position = written.map(|at| at.position).or(rate).unwrap_or(place);
        Problem::at(position, error.to_string())
    })?;
    let (duration_s, samples) = duration(params.duration_s, place, channels, sample_rate_hz.value)?;
    Ok(GeneratedDataset {
        primitive: primitive.to_owned(),
        version: GeneratorVersion::V1,
        spec,
        signal_type: kind.name.to_owned(),
        duration_s,
        channels: channels.value as usize,
        samples,
    })
}

/// The parameters that make `spec`, by the names that configurations and manifests use: every
/// default written out, without the duration.
#[must_use]
pub fn parameters(spec: &SourceSpec) -> Vec<(&'static str, Value)> {
    let number = Value::Float;
    let (name, own): (_, Vec<(&'static str, Value)>) = match spec.signal {
        Signal::SineWave { frequency_hz, amplitude_uv_peak } => (
            "sine_wave",
            vec![
                ("frequency_hz", number(frequency_hz)),
                ("amplitude_uv_peak", number(amplitude_uv_peak)),
            ],
        ),
        Signal::PinkNoise { amplitude_uv_rms, low_corner_hz } => (
            "pink_noise",
            vec![
                ("amplitude_uv_rms", number(amplitude_uv_rms)),
                ("low_corner_hz", number(low_corner_hz)),
            ],
        ),
        Signal::PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent } => (
            "pink_noise",
            vec![
                ("amplitude_uv_rms", number(amplitude_uv_rms)),
                ("low_corner_hz", number(low_corner_hz)),
                ("exponent", number(exponent)),
            ],
        ),
        Signal::WhiteNoise { amplitude_uv_rms } => {
            ("white_noise", vec![("amplitude_uv_rms", number(amplitude_uv_rms))])
        }
        Signal::Chirp { start_hz, end_hz, sweep_s, sweep, amplitude_uv_peak } => {
            let sweep = match sweep {
                Sweep::Linear => "linear",
                Sweep::Logarithmic => "logarithmic",
            };
            let own = vec![
                ("start_hz", number(start_hz)),
                ("end_hz", number(end_hz)),
                ("sweep_s", number(sweep_s)),
                ("sweep", Value::Text(sweep.into())),
                ("amplitude_uv_peak", number(amplitude_uv_peak)),
            ];
            ("chirp", own)
        }
    };
    let mut all = vec![("signal_type", Value::Text(name.into()))];
    all.push(("seed", Value::Integer(spec.seed.into())));
    all.extend(own);
    all
}

fn signal_kind(name: Option<&At<String>>, place: Position) -> Result<&'static SignalKind, Problem> {
    let names = || V1_SIGNALS.iter().map(|kind| kind.name);
    let Some(name) = name else {
        let message = format!("signal_type is missing; give one of {}", listed(names()));
        return Err(Problem::at(place, message));
    };
    V1_SIGNALS.iter().find(|kind| kind.name == name.value).ok_or_else(|| {
        let hint = nearest(&name.value, names())
            .map_or_else(String::new, |meant| format!("; did you mean {}?", quoted(meant)));
        let message = format!(
            "unknown signal_type {}; generator v1 has {}{hint}",
            quoted(&name.value),
            listed(names())
        );
        Problem::at(name.position, message)
    })
}

/// The duration in seconds and in samples; every later product of the sizes fits.
fn duration(
    duration_s: Option<At<f64>>,
    place: Position,
    channels: At<u64>,
    sample_rate_hz: f64,
) -> Result<(f64, u64), Problem> {
    let at = duration_s
        .ok_or_else(|| Problem::at(place, "duration_s is missing; give the duration in seconds"))?;
    let seconds = positive("duration_s", at)?;
    let samples = (seconds * sample_rate_hz).round();
    if samples < 1.0 {
        let message = format!(
            "duration_s of {seconds} s is less than one sample at {sample_rate_hz} Hz; lengthen it"
        );
        return Err(Problem::at(at.position, message));
    }
    // Sizes stay exact in f64 and below any file system's limit.
    const MAX_BYTES: f64 = 9_007_199_254_740_992.0;
    if samples * channels.value as f64 * 4.0 > MAX_BYTES {
        let message = format!(
            "{seconds} s of {} channels at {sample_rate_hz} Hz is more than 8 PiB; shorten duration_s or use fewer channels",
            channels.value
        );
        return Err(Problem::at(at.position, message));
    }
    Ok((seconds, samples as u64))
}

fn faulty_parameter(error: &SpecError) -> &'static str {
    match error {
        SpecError::NotPositive { parameter, .. }
        | SpecError::OutOfRange { parameter, .. }
        | SpecError::AboveNyquist { parameter, .. }
        | SpecError::UnknownParameter { parameter, .. }
        | SpecError::NotFinite { parameter, .. } => parameter,
        SpecError::UnknownSignal { .. } => "signal_type",
    }
}
