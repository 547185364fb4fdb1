//! Events from files: tables of tab-separated values with a column `onset` in seconds (BIDS
//! `_events.tsv`), and the `.spikes.npy` that `generate` writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::mark::Mark;
use crate::base::{Failure, quoted};
use crate::generate::truth::is_artefact;
use crate::recording::spike_table::{self, SpikeTruth};
use crate::recording::tables::{Row, Table};

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
    let table = Table::parse(text);
    let [onset, label, electrode] =
        ["onset", "trial_type", "electrode"].map(|name| table.column(name));
    if onset.is_none() {
        let problem = "has no column onset; the first line names the columns, between tabs";
        return Err((1, problem.into()));
    }
    let mark = |row: &Row| {
        let onset_s = row.number(onset, "onset")?.ok_or("has no onset")?;
        let number = |text: &str| {
            text.parse().map_err(|_| format!("electrode is {}, not a number", quoted(text)))
        };
        let electrode = row.text(electrode).map(number).transpose()?;
        Ok::<Mark, String>(Mark { onset_s, label: row.text(label).map(str::to_owned), electrode })
    };
    let marks = table.rows().iter().map(|row| mark(row).map_err(|problem| (row.line, problem)));
    let marks = marks.collect::<Result<Vec<_>, _>>()?;
    let artefact = |mark: &Mark| mark.label.as_deref().is_some_and(is_artefact);
    Ok(marks.into_iter().filter(|mark| !artefact(mark)).collect())
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
