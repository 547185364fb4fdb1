//! Tables that declared parameters describe: of kernels and signals, built in or loaded.

use cortex_core::parameter::{DefaultValue, Kind, POSITIVE, Parameter};

use super::decode;
use super::mistakes::{join, not_a_choice, unknown_key};
use super::{Entry, Node, Problem};

/// Checks the table `node`, which stands at `path`: known keys only, all that are required, each
/// value of its type and in its range. What depends on other values is not checked here.
///
/// # Errors
/// [`Problem`] at the place of the first mistake.
pub fn check(node: &Node, path: &str, parameters: &[Parameter]) -> Result<(), Problem> {
    let entries = decode::entries(node, path)?;
    for entry in entries {
        let parameter = parameters.iter().find(|parameter| parameter.name == entry.key);
        match parameter {
            Some(parameter) => check_value(entry, path, parameter)?,
            None => {
                let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
                return Err(unknown_key(entry, path, &known));
            }
        }
    }
    let missing = parameters.iter().find(|parameter| {
        parameter.default == DefaultValue::Required && node.entry(parameter.name).is_none()
    });
    match missing {
        None => Ok(()),
        Some(Parameter { name, unit, .. }) => {
            let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
            let message = format!("{} is missing; give it{unit}", join(path, name));
            Err(Problem::at(node.position, message))
        }
    }
}

fn check_value(entry: &Entry, path: &str, parameter: &Parameter) -> Result<(), Problem> {
    let name = join(path, parameter.name);
    let refuse = |message: String| Err(Problem::at(entry.node.position, message));
    match parameter.kind {
        Kind::Number { min, max } => {
            let value: f64 = decode::entry(entry, path)?;
            if value >= min && value <= max {
                return Ok(());
            }
            if min > 0.0 && value <= 0.0 {
                return refuse(format!("{name} must be a number above 0, but it is {value}"));
            }
            let range = number_range(min, max);
            refuse(format!("{name} must be a number {range}, but it is {value}"))
        }
        Kind::Count { min, max } => {
            let value: u64 = decode::entry(entry, path)?;
            if value >= min && value <= max {
                return Ok(());
            }
            refuse(format!("{name} must be a whole number from {min} to {max}, but it is {value}"))
        }
        Kind::Choice(choices) => {
            let value: String = decode::entry(entry, path)?;
            if choices.contains(&value.as_str()) {
                return Ok(());
            }
            refuse(not_a_choice(&name, &value, choices))
        }
        Kind::List { min, max, of } => {
            let list: Vec<Node> = decode::entry(entry, path)?;
            if list.len() < min || list.len() > max {
                let held = list.len();
                return refuse(format!(
                    "{name} must hold {min} to {max} of them, but it holds {held}"
                ));
            }
            let mut items = list.iter().enumerate();
            items.try_for_each(|(index, item)| check(item, &format!("{name}[{index}]"), of))
        }
        Kind::Table(of) => check(&decode::entry::<Node>(entry, path)?, &name, of),
    }
}

/// The range of a value in words, with what else it must obey: `3 to 8193`, `above 0, below half
/// the sample rate`.
#[must_use]
pub fn range_words(parameter: &Parameter) -> String {
    let range = match parameter.kind {
        Kind::Number { min, max } => number_range(min, max),
        Kind::Count { min, max } => format!("{min} to {max}"),
        Kind::Choice(choices) => choices.join(" or "),
        Kind::List { min, max, .. } => format!("{min} to {max} of them"),
        Kind::Table(of) => {
            let all = of.iter().all(|part| part.default == DefaultValue::Required);
            (if all { "all its keys" } else { "any of its keys" }).into()
        }
    };
    let parts = [range.as_str(), parameter.limit];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// The default in words; `None` for a value that must be given.
#[must_use]
pub fn default_words(parameter: &Parameter) -> Option<String> {
    match parameter.default {
        DefaultValue::Required => None,
        DefaultValue::Number(number) => Some(format!("{number:?}")),
        DefaultValue::Count(count) => Some(count.to_string()),
        DefaultValue::Choice(word) | DefaultValue::Derived(word) => Some(word.to_owned()),
    }
}

/// `1 to 2`, `above 0`, `0 or above`.
fn number_range(min: f64, max: f64) -> String {
    match (min, max) {
        (POSITIVE, f64::INFINITY) => "above 0".into(),
        (f64::NEG_INFINITY, f64::INFINITY) => "any".into(),
        (f64::NEG_INFINITY, max) => format!("at most {}", short(max)),
        (min, f64::INFINITY) => format!("{} or above", short(min)),
        (min, max) => format!("{} to {}", short(min), short(max)),
    }
}

/// The number without a row of zeros.
fn short(number: f64) -> String {
    if number == 0.0 || (1e-3..1e7).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}
