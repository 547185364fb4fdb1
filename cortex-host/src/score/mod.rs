//! How well a detector or a classifier found what is known: its events against the truth's.
//!
//! Two events match when they are no farther apart than the tolerance (and on the same electrode,
//! where both say which), each at most once. Truth in order of time takes the earliest event left
//! that it can: for windows of one length that is a matching of the greatest size.
//!
//! Precision, recall and F1 are those of information retrieval (van Rijsbergen, "Information
//! Retrieval", 1979); kappa is Cohen's (Educ. Psychol. Meas. 20, 1960), over the truth's events, of
//! which one without a match is a wrong answer.

mod mark;
mod read;

use std::collections::BTreeSet;

use serde::Serialize;

pub use mark::Mark;
pub use read::{ScoreError, read};

/// Delays of the matched events in milliseconds, output minus truth.
#[derive(Clone, Copy, Debug, PartialEq, schemars::JsonSchema, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// Median.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation, of `matched` values.
    pub sd: f64,
}

/// Answers against known classes.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
#[non_exhaustive]
pub struct Classes {
    /// Names of the classes in alphabetical order: rows and columns of `confusion`.
    pub names: Vec<String>,
    /// Events of the truth by their class (row) and the answer's (column).
    pub confusion: Vec<Vec<u64>>,
    /// Events of the truth without an answer.
    pub unanswered: u64,
    /// Share of the truth's events with the right answer.
    pub accuracy: f64,
    /// Cohen's kappa; none when one class alone occurs.
    pub kappa: Option<f64>,
}

/// The outcome of [`score`]. A ratio of nothing is none.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
#[non_exhaustive]
pub struct Score {
    /// Farthest that matching events may be apart, in milliseconds.
    pub tolerance_ms: f64,
    /// Events of the truth.
    pub truth: u64,
    /// Events of the output.
    pub output: u64,
    /// Those that match.
    pub matched: u64,
    /// Share of the output's events that match.
    pub precision: Option<f64>,
    /// Share of the truth's events that match.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Delays of those that match.
    pub latency_ms: Option<Latency>,
    /// The answers, when both sides have labels.
    pub classes: Option<Classes>,
}

/// Compares `output` with `truth`; events that lie `tolerance_s` or less apart match. Labels are
/// compared when `labels` and every event of both sides has one.
#[must_use]
pub fn score(truth: &[Mark], output: &[Mark], tolerance_s: f64, labels: bool) -> Score {
    let (truth, output) = (sorted(truth), sorted(output));
    let matches = matching(&truth, &output, tolerance_s);
    let mut delays: Vec<f64> = truth
        .iter()
        .zip(&matches)
        .filter_map(|(known, found)| Some((output.get((*found)?)?.onset_s - known.onset_s) * 1e3))
        .collect();
    delays.sort_by(f64::total_cmp);
    let matched = delays.len() as u64;
    let ratio = |all: usize| (all > 0).then(|| matched as f64 / all as f64);
    let (precision, recall) = (ratio(output.len()), ratio(truth.len()));
    let f1 = match truth.len() + output.len() {
        0 => None,
        all => Some(2.0 * matched as f64 / all as f64),
    };
    let labelled = |marks: &[&Mark]| marks.iter().all(|mark| mark.label.is_some());
    let classified = labels && !truth.is_empty() && labelled(&truth) && labelled(&output);
    Score {
        tolerance_ms: tolerance_s * 1e3,
        truth: truth.len() as u64,
        output: output.len() as u64,
        matched,
        precision,
        recall,
        f1,
        latency_ms: latency(&delays),
        classes: classified.then(|| classes(&truth, &output, &matches)),
    }
}

fn sorted(marks: &[Mark]) -> Vec<&Mark> {
    let mut sorted: Vec<&Mark> = marks.iter().collect();
    sorted.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
    sorted
}

/// For each event of the truth, the place of its match in the output.
fn matching(truth: &[&Mark], output: &[&Mark], tolerance_s: f64) -> Vec<Option<usize>> {
    let mut taken = vec![false; output.len()];
    let mut first = 0;
    let one = |known: &&Mark| {
        while output.get(first).is_some_and(|mark| mark.onset_s < known.onset_s - tolerance_s) {
            first += 1;
        }
        let last = known.onset_s + tolerance_s;
        let near = output.iter().enumerate().skip(first);
        let place = near.take_while(|(_, mark)| mark.onset_s <= last).find(|(place, mark)| {
            let same = match (known.electrode, mark.electrode) {
                (Some(known), Some(found)) => known == found,
                _ => true,
            };
            same && !taken[*place]
        })?;
        taken[place.0] = true;
        Some(place.0)
    };
    truth.iter().map(one).collect()
}

/// Statistics of ascending `delays`.
fn latency(delays: &[f64]) -> Option<Latency> {
    let (low, high) = (delays.get((delays.len().max(1) - 1) / 2)?, delays.get(delays.len() / 2)?);
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    let squares = delays.iter().map(|delay| (delay - mean) * (delay - mean)).sum::<f64>();
    let sd = (squares / delays.len() as f64).sqrt();
    Some(Latency { median: f64::midpoint(*low, *high), mean, sd })
}

fn classes(truth: &[&Mark], output: &[&Mark], matches: &[Option<usize>]) -> Classes {
    let label = |mark: &Mark| mark.label.clone().unwrap_or_default();
    let all: BTreeSet<String> = truth.iter().chain(output).map(|mark| label(mark)).collect();
    let names: Vec<String> = all.into_iter().collect();
    let place = |mark: &Mark| names.binary_search(&label(mark)).unwrap_or_default();
    let mut confusion = vec![vec![0_u64; names.len()]; names.len()];
    let mut unanswered = 0;
    for (known, found) in truth.iter().zip(matches) {
        match found.and_then(|found| output.get(found)) {
            Some(answer) => confusion[place(known)][place(answer)] += 1,
            None => unanswered += 1,
        }
    }
    let count = truth.len() as f64;
    let right: u64 = (0..names.len()).map(|class| confusion[class][class]).sum();
    let accuracy = right as f64 / count;
    // What chance alone would agree on: the products of the shares of each class.
    let chance: f64 = (0..names.len())
        .map(|class| {
            let known = truth.iter().filter(|mark| place(mark) == class).count() as f64;
            let answered: u64 = confusion.iter().map(|row| row[class]).sum();
            known * answered as f64 / (count * count)
        })
        .sum();
    let kappa = (chance < 1.0).then(|| (accuracy - chance) / (1.0 - chance));
    Classes { names, confusion, unanswered, accuracy, kappa }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(times: &[f64]) -> Vec<Mark> {
        times.iter().map(|&onset_s| Mark { onset_s, label: None, electrode: None }).collect()
    }

    fn labelled(marks: &[(f64, &str)]) -> Vec<Mark> {
        marks
            .iter()
            .map(|&(onset_s, label)| Mark {
                onset_s,
                label: Some(label.to_owned()),
                electrode: None,
            })
            .collect()
    }

    /// Worked out by hand: 3 of 4 found, 1 of 4 false, delays 0, 1 and 2 ms.
    #[test]
    fn precision_recall_and_latency_by_hand() {
        let truth = marks(&[0.1, 0.2, 0.3, 0.4]);
        let output = marks(&[0.402, 0.1, 0.201, 0.25]);
        let found = score(&truth, &output, 0.003, true);
        assert_eq!((found.truth, found.output, found.matched), (4, 4, 3));
        assert_eq!((found.precision, found.recall, found.f1), (Some(0.75), Some(0.75), Some(0.75)));
        let latency = found.latency_ms.expect("some match");
        assert!((latency.median - 1.0).abs() < 1e-9 && (latency.mean - 1.0).abs() < 1e-9);
        assert!((latency.sd - (2.0_f64 / 3.0).sqrt()).abs() < 1e-9);
        assert_eq!(found.classes, None);
    }

    /// One detection never counts twice, and a crowd is matched as far as it goes.
    #[test]
    fn each_event_matches_once() {
        assert_eq!(score(&marks(&[0.1, 0.101]), &marks(&[0.1]), 0.002, true).matched, 1);
        assert_eq!(score(&marks(&[0.1, 0.101]), &marks(&[0.099, 0.1]), 0.001_5, true).matched, 2);
        assert_eq!(score(&[], &marks(&[0.1]), 0.001, true).recall, None);
        let at = |electrode| vec![Mark { electrode: Some(electrode), ..marks(&[0.1])[0].clone() }];
        assert_eq!(score(&at(1), &at(2), 0.001, true).matched, 0);
        assert_eq!(score(&at(1), &marks(&[0.1]), 0.001, true).matched, 1);
    }

    /// Cohen's example form: of 10 trials 7 right, 5 : 5 known, 6 : 4 answered, so chance agrees on
    /// 0.5 * 0.6 + 0.5 * 0.4 = 0.5 and kappa is (0.7 - 0.5) / 0.5 = 0.4.
    #[test]
    fn accuracy_and_kappa_by_hand() {
        let known = ["a", "a", "a", "a", "a", "b", "b", "b", "b", "b"];
        let answers = ["a", "a", "a", "a", "b", "a", "a", "b", "b", "b"];
        let at = |labels: &[&'static str]| {
            labels.iter().enumerate().map(|(k, label)| (k as f64, *label)).collect::<Vec<_>>()
        };
        let found = score(&labelled(&at(&known)), &labelled(&at(&answers)), 0.5, true);
        let classes = found.classes.expect("both have labels");
        assert_eq!(classes.confusion, [[4, 1], [2, 3]]);
        assert_eq!((classes.accuracy, classes.unanswered), (0.7, 0));
        assert!((classes.kappa.expect("two classes") - 0.4).abs() < 1e-12);
        let half = score(&labelled(&at(&known)), &labelled(&at(&answers[..5])), 0.4, true);
        let classes = half.classes.expect("both have labels");
        assert_eq!((classes.accuracy, classes.unanswered), (0.4, 5));
    }
}
