//! What happened in a window: the label that telemetry has for it.

use std::collections::BinaryHeap;

use cortex_core::kernel::KernelShape;

use crate::generate::truth::is_artefact;
use crate::recording::events::Event;

/// The events of a recording by the samples they cover, to be asked window by window.
///
/// A window's label is that of the event that began last among those that share a sample with it.
/// An event without a length covers one sample; artefacts label nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowLabels {
    /// In order of their first sample.
    spans: Vec<Span>,
    /// From which sample on which of them is the one that began last, in order.
    latest: Vec<(u64, Option<usize>)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Span {
    first: u64,
    end: u64,
    label: String,
}

impl WindowLabels {
    /// The labels of `events`; none when no event could label a window.
    #[must_use]
    pub fn new(events: &[Event], sample_rate_hz: f64) -> Option<Self> {
        let mut spans: Vec<Span> = events
            .iter()
            .filter(|event| !event.label.is_empty() && !is_artefact(&event.label))
            .filter_map(|event| {
                let samples = event.duration_s.unwrap_or(0.0) * sample_rate_hz;
                let onset = (event.onset_s * sample_rate_hz).round();
                // A cast saturates: what ends before sample 0 is left out, and nothing overflows.
                let end = (onset + samples.round().max(1.0)) as u64;
                (end > 0).then(|| Span { first: onset as u64, end, label: event.label.clone() })
            })
            .collect();
        spans.sort_by_key(|span| span.first);
        let latest = latest(&spans);
        (!spans.is_empty()).then_some(Self { spans, latest })
    }

    /// The label of window `index` of its repeat; empty when nothing happened in it.
    #[must_use]
    pub fn of(&self, shape: KernelShape, index: u64) -> &str {
        let first = index.saturating_mul(shape.hop as u64);
        let end = first.saturating_add(shape.window as u64);
        let begun = self.spans.partition_point(|span| span.first < end);
        let last = begun.checked_sub(1).filter(|&last| self.spans[last].first >= first);
        // What began within the window began after all that reaches into it.
        let span = last.or_else(|| {
            let changes = self.latest.partition_point(|(from, _)| *from <= first);
            self.latest.get(changes.checked_sub(1)?)?.1
        });
        span.and_then(|span| self.spans.get(span)).map_or("", |span| &span.label)
    }
}

/// For every sample at which one of `spans` begins or ends: the last of those that cover it.
fn latest(spans: &[Span]) -> Vec<(u64, Option<usize>)> {
    let mut changes: Vec<u64> = spans.iter().flat_map(|span| [span.first, span.end]).collect();
    changes.sort_unstable();
    changes.dedup();
    let (mut open, mut next) = (BinaryHeap::new(), 0);
    let mut one = |sample: u64| {
        while spans.get(next).is_some_and(|span| span.first <= sample) {
            open.push(next);
            next += 1;
        }
        while open.peek().is_some_and(|&span: &usize| spans[span].end <= sample) {
            open.pop();
        }
        (sample, open.peek().copied())
    };
    changes.into_iter().map(&mut one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(onset_s: f64, duration_s: Option<f64>, label: &str) -> Event {
        Event { onset_s, duration_s, label: label.to_owned() }
    }

    /// Windows of 100 samples every 50 at 100 Hz against events written down by hand.
    #[test]
    fn a_window_has_the_label_of_the_last_event_in_it() {
        let events = [
            event(-1.0, None, "before"),
            event(0.99, Some(0.0), "a"),
            event(2.0, Some(2.0), "left"),
            event(2.5, Some(0.01), "blink"),
            event(3.0, None, "b"),
            event(9.0, Some(1e30), "endless"),
        ];
        let labels = WindowLabels::new(&events, 100.0).expect("labels");
        let shape = KernelShape { channels: 1, window: 100, hop: 50, sample_rate_hz: 100.0 };
        let found: Vec<&str> = (0..20).map(|index| labels.of(shape, index)).collect();
        let expected = [
            "a", "a", "", "left", "left", "b", "b", "left", "", "", "", "", "", "", "", "", "",
            "endless", "endless", "endless",
        ];
        assert_eq!(found, expected);
        assert_eq!(labels.of(shape, 1 << 40), "endless");
        assert_eq!(labels.of(shape, u64::MAX), "");
    }

    /// An event over all others does not cost a look at each of them for every window.
    #[test]
    fn nested_events_are_found_at_once() {
        let mut events = vec![event(0.0, Some(1e6), "night")];
        events.extend((0..100_000).map(|n| event(f64::from(n) * 10.0, None, "beat")));
        let labels = WindowLabels::new(&events, 1.0).expect("labels");
        let shape = KernelShape { channels: 1, window: 5, hop: 5, sample_rate_hz: 1.0 };
        for index in 0..200_000 {
            let expected = if index % 2 == 0 { "beat" } else { "night" };
            assert_eq!(labels.of(shape, index), expected, "window {index}");
        }
        assert_eq!(labels.of(shape, 200_000), "");
    }

    #[test]
    fn without_trials_there_are_no_labels() {
        assert_eq!(WindowLabels::new(&[], 250.0), None);
        let artefacts = [event(1.0, None, "blink"), event(2.0, Some(1.0), "pop_C3")];
        assert_eq!(WindowLabels::new(&artefacts, 250.0), None);
        assert_eq!(WindowLabels::new(&[event(-2.0, Some(1.0), "early")], 250.0), None);
    }
}
