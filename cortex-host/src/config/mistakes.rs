//! What is said of wrong keys and values: what was expected, what is there, what to do.

use super::error::Problem;
use super::node::{Entry, Node};
use crate::base::{listed, nearest, quoted};

/// The problem of a key that the mapping at `path` does not have.
#[must_use]
pub fn unknown_key(entry: &Entry, path: &str, known: &[&str]) -> Problem {
    let place = if path.is_empty() { String::new() } else { format!(" in {path}") };
    let advice =
        match (belongs_elsewhere(&entry.key, path), nearest(&entry.key, known.iter().copied())) {
            (Some(advice), _) => advice,
            (None, Some(meant)) => format!("did you mean {}?", quoted(meant)),
            (None, None) => format!("the keys known here are {}", some_of(known)),
        };
    Problem::at(entry.position, format!("unknown key {}{place}; {advice}", quoted(&entry.key)))
}

/// The names, as many as one message can hold.
fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 24;
    match names.get(..SHOWN) {
        Some(shown) if names.len() > SHOWN => {
            let more = names.len() - SHOWN;
            format!("{} and {more} more (see cortex-host schema)", listed(shown.iter().copied()))
        }
        _ => listed(names.iter().copied()),
    }
}

/// `value must be EXPECTED, but it is …`.
#[must_use]
pub fn wrong(node: &Node, path: &str, expected: &str) -> Problem {
    let name = if path.is_empty() { "the configuration" } else { path };
    Problem::at(node.position, format!("{name} must be {expected}, but it is {}", node.describe()))
}

/// `name must be one of a, b, but it is "c"`.
#[must_use]
pub fn not_a_choice(name: &str, word: &str, choices: &[&str]) -> String {
    let hint = match nearest(word, choices.iter().copied()) {
        Some(meant) => format!("; did you mean {}?", quoted(meant)),
        None => String::new(),
    };
    let known = listed(choices.iter().copied());
    format!("{name} must be one of {known}, but it is {}{hint}", quoted(word))
}

/// `a.b`, or `b` at the top.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Advice for keys that are right in another place or in other tools' files.
fn belongs_elsewhere(key: &str, path: &str) -> Option<String> {
    let here = path.split(['.', '[']).next().unwrap_or_default();
    let place = match key {
        "window_samples" | "window_length_samples" => "kernels[].window",
        "hop_samples" => "kernels[].hop",
        "deadline_ms" => "kernels[].deadline_us, in microseconds",
        "plugins" if here.is_empty() => "kernels",
        "path" | "channels" | "sample_rate_hz" if here != "dataset" => match key {
            "path" => "dataset.path",
            "channels" => "dataset.channels",
            _ => "dataset.sample_rate_hz",
        },
        "signal_type" | "duration_s" | "seed" | "amplitude_uv_rms" | "amplitude_uv_peak"
        | "frequency_hz" | "low_corner_hz"
            if path == "dataset" || here.is_empty() =>
        {
            return Some(format!("move it to dataset.params.{key}"));
        }
        "warmup_windows" | "duration_seconds" | "repeat_count" | "pace" if here != "execution" => {
            return Some(format!("move it to execution.{key}"));
        }
        _ => return None,
    };
    Some(format!("use {place}"))
}
