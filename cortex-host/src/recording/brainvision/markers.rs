//! Reading a `.vmrk`: events, the start of the recording, and where it was paused.

use crate::recording::events::{Event, MOST_EVENTS};

/// The type of the marker where a segment begins.
const SEGMENT: &str = "New Segment";

/// What a marker file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Markers {
    /// All markers but the first segment's start, in order of their onset.
    pub events: Vec<Event>,
    /// When the first segment began, as 20 digits.
    pub start: Option<String>,
}

/// One line `Mk<number>=<type>,<description>,<position>,<size>,<channel>,<date>`.
#[derive(Debug, PartialEq)]
struct Line {
    kind: String,
    description: String,
    /// From 1, in samples.
    position: f64,
    size: f64,
    /// 20 digits, or empty.
    date: String,
}

impl Markers {
    /// Reads the text of a marker file; what cannot be kept is told in `notes`.
    ///
    /// # Errors
    /// There are more markers than any recorder writes.
    pub(super) fn parse(text: &str, rate_hz: f64, notes: &mut Vec<String>) -> Result<Self, String> {
        let mut markers = Self::default();
        let mut unreadable = Vec::new();
        let mut outside = 0_u64;
        let mut pauses = Vec::new();
        let mut segment: Option<(f64, String)> = None;
        let infos = |line: &&str| !line.trim().eq_ignore_ascii_case("[marker infos]");
        if text.lines().all(|line| infos(&line)) {
            notes.push("the marker file has no section [Marker Infos]: no events".to_owned());
        }
        let lines = text.lines().skip_while(infos).skip(1);
        for text in lines.take_while(|line| !line.trim_start().starts_with('[')) {
            let Some((key, value)) = text.split_once('=') else { continue };
            if !key.trim_start().to_lowercase().starts_with("mk") {
                continue;
            }
            let Some(line) = Line::parse(value) else {
                unreadable.push(key.trim().to_owned());
                continue;
            };
            if markers.events.len() == MOST_EVENTS {
                return Err(format!("more than {MOST_EVENTS} markers; no recorder writes that"));
            }
            if line.kind.eq_ignore_ascii_case(SEGMENT) {
                let before = segment.replace((line.position, line.date.clone()));
                let pause = match before {
                    None if line.position <= 1.0 => {
                        markers.start = (!line.date.is_empty()).then_some(line.date);
                        continue;
                    }
                    // What stands before it was recorded at another time.
                    None => None,
                    Some(before) => pause_s(&before, (line.position, &line.date), rate_hz),
                };
                // It goes on where it stopped.
                if pause.is_some_and(|pause_s| (pause_s * rate_hz).abs() <= 0.5) {
                    continue;
                }
                pauses.push((line.position, pause));
            }
            outside += u64::from(line.position < 0.0);
            markers.events.push(line.event(rate_hz));
        }
        if let Some((position, pause)) = pauses.first() {
            notes.push(interruption(*position, rate_hz, *pause, pauses.len() - 1));
        }
        if !unreadable.is_empty() {
            let shown = crate::recording::channels::list(unreadable.iter());
            notes.push(format!("markers that cannot be read are left out: {shown}"));
        }
        if outside > 0 {
            notes.push(format!("{outside} markers stand before the first sample"));
        }
        markers.events.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
        Ok(markers)
    }
}

impl Line {
    /// Reads what follows `Mk<number>=`. Commas in type and description are escaped as `\1`;
    /// some writers leave them, which shows in fields that are no numbers where numbers belong.
    /// Others write the date 0 where they know none; a blank before the position is of a text.
    fn parse(value: &str) -> Option<Self> {
        let raw: Vec<&str> = value.split(',').collect();
        let fields: Vec<&str> = raw.iter().map(|field| field.trim()).collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let whole = |index: usize| number(field(index));
        let no_date = |at: usize| {
            let date = field(at + 3);
            at == 2
                && !date.is_empty()
                && date.bytes().all(|byte| byte == b'0')
                && raw.get(at).is_some_and(|field| !field.starts_with(' '))
        };
        let well_formed = |at: usize| {
            let date = field(at + 3);
            fields.len() <= at + 4
                // Nothing but a recognisable end of the line makes a comma part of a text.
                && (at == 2 || fields.len() >= at + 3)
                && whole(at).is_some()
                && (field(at + 1).is_empty() || whole(at + 1).is_some())
                && (field(at + 2).is_empty() || whole(at + 2).is_some())
                && (date.is_empty()
                    || date.bytes().all(|b| b.is_ascii_digit()) && date.len() == 20
                    || no_date(at))
        };
        let at = (2..fields.len()).find(|at| well_formed(*at)).or(whole(2).map(|_| 2))?;
        let date = field(at + 3);
        let valid = date.len() == 20
            && date.bytes().all(|byte| byte.is_ascii_digit())
            && date.bytes().any(|byte| byte != b'0');
        let description = raw.get(1..at)?.join(",");
        let comma = |text: &str| text.replace("\\1", ",");
        Some(Self {
            kind: comma(field(0)),
            description: comma(description.trim()),
            position: whole(at)?,
            size: whole(at + 1).unwrap_or(0.0),
            date: if valid { date.to_owned() } else { String::new() },
        })
    }

    fn event(self, rate_hz: f64) -> Event {
        let label = match self.kind.as_str() {
            "" | "Comment" => self.description,
            kind if self.description.is_empty() => kind.to_owned(),
            kind => format!("{kind}/{}", self.description),
        };
        // A position of 0 is a writer's that counts from 0.
        let sample = if self.position == 0.0 { 0.0 } else { self.position - 1.0 };
        Event {
            onset_s: sample / rate_hz,
            duration_s: (self.size >= 0.0).then_some(self.size / rate_hz),
            label,
        }
    }
}

/// A finite number, whole in effect: `3`, `2.0`. Nothing beyond what a double counts exactly.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    let value = plain.then(|| text.parse::<f64>().ok()).flatten()?;
    (value.abs() < 9e15).then_some(value)
}

/// How much longer than the samples between them the clock ran from one segment's start to the
/// next one's; `None` when a date is missing.
fn pause_s(before: &(f64, String), after: (f64, &str), rate_hz: f64) -> Option<f64> {
    let (from, to) = (moment(&before.1)?, moment(after.1)?);
    let elapsed_s = to.duration_since(from).as_secs_f64();
    Some(elapsed_s - (after.0 - before.0) / rate_hz)
}

/// `YYYYMMDDhhmmssuuuuuu`.
fn moment(date: &str) -> Option<jiff::civil::DateTime> {
    let (seconds, micros) = date.split_at_checked(14)?;
    let moment = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", seconds).ok()?;
    moment.checked_add(jiff::SignedDuration::from_micros(micros.parse().ok()?)).ok()
}

fn interruption(position: f64, rate_hz: f64, pause_s: Option<f64>, more: usize) -> String {
    let sample = position - 1.0;
    let pause = pause_s
        .map_or_else(|| "of unknown length".to_owned(), |pause_s| format!("of {pause_s:.3} s"));
    let more = if more > 0 { format!(" ({more} more follow)") } else { String::new() };
    format!(
        "a new segment begins at sample {sample} ({} s) after a pause {pause}{more}; segments are joined, and their borders are kept as events New Segment",
        sample / rate_hz
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Onset, duration and label.
    type Found = (f64, Option<f64>, String);

    #[test]
    fn a_file_without_markers_is_told() {
        let mut notes = Vec::new();
        let none = Markers::parse("[Common Infos]\nMk1=x,y,1,1,0\n", 100.0, &mut notes).unwrap();
        assert_eq!(none, Markers::default());
        assert!(notes[0].contains("no section [Marker Infos]"), "{notes:?}");
    }

    fn parse(lines: &[&str]) -> (Vec<Found>, Option<String>, Vec<String>) {
        let mut text =
            String::from("Brain Vision\n[Common Infos]\nMk9=x,y,1,1,0\n[Marker Infos]\n");
        for (index, line) in lines.iter().enumerate() {
            text.push_str(&format!("Mk{}={line}\n", index + 1));
        }
        let mut notes = Vec::new();
        let markers = Markers::parse(&text, 100.0, &mut notes).unwrap();
        let events = markers.events.into_iter().map(|e| (e.onset_s, e.duration_s, e.label));
        (events.collect(), markers.start, notes)
    }

    #[test]
    fn positions_as_writers_write_them() {
        let lines = [
            "New Segment,,1,1,0,20200102030405000000",
            "Stimulus,S 1,2.0,1,0",
            "Comment,a\\1b, 3 ,0,0",
        ];
        let (events, start, notes) = parse(&lines);
        assert_eq!(start.as_deref(), Some("20200102030405000000"));
        assert_eq!(
            events,
            [(0.01, Some(0.01), "Stimulus/S 1".into()), (0.02, Some(0.0), "a,b".into())]
        );
        assert!(notes.is_empty(), "{notes:?}");
        let (events, _, notes) = parse(&["Stimulus,S 2,-3,1,0", "Stimulus,S 3,x,1,0", "Stimulus"]);
        assert_eq!(events, [(-0.04, Some(0.01), "Stimulus/S 2".into())]);
        assert!(
            notes[0].contains("Mk2, Mk3") && notes[1].contains("before the first"),
            "{notes:?}"
        );
    }

    #[test]
    fn dates_of_zero_are_none() {
        let (events, start, notes) = parse(&[
            "New Segment,,1,1,0,0",
            "Stimulus,S 1,2,1,0,0",
            "Comment,a, b,3,1,0",
            "new segment,,4,1,0,0",
        ]);
        assert_eq!(start, None);
        assert_eq!(
            events,
            [
                (0.01, Some(0.01), "Stimulus/S 1".into()),
                (0.02, Some(0.01), "a, b".into()),
                (0.03, Some(0.01), "new segment".into())
            ]
        );
        assert!(notes[0].contains("a new segment begins at sample 3"), "{notes:?}");
    }

    #[test]
    fn commas_left_as_they_are() {
        for (line, label) in [
            ("Comment,left, right,4,1,0", "left, right"),
            ("Comment,1, 2,4,1,0", "1, 2"),
            ("Comment,a,b,c,4,1,0,20200102030405000000", "a,b,c"),
            ("Stimulus,S1,4,1,0", "Stimulus/S1"),
        ] {
            let (events, _, notes) = parse(&[line]);
            assert_eq!(events, [(0.03, Some(0.01), label.into())], "{line}");
            assert!(notes.is_empty(), "{notes:?}");
        }
    }

    #[test]
    fn unreadable_markers_are_named_fit_to_print() {
        let mut notes = Vec::new();
        let long = "m".repeat(500);
        let text = format!("[Marker Infos]\nMk\u{7f}\0=Stimulus\nMk{long}=x\n");
        Markers::parse(&text, 100.0, &mut notes).expect("readable");
        let [note] = notes.as_slice() else { panic!("{notes:?}") };
        assert!(!note.contains(char::is_control) && note.len() < 200, "{note:?}");
        assert!(note.contains("Mk\u{fffd}\u{fffd}, Mkmmm"), "{note}");
    }

    #[test]
    fn pauses_are_told_and_kept_as_events() {
        let first = "New Segment,,1,1,0,20200102030405000000";
        let (events, _, notes) = parse(&[first, "New Segment,,3,1,0,20200102040405000000"]);
        assert_eq!(events, [(0.02, Some(0.01), "New Segment".into())]);
        assert!(notes[0].contains("sample 2 (0.02 s) after a pause of 3599.980 s"), "{notes:?}");
        // Twenty milliseconds later, as two samples last: no pause.
        let (events, _, notes) = parse(&[first, "New Segment,,3,1,0,20200102030405020000"]);
        assert!(events.is_empty() && notes.is_empty(), "{events:?} {notes:?}");
        // Without one at the first sample: what stands before it is of another time.
        let (events, start, notes) = parse(&["New Segment,,3,1,0,20200102040405000000"]);
        assert_eq!(events, [(0.02, Some(0.01), "New Segment".into())]);
        assert!(start.is_none() && notes[0].contains("of unknown length"), "{start:?} {notes:?}");
        let (_, _, notes) = parse(&[first, "New Segment,,3,1,0"]);
        assert!(notes[0].contains("unknown length"), "{notes:?}");
    }
}
