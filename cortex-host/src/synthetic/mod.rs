//! The synthetic generators' parameters: which there are, per version and signal.
//!
//! The core checks the values ([`SpecError`]); this module checks the names, fills in defaults
//! and finds the place to complain about.

mod block_digest;
mod dataset;
mod generated;
pub(crate) mod manifest;
mod manifest_tables;
mod parameters;
mod shard;
mod truth;

pub use block_digest::{BLOCK_DIGEST_BLOCKS, BLOCK_DIGEST_CHANNELS, block_digest};
pub use dataset::{GeneratedDataset, Normalize};
pub use generated::generated;
pub(crate) use generated::{DatasetHead, dataset_head, of_generator};
pub use manifest::{MANIFEST_NAME, MANIFEST_SUFFIX, Manifest, manifest_beside};
pub use parameters::parameters;
pub use shard::{MAX_SHARDS, Shard, ShardLayout, shared_file};
pub use truth::{TruthDigest, TruthKind};

use cortex_core::parameter::{DefaultValue, Kind, Parameter};
use cortex_core::signal::{
    Effects, Generator, GeneratorVersion, Signal, SignalInfo, SignalKind, SourceSpec, SpecError,
};

use crate::base::{listed, nearest, quoted};
use crate::config::decode::{self, decode};
use crate::config::mistakes::unknown_key;
use crate::config::parameters::check;
use crate::config::params::{of_dataset, of_datasets, of_signal, signals_of};
use crate::config::{At, Entry, Node, Problem, Value};

const PATH: &str = "dataset.params";

/// Reads `dataset.params` for a generator of `version`.
fn from_config(
    primitive: &str,
    version: GeneratorVersion,
    params: &Node,
    channels: At<u64>,
    sample_rate_hz: At<f64>,
) -> Result<GeneratedDataset, Problem> {
    let known = of_datasets();
    let known: Vec<&str> = known.iter().map(|(parameter, _)| parameter.name).collect();
    for entry in decode::entries(params, PATH)? {
        if !known.contains(&entry.key.as_str()) {
            return Err(unknown_key(entry, PATH, &known));
        }
    }
    let kind = signal_kind(version, params)?;
    let info = kind.info();
    let taken = of_dataset(version, info);
    for entry in decode::entries(params, PATH)? {
        if !taken.iter().any(|parameter| parameter.name == entry.key) {
            return Err(not_taken(version, info, entry));
        }
    }
    check(params, PATH, &taken)?;
    if channels.value > info.max_channels as u64 {
        let message = format!(
            "dataset.channels is {}, but {} has at most {}; lower it",
            channels.value, info.name, info.max_channels
        );
        return Err(Problem::at(channels.position, message));
    }
    let (duration_s, samples) = duration(params, channels, sample_rate_hz.value)?;
    let seed = taken.iter().find_map(|parameter| match parameter.default {
        DefaultValue::Count(seed) if parameter.name == "seed" => Some(seed),
        _ => None,
    });
    let spec = SourceSpec {
        version,
        signal: signal(kind, params, duration_s)?,
        sample_rate_hz: sample_rate_hz.value,
        seed: given(params, "seed")?.or(seed).unwrap_or_default(),
        effects: effects(version, params)?,
    };
    let normalize = normalize(params, &spec.effects, samples)?;
    Generator::new(&spec).map_err(|error| {
        let parameter = faulty_parameter(&error);
        let key = parameter.split('.').next().unwrap_or(parameter);
        let rate = (parameter == "sample_rate_hz").then_some(sample_rate_hz.position);
        let found = params.entry(key).map(|entry| {
            let part = parameter.split('.').nth(1).and_then(|part| entry.node.entry(part));
            part.map_or(entry.node.position, |part| part.node.position)
        });
        Problem::at(found.or(rate).unwrap_or(params.position), error.to_string())
    })?;
    Ok(GeneratedDataset {
        primitive: primitive.to_owned(),
        version,
        spec,
        normalize,
        signal_type: info.name.to_owned(),
        duration_s,
        channels: channels.value as usize,
        samples,
    })
}

/// The value of a key, where it is written.
fn given<'de, T: serde::Deserialize<'de>>(
    params: &'de Node,
    key: &str,
) -> Result<Option<T>, Problem> {
    params.entry(key).map(|entry| decode::entry(entry, PATH)).transpose()
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

/// A parameter that another signal or version has.
fn not_taken(version: GeneratorVersion, info: &SignalInfo<'static>, entry: &Entry) -> Problem {
    let name = &entry.key;
    let has = |kind: SignalKind| of_signal(kind.info()).iter().any(|one| one.name == *name);
    let message = if version == GeneratorVersion::V1 && !signals_of(version).any(has) {
        format!("generator v1 has no {name}; remove it, or use primitives/datasets/v2/synthetic")
    } else {
        let own = of_signal(info);
        let own = listed(own.iter().map(|parameter| parameter.name));
        format!("{} takes no {name}; its parameters are {own}", info.name)
    };
    Problem::at(entry.node.position, message)
}

/// The signal with the parameters that are written and the defaults of the others.
fn signal(kind: SignalKind, params: &Node, duration_s: f64) -> Result<Signal, Problem> {
    let own = with_defaults(params, kind.info().parameters, duration_s);
    let variant = Entry { node: own, ..Entry::new(kind.variant(), Value::Null) };
    decode(&Node::plain(Value::Mapping(vec![variant])), PATH)
}

fn effects(version: GeneratorVersion, params: &Node) -> Result<Effects, Problem> {
    match version.effects() {
        [] => Ok(Effects::NONE),
        declared => decode(&with_defaults(params, declared, 0.0), PATH),
    }
}

/// Of `params`, those of `declared`, completed; what follows from the duration is known here.
fn with_defaults(params: &Node, declared: &[Parameter], duration_s: f64) -> Node {
    let own = declared.iter().filter_map(|parameter| {
        let default = match (params.entry(parameter.name), parameter.default) {
            (Some(entry), _) => {
                let Kind::Table(parts) = parameter.kind else { return Some(entry.clone()) };
                let node = with_defaults(&entry.node, parts, duration_s);
                return Some(Entry { node, ..entry.clone() });
            }
            (None, DefaultValue::Number(number)) => Value::Float(number),
            (None, DefaultValue::Count(count)) => Value::Integer(count.into()),
            (None, DefaultValue::Choice(word)) => Value::Text(word.to_owned()),
            (None, DefaultValue::Derived("duration_s")) => Value::Float(duration_s),
            (None, _) => return None,
        };
        Some(Entry::new(parameter.name, default))
    });
    Node { position: params.position, value: Value::Mapping(own.collect()) }
}

fn normalize(params: &Node, effects: &Effects, samples: u64) -> Result<Normalize, Problem> {
    let Some(entry) = params.entry("normalize") else { return Ok(Normalize::None) };
    let refuse = |message: &str| Err(Problem::at(entry.node.position, message));
    match &entry.node.value {
        Value::Text(word) if word == "none" => Ok(Normalize::None),
        _ if *effects != Effects::NONE => refuse(
            "normalize: exact takes no effects, since rescaling would undo them; remove line_noise, dc_offset_uv, saturation_level_uv and nan_rate, or normalize",
        ),
        _ if samples < 2 => {
            refuse("normalize: exact needs at least two samples per channel; lengthen duration_s")
        }
        _ => Ok(Normalize::Exact),
    }
}

/// The generator of the first version that has `signal`; of v1 when none has.
#[must_use]
pub fn first_generator(signal: &str) -> String {
    generator_of(first_version(signal).unwrap_or(GeneratorVersion::V1))
}

fn generator_of(version: GeneratorVersion) -> String {
    format!("primitives/datasets/{version}/synthetic")
}

fn first_version(signal: &str) -> Option<GeneratorVersion> {
    let has =
        |version: &GeneratorVersion| signals_of(*version).any(|kind| kind.info().name == signal);
    GeneratorVersion::ALL.into_iter().find(has)
}

fn signal_kind(version: GeneratorVersion, params: &Node) -> Result<SignalKind, Problem> {
    let names = || signals_of(version).map(|kind| kind.info().name);
    let Some(name) = given::<At<String>>(params, "signal_type")? else {
        let message = format!("signal_type is missing; give one of {}", listed(names()));
        return Err(Problem::at(params.position, message));
    };
    signals_of(version).find(|kind| kind.info().name == name.value).ok_or_else(|| {
        let hint = match (first_version(&name.value), nearest(&name.value, names())) {
            (Some(other), _) => format!("; {} has it", generator_of(other)),
            (None, Some(meant)) => format!("; did you mean {}?", quoted(meant)),
            (None, None) => String::new(),
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
fn duration(params: &Node, channels: At<u64>, sample_rate_hz: f64) -> Result<(f64, u64), Problem> {
    let At { value: seconds, position } =
        given::<At<f64>>(params, "duration_s")?.unwrap_or_default();
    let samples = (seconds * sample_rate_hz).round();
    if samples < 1.0 {
        let message = format!(
            "duration_s of {seconds} s is less than one sample at {sample_rate_hz} Hz; lengthen it"
        );
        return Err(Problem::at(position, message));
    }
    // Sizes stay exact in f64 and below any file system's limit.
    const MAX_BYTES: f64 = 9_007_199_254_740_992.0;
    if samples * channels.value as f64 * 4.0 > MAX_BYTES {
        let message = format!(
            "{seconds} s of {} channels at {sample_rate_hz} Hz is more than 8 PiB; shorten duration_s or use fewer channels",
            channels.value
        );
        return Err(Problem::at(position, message));
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
