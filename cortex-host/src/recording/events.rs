//! Events of a recording: BIDS `_events.tsv` and BrainVision markers.
//!
//! Source: Brain Imaging Data Structure 1.10, "Task events": tab-separated, columns `onset`
//! and `duration` in seconds, `trial_type`; a missing value is `n/a`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::brainvision::Marker;
use crate::base::without_controls;
use crate::synthetic::TruthKind;

/// Most events in a file: beyond every real recording, and a bound on memory.
pub const MOST_EVENTS: usize = 250_000;

/// Something that happened during a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Seconds from the first sample; negative before it.
    pub onset_s: f64,
    /// Length in seconds, if the file gives one.
    pub duration_s: Option<f64>,
    /// What happened.
    pub label: String,
}

/// Where the events of `data` are kept: `S001R03.float32` → `S001R03_events.tsv`; in BIDS the
/// suffix takes the place of the recording's, `sub-01_task-rest_eeg.edf` →
/// `sub-01_task-rest_events.tsv`.
#[must_use]
pub fn events_path(data: &Path) -> PathBuf {
    TruthKind::Events.path(data)
}

/// The events as BIDS TSV, in the given order.
#[must_use]
pub fn to_tsv(events: &[Event]) -> String {
    let mut text = String::from("onset\tduration\ttrial_type\n");
    for event in events {
        let label = without_controls(&event.label);
        let label = cell(label.trim());
        let _ = match event.duration_s {
            Some(duration) => writeln!(text, "{}\t{duration}\t{label}", event.onset_s),
            None => writeln!(text, "{}\tn/a\t{label}", event.onset_s),
        };
    }
    text
}

/// A text as readers of tab-separated values take it: quotes in it are doubled and it is quoted
/// itself (RFC 4180), since a field that begins with one would swallow what follows.
fn cell(text: &str) -> String {
    match text {
        "" => "n/a".to_owned(),
        text if text.contains('"') => format!("\"{}\"", text.replace('"', "\"\"")),
        text => text.to_owned(),
    }
}

/// The events that begin within `samples` samples as BrainVision markers: the onset is
/// rounded to the nearest of them.
#[must_use]
pub fn to_markers(events: &[Event], sample_rate_hz: f64, samples: u64) -> Vec<Marker> {
    events
        .iter()
        .filter_map(|event| {
            let at = event.onset_s * sample_rate_hz;
            if at < -0.5 || at >= samples as f64 {
                return None;
            }
            // In the last sample's time it is that sample.
            let sample = (at.round() as u64).min(samples.saturating_sub(1));
            let length = (event.duration_s.unwrap_or(0.0) * sample_rate_hz).round() as u64;
            Some(Marker { sample, length, description: event.label.clone() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tsv_and_markers_by_hand() {
        let events = [
            Event { onset_s: -0.5, duration_s: None, label: "before\tall".into() },
            Event { onset_s: 4.2, duration_s: Some(4.1), label: "T0".into() },
            Event { onset_s: 8.0, duration_s: Some(0.0), label: String::new() },
            Event { onset_s: 9.0, duration_s: None, label: "\"go\" left".into() },
        ];
        assert_eq!(
            to_tsv(&events),
            "onset\tduration\ttrial_type\n-0.5\tn/a\tbefore all\n4.2\t4.1\tT0\n8\t0\tn/a\n\
             9\tn/a\t\"\"\"go\"\" left\"\n"
        );
        let markers = to_markers(&events, 160.0, 1280);
        assert_eq!(markers, [Marker { sample: 672, length: 656, description: "T0".into() }]);
    }
}
