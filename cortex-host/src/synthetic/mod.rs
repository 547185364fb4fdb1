//! The synthetic generators' parameters: which there are, per version and signal.
//!
//! The core checks the values ([`SpecError`]); this module checks the names, fills in defaults
//! and finds the place to complain about.

mod block_digest;
mod dataset;
mod generated;
pub(crate) mod manifest;
mod parameters;
mod shard;

pub use block_digest::{BLOCK_DIGEST_BLOCKS, BLOCK_DIGEST_CHANNELS, block_digest};
pub use dataset::{GeneratedDataset, Normalize};
pub use generated::generated;
pub(crate) use generated::{DatasetHead, dataset_head, of_generator};
pub use manifest::{MANIFEST_NAME, Manifest, manifest_beside};
pub use parameters::parameters;
pub use shard::{Layout, MAX_SHARDS, Shard, shared_file};

use cortex_core::signal::{
    Effects, Generator, GeneratorVersion, LineNoise, Signal, SourceSpec, SpecError, Sweep,
};

use crate::base::{listed, nearest, quoted};
use crate::config::decode::decode;
use crate::config::value::positive;
use crate::config::{At, LineNoiseParams, Node, Position, Problem, SyntheticParams};

/// Seed when none is given.
pub const DEFAULT_SEED: u64 = 42;
/// Sine frequency in Hz when none is given.
pub const DEFAULT_FREQUENCY_HZ: f64 = 10.0;
/// Amplitude in microvolts (peak of a sine or chirp, RMS of noise) when none is given.
pub const DEFAULT_AMPLITUDE_UV: f64 = 100.0;
/// Low corner of pink noise in Hz when none is given.
pub const DEFAULT_LOW_CORNER_HZ: f64 = 0.05;
/// Exponent of v2's pink noise when none is given.
pub const DEFAULT_EXPONENT: f64 = 1.0;
/// Start of a chirp in Hz when none is given.
pub const DEFAULT_START_HZ: f64 = 1.0;

/// A signal and the parameters that it takes besides those of every signal.
struct SignalKind {
    name: &'static str,
    own: &'static [&'static str],
}

const SINE: SignalKind =
    SignalKind { name: "sine_wave", own: &["frequency_hz", "amplitude_uv_peak"] };

const V1_SIGNALS: &[SignalKind] = &[
    SINE,
    SignalKind { name: "pink_noise", own: &["amplitude_uv_rms", "low_corner_hz", "normalize"] },
];

const V2_SIGNALS: &[SignalKind] = &[
    SINE,
    SignalKind {
        name: "pink_noise",
        own: &["amplitude_uv_rms", "low_corner_hz", "exponent", "normalize"],
    },
    SignalKind { name: "white_noise", own: &["amplitude_uv_rms", "normalize"] },
    SignalKind {
        name: "chirp",
        own: &["start_hz", "end_hz", "sweep_s", "sweep", "amplitude_uv_peak"],
    },
];

/// What any signal of v2 takes.
const EFFECTS: &[&str] = &["line_noise", "dc_offset_uv", "saturation_level_uv", "nan_rate"];

/// Reads `dataset.params` for a generator of `version`.
fn from_config(
    primitive: &str,
    version: GeneratorVersion,
    params: &Node,
    channels: At<u64>,
    sample_rate_hz: At<f64>,
) -> Result<GeneratedDataset, Problem> {
    let table = decode(params, "dataset.params")?;
    dataset(primitive, version, &table, params.position, channels, sample_rate_hz)
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

/// A dataset of the generator of `version`.
///
/// # Errors
/// [`Problem`] at the parameter that is missing, belongs to another signal or version, or is out
/// of range (`place` when it was not written down).
pub fn dataset(
    primitive: &str,
    version: GeneratorVersion,
    params: &SyntheticParams,
    place: Position,
    channels: At<u64>,
    sample_rate_hz: At<f64>,
) -> Result<GeneratedDataset, Problem> {
    let kind = signal_kind(version, params.signal_type.as_ref(), place)?;
    let written = written(params);
    for (name, position) in &written {
        check_belongs(version, kind, name, *position)?;
    }
    let (duration_s, samples) = duration(params.duration_s, place, channels, sample_rate_hz.value)?;
    let spec = SourceSpec {
        version,
        signal: signal(version, kind, params, place, duration_s)?,
        sample_rate_hz: sample_rate_hz.value,
        seed: params.seed.map_or(DEFAULT_SEED, |at| at.value),
        effects: effects(params)?,
    };
    let normalize = normalize(params, &spec.effects, samples)?;
    Generator::new(&spec).map_err(|error| {
        let parameter = faulty_parameter(&error);
        let table = parameter.split('.').next().unwrap_or(parameter);
        let rate = (parameter == "sample_rate_hz").then_some(sample_rate_hz.position);
        let found = written.iter().find(|(name, _)| *name == table).map(|(_, at)| *at);
        Problem::at(found.or(rate).unwrap_or(place), error.to_string())
    })?;
    Ok(GeneratedDataset {
        primitive: primitive.to_owned(),
        version,
        spec,
        normalize,
        signal_type: kind.name.to_owned(),
        duration_s,
        channels: channels.value as usize,
        samples,
    })
}

/// Names and places of the parameters written down, but for those that every signal takes.
fn written(params: &SyntheticParams) -> Vec<(&'static str, Position)> {
    let line_noise = params.line_noise.as_ref().map(|at| at.position);
    let sweep = params.sweep.as_ref().map(|at| at.position);
    let normalize = params.normalize.as_ref().map(|at| at.position);
    [
        ("frequency_hz", params.frequency_hz.map(|at| at.position)),
        ("amplitude_uv_peak", params.amplitude_uv_peak.map(|at| at.position)),
        ("amplitude_uv_rms", params.amplitude_uv_rms.map(|at| at.position)),
        ("low_corner_hz", params.low_corner_hz.map(|at| at.position)),
        ("normalize", normalize),
        ("exponent", params.exponent.map(|at| at.position)),
        ("start_hz", params.start_hz.map(|at| at.position)),
        ("end_hz", params.end_hz.map(|at| at.position)),
        ("sweep_s", params.sweep_s.map(|at| at.position)),
        ("sweep", sweep),
        ("line_noise", line_noise),
        ("dc_offset_uv", params.dc_offset_uv.map(|at| at.position)),
        ("saturation_level_uv", params.saturation_level_uv.map(|at| at.position)),
        ("nan_rate", params.nan_rate.map(|at| at.position)),
    ]
    .into_iter()
    .filter_map(|(name, position)| position.map(|position| (name, position)))
    .collect()
}

fn check_belongs(
    version: GeneratorVersion,
    kind: &SignalKind,
    name: &str,
    position: Position,
) -> Result<(), Problem> {
    if kind.own.contains(&name) || (version == GeneratorVersion::V2 && EFFECTS.contains(&name)) {
        return Ok(());
    }
    let known_in_v1 = V1_SIGNALS.iter().any(|kind| kind.own.contains(&name));
    let message = if version == GeneratorVersion::V1 && !known_in_v1 {
        format!("generator v1 has no {name}; remove it, or use primitives/datasets/v2/synthetic")
    } else {
        format!(
            "{} takes no {name}; its parameters are {}",
            kind.name,
            listed(kind.own.iter().copied())
        )
    };
    Err(Problem::at(position, message))
}

fn signal(
    version: GeneratorVersion,
    kind: &SignalKind,
    params: &SyntheticParams,
    place: Position,
    duration_s: f64,
) -> Result<Signal, Problem> {
    let value = |at: Option<At<f64>>, default| at.map_or(default, |at| at.value);
    let amplitude_uv_peak = value(params.amplitude_uv_peak, DEFAULT_AMPLITUDE_UV);
    let amplitude_uv_rms = value(params.amplitude_uv_rms, DEFAULT_AMPLITUDE_UV);
    let low_corner_hz = value(params.low_corner_hz, DEFAULT_LOW_CORNER_HZ);
    Ok(match (kind.name, version) {
        ("sine_wave", _) => Signal::SineWave {
            frequency_hz: value(params.frequency_hz, DEFAULT_FREQUENCY_HZ),
            amplitude_uv_peak,
        },
        ("white_noise", _) => Signal::WhiteNoise { amplitude_uv_rms },
        ("chirp", _) => Signal::Chirp {
            start_hz: value(params.start_hz, DEFAULT_START_HZ),
            end_hz: params
                .end_hz
                .ok_or_else(|| {
                    Problem::at(place, "end_hz is missing; give the chirp's last frequency in Hz")
                })?
                .value,
            sweep_s: value(params.sweep_s, duration_s),
            sweep: sweep(params.sweep.as_ref())?,
            amplitude_uv_peak,
        },
        (_, GeneratorVersion::V1) => Signal::PinkNoise { amplitude_uv_rms, low_corner_hz },
        (_, GeneratorVersion::V2) => Signal::PowerLawNoise {
            amplitude_uv_rms,
            low_corner_hz,
            exponent: value(params.exponent, DEFAULT_EXPONENT),
        },
    })
}

fn sweep(name: Option<&At<String>>) -> Result<Sweep, Problem> {
    match name {
        None => Ok(Sweep::Linear),
        Some(name) if name.value == "linear" => Ok(Sweep::Linear),
        Some(name) if name.value == "logarithmic" => Ok(Sweep::Logarithmic),
        Some(name) => Err(Problem::at(
            name.position,
            format!("sweep must be linear or logarithmic, but it is {}", quoted(&name.value)),
        )),
    }
}

fn normalize(
    params: &SyntheticParams,
    effects: &Effects,
    samples: u64,
) -> Result<Normalize, Problem> {
    let Some(at) = &params.normalize else { return Ok(Normalize::None) };
    let refuse = |message: String| Err(Problem::at(at.position, message));
    match at.value.as_str() {
        "none" => Ok(Normalize::None),
        "exact" if *effects != Effects::NONE => refuse(
            "normalize: exact takes no effects, since rescaling would undo them; remove line_noise, dc_offset_uv, saturation_level_uv and nan_rate, or normalize".to_owned(),
        ),
        "exact" if samples < 2 => refuse(
            "normalize: exact needs at least two samples per channel; lengthen duration_s".to_owned(),
        ),
        "exact" => Ok(Normalize::Exact),
        _ => refuse(format!("normalize must be none or exact, but it is {}", quoted(&at.value))),
    }
}

fn effects(params: &SyntheticParams) -> Result<Effects, Problem> {
    let value = |at: Option<At<f64>>| at.map_or(0.0, |at| at.value);
    Ok(Effects {
        line_noise: params.line_noise.as_ref().map(line_noise).transpose()?,
        dc_offset_uv: value(params.dc_offset_uv),
        saturation_level_uv: params.saturation_level_uv.map(|at| at.value),
        nan_rate: value(params.nan_rate),
    })
}

fn line_noise(table: &At<LineNoiseParams>) -> Result<LineNoise, Problem> {
    let need = |name: &str, at: Option<At<f64>>| {
        at.map(|at| at.value).ok_or_else(|| {
            let message =
                format!("line_noise.{name} is missing; give frequency_hz and amplitude_uv");
            Problem::at(table.position, message)
        })
    };
    Ok(LineNoise {
        frequency_hz: need("frequency_hz", table.value.frequency_hz)?,
        amplitude_uv: need("amplitude_uv", table.value.amplitude_uv)?,
    })
}

fn signal_kind(
    version: GeneratorVersion,
    name: Option<&At<String>>,
    place: Position,
) -> Result<&'static SignalKind, Problem> {
    let kinds = match version {
        GeneratorVersion::V1 => V1_SIGNALS,
        GeneratorVersion::V2 => V2_SIGNALS,
    };
    let names = || kinds.iter().map(|kind| kind.name);
    let Some(name) = name else {
        let message = format!("signal_type is missing; give one of {}", listed(names()));
        return Err(Problem::at(place, message));
    };
    kinds.iter().find(|kind| kind.name == name.value).ok_or_else(|| {
        let in_v2 = V2_SIGNALS.iter().any(|kind| kind.name == name.value);
        let hint = match nearest(&name.value, names()) {
            _ if in_v2 => "; primitives/datasets/v2/synthetic has it".to_owned(),
            Some(meant) => format!("; did you mean {}?", quoted(meant)),
            None => String::new(),
        };
        let message = format!(
            "unknown signal_type {}; generator {version} has {}{hint}",
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
        SpecError::Parameter(error) => error.parameter(),
        SpecError::UnknownParameter { parameter, .. } => parameter,
        SpecError::UnknownSignal { .. } => "signal_type",
    }
}
