//! Single values of a configuration: ranges and choices, each with the place to complain about.

use crate::config::mistakes::not_a_choice;
use crate::config::{At, Problem};

/// The value, when it is in `min..=max`.
pub(crate) fn whole(
    name: &str,
    at: Option<At<u64>>,
    min: u64,
    max: u64,
) -> Result<Option<u64>, Problem> {
    match at {
        Some(at) if at.value < min || at.value > max => Err(Problem::at(
            at.position,
            format!("{name} must be a whole number from {min} to {max}, but it is {}", at.value),
        )),
        at => Ok(at.map(|at| at.value)),
    }
}

/// The value, when it is above zero; tables hold finite numbers only.
pub(crate) fn positive(name: &str, at: At<f64>) -> Result<f64, Problem> {
    if at.value > 0.0 {
        Ok(at.value)
    } else {
        let message = format!("{name} must be a number above 0, but it is {}", at.value);
        Err(Problem::at(at.position, message))
    }
}

/// The choice that the text names.
pub(crate) fn choice<T: Copy>(
    name: &str,
    at: &At<String>,
    choices: &[T],
    spelling: impl Fn(T) -> &'static str,
) -> Result<T, Problem> {
    if let Some(found) = choices.iter().find(|choice| spelling(**choice) == at.value) {
        return Ok(*found);
    }
    let names: Vec<&str> = choices.iter().map(|choice| spelling(*choice)).collect();
    Err(Problem::at(at.position, not_a_choice(name, &at.value, &names)))
}
