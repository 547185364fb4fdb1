//! The keys of `dataset.params`: those of every dataset, of each signal, and of the effects.

use std::sync::LazyLock;

use cortex_core::parameter::{DefaultValue, Kind, POSITIVE, Parameter};
use cortex_core::signal::{GeneratorVersion, SignalInfo, SignalKind};

/// The signals' names, each once.
static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names = Vec::new();
    for kind in SignalKind::ALL {
        if !names.contains(&kind.info().name) {
            names.push(kind.info().name);
        }
    }
    names
});

/// What every signal takes.
fn common() -> [Parameter<'static>; 3] {
    [
        Parameter {
            name: "signal_type",
            unit: "",
            kind: Kind::Choice(&NAMES),
            default: DefaultValue::Required,
            limit: "",
            doc: "Which signal.",
        },
        Parameter {
            name: "duration_s",
            unit: "s",
            kind: Kind::Number { min: POSITIVE, max: f64::INFINITY },
            default: DefaultValue::Required,
            limit: "at least one sample",
            doc: "Duration; times the sample rate, rounded to the nearest whole sample.",
        },
        Parameter {
            name: "seed",
            unit: "",
            kind: Kind::Count { min: 0, max: u64::MAX },
            default: DefaultValue::Count(42),
            limit: "",
            doc: "Seed of all random streams.",
        },
    ]
}

/// What noise takes: what has an RMS can be rescaled to it.
const NORMALIZE: Parameter<'static> = Parameter {
    name: "normalize",
    unit: "",
    kind: Kind::Choice(&["none", "exact"]),
    default: DefaultValue::Choice("none"),
    limit: "",
    doc: "exact: each channel of the file is rescaled to zero mean and exactly amplitude_uv_rms.",
};

/// The signal's own parameters, in the order of the reference.
pub fn of_signal(info: &SignalInfo<'static>) -> Vec<Parameter<'static>> {
    let mut parameters = info.parameters.to_vec();
    if parameters.iter().any(|parameter| parameter.name == "amplitude_uv_rms") {
        parameters.push(NORMALIZE);
    }
    parameters
}

/// All parameters of a signal of generators of `version`.
pub fn of_dataset(
    version: GeneratorVersion,
    info: &SignalInfo<'static>,
) -> Vec<Parameter<'static>> {
    let mut parameters = common().to_vec();
    parameters.extend(of_signal(info));
    parameters.extend(version.effects());
    parameters
}

/// The signals of generators of `version`.
pub fn signals_of(version: GeneratorVersion) -> impl Iterator<Item = SignalKind> {
    SignalKind::ALL.iter().copied().filter(move |kind| kind.specimen().is_in(version))
}

/// Every key that some dataset takes, with the versions and signals that take it in words, such
/// as `v2 chirp`; empty for all of them.
#[must_use]
pub fn of_datasets() -> Vec<(Parameter<'static>, String)> {
    let mut all: Vec<(Parameter<'static>, Vec<String>)> =
        common().into_iter().map(|parameter| (parameter, Vec::new())).collect();
    for version in GeneratorVersion::ALL {
        let since = if version == GeneratorVersion::ALL[0] { "" } else { version.as_str() };
        for kind in signals_of(version) {
            let name = kind.info().name;
            let of = format!("{since} {name}").trim().to_owned();
            for parameter in of_signal(kind.info()) {
                match all.iter_mut().find(|(known, _)| known.name == parameter.name) {
                    None => all.push((parameter, vec![of.clone()])),
                    Some((_, takers)) if takers.iter().any(|taker| taker.ends_with(name)) => {}
                    Some((_, takers)) => takers.push(of.clone()),
                }
            }
        }
        all.extend(version.effects().iter().map(|effect| (*effect, vec![since.to_owned()])));
    }
    all.into_iter().map(|(parameter, takers)| (parameter, takers.join(", "))).collect()
}
