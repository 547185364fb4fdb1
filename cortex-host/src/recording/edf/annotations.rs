//! EDF+ annotations: time-stamped lists in the records of an "EDF Annotations" signal.
//!
//! Source: Kemp & Olivan 2003, section 2.2. A list is `onset [0x15 duration] 0x14 text 0x14
//! ... 0x00`; the first list of each record keeps the record's own time and has an empty
//! first text.

use std::fs::File;
use std::path::Path;

use super::header::Header;
use crate::recording::DatasetError;
use crate::recording::encoding::decode;
use crate::recording::events::{Event, MOST_EVENTS};
use crate::recording::plane_reader::read_at;

/// Most bytes of annotations in one record, and of event texts in a file: beyond every real
/// recording, and a bound on memory.
pub(super) const MOST_RECORD_BYTES: u64 = 1024 * 1024;
pub(super) const MOST_BYTES: u64 = 16 * 1024 * 1024;

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

/// Reads all annotations of a file with `records` records, whose samples lie `sample_s` seconds
/// apart.
///
/// # Errors
/// The file cannot be read, nothing says when the records of a discontinuous file begin, or the
/// annotations exceed the bounds above.
pub fn read(
    file: &mut File,
    path: &Path,
    header: &Header,
    records: u64,
    sample_s: f64,
    notes: &mut Vec<String>,
) -> Result<Timeline, DatasetError> {
    let width = if header.bdf { 3 } else { 2 };
    let mut timeline = Timeline::default();
    let mut lost = Losses::default();
    let mut clock = Clock { record_s: header.record_duration_s, sample_s, late_s: 0.0 };
    let mut text_bytes = 0_u64;
    let mut first_onset = None;
    let signals: Vec<_> = header.signals.iter().filter(|s| s.is_annotations()).collect();
    if header.discontinuous && records > 1 && signals.iter().all(|s| s.record_samples == 0) {
        return Err(DatasetError::format(
            path,
            "EDF+D, a recording that may have gaps, but nothing in it says when its records begin; export it again as EDF+C, or with its annotations",
        ));
    }
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
            let lists = parse(&block, &mut lost);
            if index == 0 {
                let onset = lists.first().map(|list| list.onset_s);
                let start = *first_onset.get_or_insert(onset.unwrap_or(0.0));
                match onset {
                    None if header.discontinuous => {
                        return Err(DatasetError::format(
                            path,
                            format!("EDF+D, but record {} does not say when it begins", record + 1),
                        ));
                    }
                    Some(onset) if timeline.gap.is_none() => {
                        timeline.gap = clock.check(record, onset - start);
                    }
                    _ => {}
                }
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
    lost.tell(notes);
    Ok(timeline)
}

fn too_many(path: &Path) -> DatasetError {
    let problem = format!("more than {MOST_EVENTS} annotations or {MOST_BYTES} bytes of them");
    DatasetError::format(path, problem)
}

/// When records should begin.
struct Clock {
    record_s: f64,
    sample_s: f64,
    /// How much later than counted the last records began on average, in seconds.
    late_s: f64,
}

impl Clock {
    /// Records over which lateness is averaged.
    const MEMORY: u64 = 64;

    /// The gap before `record`, if it begins at `onset_s` (from the first sample) although the
    /// records before it say otherwise.
    ///
    /// Onsets are written with few digits: half a sample off is no gap. A length of records that
    /// is itself rounded makes them drift by more than that in the end, but slowly.
    fn check(&mut self, record: u64, onset_s: f64) -> Option<Gap> {
        // A nanosecond for the doubles that the decimals have become.
        let half_s = 0.5 * self.sample_s + 1e-9;
        let counted_s = record as f64 * self.record_s;
        let late_s = onset_s - counted_s;
        let step_s = late_s - self.late_s;
        if late_s.abs() > half_s && step_s.abs() > half_s {
            return Some(Gap {
                record: record + 1,
                onset_s: rounded(onset_s),
                expected_s: rounded(counted_s + self.late_s),
            });
        }
        self.late_s += step_s / (record + 1).min(Self::MEMORY) as f64;
        None
    }
}

/// What of the annotations is not kept as it was.
#[derive(Debug, Default, PartialEq)]
struct Losses {
    unreadable: u64,
    recoded: u64,
    negative: u64,
}

impl Losses {
    fn tell(&self, notes: &mut Vec<String>) {
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                let annotations = if count == 1 { "annotation" } else { "annotations" };
                notes.push(format!("{count} {annotations} {what}"));
            }
        };
        note(self.unreadable, "could not be read and left out");
        note(self.recoded, "not in UTF-8, read as Windows-1252");
        note(self.negative, "with a duration below 0, kept without a duration");
    }
}

/// The lists in one record's block.
fn parse(block: &[u8], lost: &mut Losses) -> Vec<Stamped> {
    let lists = block.split(|byte| *byte == 0).filter(|list| !list.is_empty());
    lists
        .filter_map(|list| {
            let parsed = parse_list(list, lost);
            lost.unreadable += u64::from(parsed.is_none());
            parsed
        })
        .collect()
}

fn parse_list(list: &[u8], lost: &mut Losses) -> Option<Stamped> {
    let (list, utf8) = decode(list);
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
    let onset_s = decimal(onset)?;
    lost.recoded += u64::from(!utf8);
    lost.negative += u64::from(duration_s.is_some_and(|duration| duration < 0.0));
    Some(Stamped {
        onset_s,
        duration_s: duration_s.filter(|duration| *duration >= 0.0),
        texts: parts.map(str::to_owned).collect(),
    })
}

/// A plain decimal number: a sign, digits, at most one point.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    plain.then(|| text.parse::<f64>().ok()).flatten().filter(|value| value.is_finite())
}

/// Rounded to a nanosecond, so that a difference of decimals reads as a decimal again.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_specification() {
        let block = b"+0\x14\x14\0+12.5\x151.2\x14a\x14b\x14\0-0.065\x14Pre\x14\0\0\0";
        let mut lost = Losses::default();
        let lists = parse(block, &mut lost);
        assert_eq!(lost, Losses::default());
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
        let mut lost = Losses::default();
        let block = b"0\x14x\x14\0+1\x14x\0+nan\x14x\x14\0+1\x15\x14x\x14\0";
        assert!(parse(block, &mut lost).is_empty());
        assert_eq!(lost, Losses { unreadable: 4, ..Losses::default() });
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut lost = Losses::default();
        let lists = parse(b"+1\x15-1\x14caf\xe9\x14\0", &mut lost);
        assert_eq!(lists[0].texts, ["café"]);
        assert_eq!(lists[0].duration_s, None);
        let mut notes = Vec::new();
        lost.tell(&mut notes);
        assert_eq!(notes.len(), 2, "{notes:?}");
    }

    #[test]
    fn rounded_onsets_are_no_gap_and_a_sample_is() {
        // 900 Hz, records of 1/3 s written as 0.3333332, onsets in milliseconds.
        let check = |onsets: &[f64]| {
            let mut clock = Clock { record_s: 0.333_333_2, sample_s: 1.0 / 900.0, late_s: 0.0 };
            onsets.iter().zip(0..).find_map(|(onset, record)| clock.check(record, *onset))
        };
        let onset = |record: i32| (f64::from(record) / 3.0 * 1e3).round() / 1e3;
        let long: Vec<f64> = (0..30_000).map(onset).collect();
        assert!(check(&long).is_none(), "the length of records is rounded too");
        let gap = check(&[0.0, 0.333, 0.668, 1.001]).unwrap();
        assert_eq!((gap.record, gap.onset_s), (3, 0.668));
        assert!(check(&[0.0, 0.333, 0.666, 0.9]).is_some(), "records that overlap");
    }
}
