//! What is declared of a parameter is what its signal or kernel checks: the ends of its range are
//! taken, what lies beyond them is refused by its name.
//!
//! A host refuses what lies beyond a declaration before it designs anything; a board has the checks
//! alone. They are told apart, so that no image holds a declaration, and held together here.

use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_core::parameter::{DefaultValue, Kind, POSITIVE, Parameter};
use cortex_core::signal::{Effects, Generator, GeneratorVersion, Signal, SignalKind, SourceSpec};
use serde_json::{Map, Value, json};

/// Values at the ends of a range, and values just beyond them.
fn ends(kind: &Kind) -> (Vec<Value>, Vec<Value>) {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    match *kind {
        Kind::Number { min, max } => {
            let beyond = |end: f64, sign: f64| end + sign * (end.abs() * 1e-9).max(1e-300);
            if min == POSITIVE {
                refused.extend([json!(0.0), json!(-1.0)]);
            } else if min.is_finite() {
                taken.push(json!(min));
                refused.push(json!(beyond(min, -1.0)));
            }
            if max.is_finite() {
                taken.push(json!(max));
                refused.push(json!(beyond(max, 1.0)));
            }
        }
        Kind::Count { min, max } => {
            taken.extend([json!(min), json!(max)]);
            refused.extend(min.checked_sub(1).map(Value::from));
            refused.extend(max.checked_add(1).map(Value::from));
        }
        Kind::Choice(_) | Kind::List { .. } | Kind::Table(_) => {}
    }
    (taken, refused)
}

/// A table with every default, and a value in the middle of the range where there is none.
fn defaults(parameters: &[Parameter]) -> Value {
    let value = |parameter: &Parameter| match (parameter.default, parameter.kind) {
        (DefaultValue::Number(number), _) => json!(number),
        (DefaultValue::Count(count), _) => json!(count),
        (DefaultValue::Choice(word), _) => json!(word),
        (DefaultValue::Derived(_), _) => Value::Null,
        (DefaultValue::Required, _) => json!(10.0),
    };
    let entries = parameters.iter().map(|parameter| (parameter.name.to_owned(), value(parameter)));
    entries.collect::<Map<_, _>>().into()
}

/// Every end of every range of `table`, which `of` has. `build` gets the whole table and says what
/// is wrong with it.
fn check(
    of: &str,
    table: &Value,
    parameters: &[Parameter],
    build: &dyn Fn(Value) -> Result<(), String>,
) {
    let set = |table: &Value, name: &str, value: Value| {
        let mut table = table.clone();
        table[name] = value;
        table
    };
    // What one choice does not use need be checked with another only.
    let mut choices = vec![table.clone()];
    for parameter in parameters {
        if let Kind::Choice(words) = parameter.kind {
            choices.extend(words.iter().map(|word| set(table, parameter.name, json!(word))));
        }
    }
    for parameter in parameters {
        let name = parameter.name;
        let with = |value: Value| set(table, name, value);
        if let Kind::Table(parts) = parameter.kind {
            let part = |inner: Value| build(with(inner));
            check(&format!("{of}: {name}"), &defaults(parts), parts, &part);
            continue;
        }
        let (taken, refused) = ends(&parameter.kind);
        for value in taken {
            // A limit, its own or another's, may refuse an end.
            let limit = |error: &str| {
                let limited = parameters.iter().filter(|one| !one.limit.is_empty());
                limited.map(|one| one.name).any(|limited| error.contains(limited))
            };
            if let Err(error) = build(with(value.clone())) {
                assert!(limit(&error), "{of}: {name}: {value}: {error}");
            }
        }
        for value in refused {
            let built: Vec<_> =
                choices.iter().map(|table| build(set(table, name, value.clone()))).collect();
            let named = |built: &Result<(), String>| {
                built.as_ref().is_err_and(|error| error.contains(name))
            };
            assert!(built.iter().any(named), "{of}: {name}: {value}: {built:?}");
        }
    }
}

fn generator(
    version: GeneratorVersion,
    signal: Signal,
    effects: Effects,
    rate_hz: f64,
) -> Result<(), String> {
    let spec = SourceSpec { effects, ..SourceSpec::new(version, signal, rate_hz, 1) };
    Generator::new(&spec).map(drop).map_err(|error| error.to_string())
}

#[test]
fn of_signals() {
    // The EEG checks what its paradigm and its artefacts use, and not every declared end.
    for kind in SignalKind::ALL.iter().filter(|kind| kind.info().name != "eeg") {
        let specimen = kind.specimen();
        let versions = GeneratorVersion::ALL.into_iter();
        let version = versions.into_iter().find(|version| specimen.is_in(*version)).unwrap();
        let table = serde_json::to_value(specimen).unwrap()[kind.variant()].clone();
        let build = |table: Value| {
            let signal = serde_json::from_value(json!({ kind.variant(): table }));
            let signal: Signal = signal.map_err(|error| format!("{table} {error}"))?;
            generator(version, signal, Effects::NONE, kind.specimen_rate_hz())
        };
        build(table.clone()).unwrap();
        check(kind.info().name, &table, kind.info().parameters, &build);
    }
}

/// Signals of one version that take a parameter of the same name declare it alike: the reference has
/// one row for it, the command line one option.
#[test]
fn of_a_name_that_several_signals_have() {
    let all: Vec<_> = SignalKind::ALL.iter().collect();
    let mut shared = 0;
    for (i, one) in all.iter().enumerate() {
        for other in &all[i + 1..] {
            let of = |kind: &SignalKind| {
                GeneratorVersion::ALL.map(|version| kind.specimen().is_in(version))
            };
            if of(one) != of(other) {
                continue;
            }
            for parameter in one.info().parameters {
                let same = other.info().parameters.iter().find(|same| same.name == parameter.name);
                let Some(same) = same else { continue };
                let declared =
                    |one: &Parameter<'static>| (one.unit, one.kind, one.default, one.limit);
                assert_eq!(declared(parameter), declared(same), "{}", parameter.name);
                shared += 1;
            }
        }
    }
    assert!(shared >= 3, "{shared}");
}

#[test]
fn of_effects() {
    let white = SignalKind::ALL.iter().find(|kind| kind.info().name == "white_noise").unwrap();
    let build = |table: Value| {
        let effects = serde_json::from_value(table.clone());
        let effects: Effects = effects.map_err(|error| format!("{table} {error}"))?;
        generator(GeneratorVersion::V2, white.specimen(), effects, 250.0)
    };
    check("v2", &defaults(Effects::PARAMETERS), Effects::PARAMETERS, &build);
}

#[test]
fn of_kernels() {
    let shape = KernelShape { channels: 2, window: 160, hop: 80, sample_rate_hz: 250.0 };
    for name in KernelName::ALL {
        let table = serde_json::to_value(KernelSpec::with_defaults(name)).unwrap();
        let table = table[name.as_str()].clone();
        let build = |table: Value| {
            let spec = serde_json::from_value(json!({ name.as_str(): table }));
            let spec: KernelSpec = spec.map_err(|error| format!("{table} {error}"))?;
            spec.build(shape).map(drop).map_err(|error| error.to_string())
        };
        build(table.clone()).unwrap();
        check(name.as_str(), &table, name.info().parameters, &build);
    }
}
