//! The tables beside a data file: events and channel names of formats that have no place for them.
//!
//! Source: Brain Imaging Data Structure 1.10, "Tabular files": tab-separated values whose first line
//! names the columns; a missing value is `n/a`.

use std::collections::HashSet;
use std::path::Path;

use super::events::{Event, MOST_EVENTS};
use super::shape::name_of;
use crate::base::quoted;
use crate::synthetic::TruthKind;

/// Longest table read, in bytes: some 250 a row of the most events.
const MOST_BYTES: u64 = 1 << 26;

/// A table of texts.
#[derive(Debug)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// A row of a [`Table`].
#[derive(Debug)]
pub struct Row {
    /// Its line in the file, from 1.
    pub line: usize,
    cells: Vec<String>,
}

impl Table {
    /// The table that `text` is; blank lines are no rows.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let cells = |line: &str| line.split('\t').map(cell).collect::<Vec<_>>();
        let mut lines = text.lines().zip(1..);
        let columns = lines.next().map_or_else(Vec::new, |(head, _)| cells(head));
        let rows = lines.filter(|(line, _)| !line.trim().is_empty());
        let rows = rows.map(|(text, line)| Row { line, cells: cells(text) }).collect();
        Self { columns, rows }
    }

    /// The place of the column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|known| known == name)
    }

    /// The rows in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl Row {
    /// The cell of `column`, if there is one and it has a value.
    #[must_use]
    pub fn text(&self, column: Option<usize>) -> Option<&str> {
        let text = self.cells.get(column?)?;
        (!text.is_empty() && text != "n/a").then_some(text)
    }

    /// The number in the cell of `column`, which is called `name`.
    ///
    /// # Errors
    /// It is no finite number.
    pub fn number(&self, column: Option<usize>, name: &str) -> Result<Option<f64>, String> {
        let Some(text) = self.text(column) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(format!("{name} is {}, not a number", quoted(text))),
        }
    }
}

/// A cell without its quotes.
fn cell(text: &str) -> String {
    let text = text.trim_matches([' ', '\r', '\u{feff}']);
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

/// The events beside `data`, in order of their onset; none without a table of them. A table that
/// cannot be read is no reason to refuse the samples: `notes` say so.
pub(super) fn events_beside(data: &Path, notes: &mut Vec<String>) -> Option<Vec<Event>> {
    let (path, table) = beside(data, TruthKind::Events, notes)?;
    match events(&table) {
        Ok(events) => Some(events),
        Err((line, problem)) => {
            notes.push(format!("{path}:{line}: {problem}; its events are left out"));
            None
        }
    }
}

fn events(table: &Table) -> Result<Vec<Event>, (usize, String)> {
    let [onset, duration, label] =
        ["onset", "duration", "trial_type"].map(|name| table.column(name));
    if onset.is_none() {
        return Err((1, "there is no column onset".to_owned()));
    }
    if table.rows().len() > MOST_EVENTS {
        return Err((MOST_EVENTS + 2, format!("more than {MOST_EVENTS} events")));
    }
    let event = |row: &Row| {
        let onset_s = row.number(onset, "onset")?.ok_or("there is no onset")?;
        let duration_s = row.number(duration, "duration")?;
        let label = row.text(label).unwrap_or_default().to_owned();
        Ok::<Event, String>(Event { onset_s, duration_s, label })
    };
    let events = table.rows().iter().map(|row| event(row).map_err(|problem| (row.line, problem)));
    let mut events = events.collect::<Result<Vec<_>, _>>()?;
    events.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
    Ok(events)
}

/// The names of `count` channels beside `data`, each once; none without a table of as many.
pub(super) fn names_beside(
    data: &Path,
    count: usize,
    notes: &mut Vec<String>,
) -> Option<Vec<String>> {
    let (path, table) = beside(data, TruthKind::Channels, notes)?;
    let column = table.column("name");
    let names = table.rows().iter().map(|row| row.text(column).map(str::to_owned));
    let names = names.collect::<Option<Vec<_>>>();
    let distinct = |names: &Vec<String>| {
        names.len() == count && names.iter().collect::<HashSet<_>>().len() == count
    };
    let names = names.filter(distinct);
    if names.is_none() {
        notes.push(format!("{path} does not name {count} channels; its names are left out"));
    }
    names
}

/// The table of `kind` beside `data` and its file's name.
fn beside(data: &Path, kind: TruthKind, notes: &mut Vec<String>) -> Option<(String, Table)> {
    let path = kind.path(data);
    let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
    let name = name_of(&path);
    let text = match metadata.len() {
        0..=MOST_BYTES => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
        bytes => Err(format!("{bytes} bytes are no table")),
    };
    match text {
        Ok(text) => Some((name, Table::parse(&text))),
        Err(problem) => {
            notes.push(format!("{name} is left out: {problem}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_names_beside_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("x.npy");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        let mut notes = Vec::new();
        assert_eq!(events_beside(&data, &mut notes), None);
        assert_eq!(names_beside(&data, 2, &mut notes), None);
        assert!(notes.is_empty());

        write(
            "x_events.tsv",
            "onset\tduration\ttrial_type\n2\t0\t\"a \"\"b\"\"\"\n-0.5\tn/a\tn/a\n",
        );
        let event = |onset_s, duration_s, label: &str| Event {
            onset_s,
            duration_s,
            label: label.to_owned(),
        };
        let expected = vec![event(-0.5, None, ""), event(2.0, Some(0.0), "a \"b\"")];
        assert_eq!(events_beside(&data, &mut notes), Some(expected));
        write("x_channels.tsv", "name\ttype\nFp1\tEEG\nFp2\tEEG\n");
        let names = Some(vec!["Fp1".to_owned(), "Fp2".to_owned()]);
        assert_eq!(names_beside(&data, 2, &mut notes), names);
        assert!(notes.is_empty());

        assert_eq!(names_beside(&data, 3, &mut notes), None);
        write("x_events.tsv", "onset\n1\nx\n");
        assert_eq!(events_beside(&data, &mut notes), None);
        assert_eq!(
            notes,
            [
                "x_channels.tsv does not name 3 channels; its names are left out",
                "x_events.tsv:3: onset is \"x\", not a number; its events are left out"
            ]
        );
    }
}
