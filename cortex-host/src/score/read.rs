//! Events from files: tables of tab-separated values with a column `onset` in seconds (BIDS
//! `_events.tsv`), and the `.spikes.npy` that `generate` writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::mark::Mark;
use crate::base::{Failure, quoted};
use crate::generate::truth::is_artefact;
use crate::recording::spike_table::{self, SpikeTruth};

/// Why a file of events cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The file itself.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// What is in it.
    #[error("{path}{line}: {problem}", path = path.display(), line = line.map_or_else(String::new, |line| format!(":{line}")))]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, from 1, if it has lines.
        line: Option<usize>,
        /// What is wrong, and what to do.
        problem: String,
    },
}

impl From<ScoreError> for Failure {
    fn from(error: ScoreError) -> Self {
        Failure::input_output(error.to_string())
    }
}

/// The events of the file at `path`, in its order. Spikes are at `sample / rate_hz`; artefacts of an
/// EEG are left out, since they are not what a detector or classifier is asked for.
///
/// # Errors
/// [`ScoreError`] names the file, and the line where it is a table.
pub fn read(path: &Path, rate_hz: Option<f64>) -> Result<Vec<Mark>, ScoreError> {
    let bytes =
        fs::read(path).map_err(|source| ScoreError::Io { path: path.to_owned(), source })?;
    let refuse = |line: Option<usize>, problem: String| ScoreError::Format {
        path: path.to_owned(),
        line,
        problem,
    };
    if bytes.starts_with(b"\x93NUMPY") {
        return spikes(&bytes, rate_hz).map_err(|problem| refuse(None, problem));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| refuse(None, "is neither a table of text nor a .spikes.npy".to_owned()))?;
    table(text).map_err(|(line, problem)| refuse(Some(line), problem))
}

/// The spikes of a file that `generate` wrote.
fn spikes(bytes: &[u8], rate_hz: Option<f64>) -> Result<Vec<Mark>, String> {
    let table = spike_table::spikes(bytes, bytes.len() as u64).ok().flatten();
    let Some(table) = table else {
        return Err(
            "is no .spikes.npy of generate; give one, or a table with a column onset".into()
        );
    };
    let Some(rate_hz) = rate_hz else {
        return Err("has samples, not seconds; give --sample-rate-hz".into());
    };
    let mark = |spike: SpikeTruth| Mark {
        onset_s: spike.sample as f64 / rate_hz,
        label: Some(format!("unit-{}", spike.unit)),
        electrode: Some(spike.electrode),
    };
    table.map(|spike| spike.map(mark).map_err(|error| error.to_string())).collect()
}

/// The rows of a table, whose first line names its columns.
fn table(text: &str) -> Result<Vec<Mark>, (usize, String)> {
    let mut lines = text.lines().enumerate();
    let head: Vec<String> =
        lines.next().map_or_else(Vec::new, |(_, line)| line.split('\t').map(cell).collect());
    let column = |name: &str| head.iter().position(|known| known == name);
    let Some(onset) = column("onset") else {
        let problem = "has no column onset; the first line names the columns, between tabs";
        return Err((1, problem.into()));
    };
    let (label, electrode) = (column("trial_type"), column("electrode"));
    let mut marks = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<String> = line.split('\t').map(cell).collect();
        let text = |column: Option<usize>| {
            cells.get(column?).filter(|text| !text.is_empty() && *text != "n/a")
        };
        let bad = |name: &str, text: &str| {
            (index + 1, format!("{name} is {}, not a number", quoted(text)))
        };
        let Some(onset) = text(Some(onset)) else {
            return Err((index + 1, "has no onset".into()));
        };
        let onset_s: f64 = onset.parse().map_err(|_| bad("onset", onset))?;
        if !onset_s.is_finite() {
            return Err(bad("onset", onset));
        }
        let electrode = text(electrode);
        let electrode =
            electrode.map(|text| text.parse().map_err(|_| bad("electrode", text))).transpose()?;
        let label = text(label).cloned();
        if !label.as_deref().is_some_and(is_artefact) {
            marks.push(Mark { onset_s, label, electrode });
        }
    }
    Ok(marks)
}

/// A cell without its quotes.
fn cell(text: &str) -> String {
    let text = text.trim_matches([' ', '\r', '\u{feff}']);
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::npy::table_header;
    use crate::recording::spike_table::SPIKE_TYPE;

    #[test]
    fn tables_of_events_are_read() {
        let text = "onset\tduration\ttrial_type\telectrode\n0.5\t0\ttarget\t3\n1\tn/a\tblink\tn/a\n\
                    2.25\t0\t\"a \"\"b\"\"\"\tn/a\n\n";
        let mark = |onset_s, label: &str, electrode| Mark {
            onset_s,
            label: Some(label.to_owned()),
            electrode,
        };
        let expected = vec![mark(0.5, "target", Some(3)), mark(2.25, "a \"b\"", None)];
        assert_eq!(table(text), Ok(expected));
        assert_eq!(table("sample\n5\n").unwrap_err().0, 1);
        assert_eq!(table("onset\n1\nx\n").unwrap_err(), (3, "onset is \"x\", not a number".into()));
        assert_eq!(table("onset\nNaN\n").unwrap_err().0, 2);
    }

    #[test]
    fn spikes_are_read_and_what_is_no_table_of_spikes_is_not() {
        let mut bytes = table_header(SPIKE_TYPE, 1);
        let spike = SpikeTruth { sample: 3_000, unit: 8, electrode: 1, amplitude_uv: 100.0 };
        bytes.extend_from_slice(&spike.to_bytes());
        let found = spikes(&bytes, Some(30_000.0)).expect("a table of spikes");
        let label = Some("unit-8".to_owned());
        assert_eq!(found, [Mark { onset_s: 0.1, label, electrode: Some(1) }]);
        assert!(spikes(&bytes, None).unwrap_err().contains("--sample-rate-hz"));
        bytes.push(0);
        assert!(spikes(&bytes, Some(1.0)).is_err());
        assert!(spikes(b"\x93NUMPY", Some(1.0)).is_err());
    }
}
