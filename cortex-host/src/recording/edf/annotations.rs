//! EDF+ annotations: time-stamped lists in the records of an "EDF Annotations" signal.
//!
//! Source: Kemp & Olivan 2003, section 2.2. A list is `onset [0x15 duration] 0x14 text 0x14
//! ... 0x00`; the first list of each record keeps the record's own time and has an empty
//! first text.

use std::fs::File;
use std::path::Path;

use super::header::Header;
use crate::recording::DatasetError;
use crate::recording::events::{Event, MOST_EVENTS};
use crate::recording::layout::read_at;

/// Most bytes of annotations in one record, and of event texts in a file: beyond every real
/// recording, and a bound on memory.
const MOST_RECORD_BYTES: u64 = 1024 * 1024;
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What the annotation signals say.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Whether the file has annotation signals at all.
    pub has_annotations: bool,
    /// Onset of the first record in seconds after the start in the header (below 1 s).
    pub start_s: f64,
    /// Events in order of onset, relative to the first sample.
    pub events: Vec<Event>,
    /// The first record that does not begin where the one before ends.
    pub gap: Option<Gap>,
}

/// A record that begins too early or too late.
#[derive(Debug)]
pub struct Gap {
    /// The record, counted from 1.
    pub record: u64,
    /// Where it begins, in seconds from the first sample.
    pub onset_s: f64,
    /// Where the record before it ends.
    pub expected_s: f64,
}

/// One time-stamped list.
#[derive(Debug, PartialEq)]
struct Stamped {
    onset_s: f64,
    duration_s: Option<f64>,
    texts: Vec<String>,
}

/// Reads all annotations of a file with `records` records.
///
/// # Errors
/// The file cannot be read, a record's time is missing in a discontinuous file, or the
/// annotations exceed the bounds above.
pub fn read(
    file: &mut File,
    path: &Path,
    header: &Header,
    records: u64,
    notes: &mut Vec<String>,
) -> Result<Timeline, DatasetError> {
    let width = if header.bdf { 3 } else { 2 };
    let mut timeline = Timeline::default();
    let mut unreadable = 0_u64;
    let mut text_bytes = 0_u64;
    let mut first_onset = None;
    let signals: Vec<_> = header.signals.iter().filter(|s| s.is_annotations()).collect();
    for (index, signal) in signals.iter().enumerate() {
        timeline.has_annotations = true;
        let bytes = signal.record_samples * width;
        if bytes == 0 {
            continue;
        }
        if bytes > MOST_RECORD_BYTES {
            return Err(DatasetError::format(
                path,
                format!("{bytes} bytes of annotations in each record; no recorder writes that"),
            ));
        }
        let mut block = vec![0; bytes as usize];
        for record in 0..records {
            let at = header.header_bytes + record * header.record_bytes + signal.offset;
            read_at(file, at, &mut block).map_err(DatasetError::io("read", path))?;
            // Every text ends with 0x14: no more of them than that.
            let most_texts = block.iter().filter(|byte| **byte == 0x14).count();
            if most_texts > MOST_EVENTS {
                return Err(too_many(path));
            }
            let (lists, bad) = parse(&block);
            unreadable += bad;
            if index == 0 {
                let onset = lists.first().map(|list| list.onset_s);
                let start = *first_onset.get_or_insert(onset.unwrap_or(0.0));
                check_time(&mut timeline, header, path, record, onset.map(|at| at - start))?;
            }
            for (position, list) in lists.into_iter().enumerate() {
                let keeps_time = index == 0 && position == 0;
                for (which, text) in list.texts.into_iter().enumerate() {
                    if keeps_time && which == 0 && text.is_empty() {
                        continue;
                    }
                    text_bytes += text.len() as u64;
                    timeline.events.push(Event {
                        onset_s: list.onset_s,
                        duration_s: list.duration_s,
                        label: text,
                    });
                }
            }
            if timeline.events.len() > MOST_EVENTS || text_bytes > MOST_BYTES {
                return Err(too_many(path));
            }
        }
    }
    timeline.start_s = first_onset.unwrap_or(0.0);
    for event in &mut timeline.events {
        event.onset_s = rounded(event.onset_s - timeline.start_s);
    }
    timeline.events.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
    if unreadable > 0 {
        notes.push(format!("{unreadable} annotations could not be read and are left out"));
    }
    Ok(timeline)
}

fn too_many(path: &Path) -> DatasetError {
    let problem = format!("more than {MOST_EVENTS} annotations or {MOST_BYTES} bytes of them");
    DatasetError::format(path, problem)
}

/// Notes the first record whose onset (from the first sample) is not where it should be.
fn check_time(
    timeline: &mut Timeline,
    header: &Header,
    path: &Path,
    record: u64,
    onset_s: Option<f64>,
) -> Result<(), DatasetError> {
    let expected_s = record as f64 * header.record_duration_s;
    match onset_s {
        None if header.discontinuous => Err(DatasetError::format(
            path,
            format!("EDF+D, but record {} does not say when it begins", record + 1),
        )),
        // A microsecond is below half a sample at any rate met in practice.
        Some(onset_s) if timeline.gap.is_none() && (onset_s - expected_s).abs() > 1e-6 => {
            timeline.gap = Some(Gap {
                record: record + 1,
                onset_s: rounded(onset_s),
                expected_s: rounded(expected_s),
            });
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The lists in one record's block, and how many could not be read.
fn parse(block: &[u8]) -> (Vec<Stamped>, u64) {
    let mut lists = Vec::new();
    let mut unreadable = 0;
    for list in block.split(|byte| *byte == 0).filter(|list| !list.is_empty()) {
        match parse_list(list) {
            Some(list) => lists.push(list),
            None => unreadable += 1,
        }
    }
    (lists, unreadable)
}

fn parse_list(list: &[u8]) -> Option<Stamped> {
    let list = String::from_utf8_lossy(list);
    // Every text ends with 0x14, the last one too.
    let mut parts = list.strip_suffix('\u{14}')?.split('\u{14}');
    let stamp = parts.next()?;
    let (onset, duration) = match stamp.split_once('\u{15}') {
        Some((onset, duration)) => (onset, Some(duration)),
        None => (stamp, None),
    };
    if !onset.starts_with(['+', '-']) {
        return None;
    }
    let duration_s = match duration {
        Some(duration) => Some(decimal(duration)?),
        None => None,
    };
    Some(Stamped {
        onset_s: decimal(onset)?,
        duration_s,
        texts: parts.map(str::to_owned).collect(),
    })
}

/// A plain decimal number: a sign, digits, at most one point.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    plain.then(|| text.parse::<f64>().ok()).flatten().filter(|value| value.is_finite())
}

/// Rounded to a nanosecond, so that a difference of decimals reads as a decimal again.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_specification() {
        let block = b"+0\x14\x14\0+12.5\x151.2\x14a\x14b\x14\0-0.065\x14Pre\x14\0\0\0";
        let (lists, unreadable) = parse(block);
        assert_eq!(unreadable, 0);
        let list = |onset_s, duration_s, texts: &[&str]| Stamped {
            onset_s,
            duration_s,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        assert_eq!(
            lists,
            [
                list(0.0, None, &[""]),
                list(12.5, Some(1.2), &["a", "b"]),
                list(-0.065, None, &["Pre"])
            ]
        );
    }

    #[test]
    fn broken_lists_are_counted_not_taken() {
        let (lists, unreadable) = parse(b"0\x14x\x14\0+1\x14x\0+nan\x14x\x14\0+1\x15\x14x\x14\0");
        assert!(lists.is_empty());
        assert_eq!(unreadable, 4);
    }
}
