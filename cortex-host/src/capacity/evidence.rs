//! What the runs of one kernel have told so far, and what follows for a value.

use super::judge::{Criterion, Delays, Judgement, RUNS, Told, judge};
use super::search::Length;

/// What the runs of one kernel have told.
#[derive(Default)]
pub(super) struct Evidence {
    values: Vec<(u64, Length, Vec<Told>)>,
    delays: Delays,
}

impl Evidence {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn of(&self, value: u64, length: Length) -> &[Told] {
        let found = self.values.iter().find(|(v, l, _)| (*v, *l) == (value, length));
        found.map_or(&[], |(_, _, told)| told)
    }

    /// Runs made of a value.
    pub(super) fn runs(&self, value: u64, length: Length) -> u32 {
        self.of(value, length).len() as u32
    }

    /// What is known of a value; none when another run is to be made.
    pub(super) fn judged(
        &self,
        value: u64,
        length: Length,
        criterion: &Criterion,
    ) -> Option<Judgement> {
        let told = self.of(value, length);
        let mut runs = Vec::new();
        for run in told {
            match run {
                Told::Fact(judgement) => return Some(judgement.clone()),
                Told::Deadlines(seen) => runs.push(seen.clone()),
            }
        }
        if runs.is_empty() {
            return None;
        }
        let judgement = judge(&runs, criterion, length, &self.delays);
        let enough = length == Length::Short || runs.len() >= RUNS as usize;
        (enough || !judgement.holds).then_some(judgement)
    }

    /// Takes a run in, and judges the value as far as it was tried.
    pub(super) fn add(
        &mut self,
        value: u64,
        length: Length,
        told: Told,
        criterion: &Criterion,
    ) -> Judgement {
        let judgement = match &told {
            Told::Fact(judgement) => Some(judgement.clone()),
            Told::Deadlines(seen) => {
                if length == Length::Full {
                    self.delays.add(seen);
                }
                None
            }
        };
        match self.values.iter_mut().find(|(v, l, _)| (*v, *l) == (value, length)) {
            Some((_, _, before)) => before.push(told),
            None => self.values.push((value, length, vec![told])),
        }
        judgement.unwrap_or_else(|| {
            let deadlines = |told: &Told| match told {
                Told::Deadlines(seen) => Some(seen.clone()),
                Told::Fact(_) => None,
            };
            let runs: Vec<_> = self.of(value, length).iter().filter_map(deadlines).collect();
            judge(&runs, criterion, length, &self.delays)
        })
    }
}
