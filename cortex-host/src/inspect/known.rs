//! What is known to happen in a recording: its events by label, its units by number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::recording::events::Event;
use crate::recording::spike_table::{SpikeTruth, spikes};
use crate::synthetic::TruthKind;

/// All events of one label.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct EventReport {
    /// What happened.
    pub label: String,
    /// How often.
    pub count: u64,
    /// Onset of the first in seconds.
    pub first_s: f64,
    /// Onset of the last in seconds.
    pub last_s: f64,
    /// Sum of their lengths in seconds.
    pub total_s: f64,
}

/// A unit of the ground truth.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct UnitReport {
    /// Its number.
    pub unit: u32,
    /// Name of the channel at which most of its spikes are largest.
    pub channel: String,
    /// Its spikes.
    pub spikes: u64,
    /// Spikes a second, over the recording.
    pub rate_hz: f64,
    /// Mean of their peaks in microvolts, each at its largest channel and without noise.
    pub amplitude_uv: f64,
}

/// `events` by label, in alphabetical order.
#[must_use]
pub fn events(events: &[Event]) -> Vec<EventReport> {
    let mut all: BTreeMap<&str, EventReport> = BTreeMap::new();
    for event in events {
        let report = all.entry(&event.label).or_insert_with(|| EventReport {
            label: event.label.clone(),
            count: 0,
            first_s: f64::INFINITY,
            last_s: f64::NEG_INFINITY,
            total_s: 0.0,
        });
        report.count += 1;
        report.first_s = report.first_s.min(event.onset_s);
        report.last_s = report.last_s.max(event.onset_s);
        report.total_s += event.duration_s.unwrap_or(0.0);
    }
    all.into_values().collect()
}

/// Spikes counted unit by unit.
#[derive(Clone, Debug, Default)]
pub struct Units(BTreeMap<u32, Unit>);

#[derive(Clone, Debug, Default)]
struct Unit {
    electrodes: BTreeMap<u32, u64>,
    sum_uv: f64,
}

impl Units {
    /// Counts `spike`.
    pub fn take(&mut self, spike: &SpikeTruth) {
        let unit = self.0.entry(spike.unit).or_default();
        *unit.electrodes.entry(spike.electrode).or_default() += 1;
        unit.sum_uv += f64::from(spike.amplitude_uv);
    }

    /// The units in order of their numbers, over `duration_s` seconds of these channels.
    #[must_use]
    pub fn reports(&self, channel_names: &[String], duration_s: f64) -> Vec<UnitReport> {
        let report = |(unit, counts): (&u32, &Unit)| {
            let spikes: u64 = counts.electrodes.values().sum();
            let most = counts.electrodes.iter().max_by_key(|(_, count)| **count);
            let electrode = most.map_or(0, |(electrode, _)| *electrode as usize);
            UnitReport {
                unit: *unit,
                channel: channel_names.get(electrode).cloned().unwrap_or_default(),
                spikes,
                rate_hz: spikes as f64 / duration_s,
                amplitude_uv: counts.sum_uv / spikes.max(1) as f64,
            }
        };
        self.0.iter().map(report).collect()
    }
}

/// The spikes in the table beside `data`; none where there is no table. The error is a sentence.
pub(super) fn units_beside(data: &Path) -> Result<Units, String> {
    let path = TruthKind::Spikes.path(data);
    let mut units = Units::default();
    let read = || -> io::Result<Option<Units>> {
        let file = File::open(&path)?;
        let bytes = file.metadata()?.len();
        let Some(table) = spikes(file, bytes)? else { return Ok(None) };
        for spike in table {
            units.take(&spike?);
        }
        Ok(Some(units))
    };
    match read() {
        Ok(Some(units)) => Ok(units),
        Ok(None) => Err(format!("{} beside it is no table of spikes", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Units::default()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_units_are_counted() {
        let event = |onset_s, duration_s, label: &str| Event {
            onset_s,
            duration_s,
            label: label.to_owned(),
        };
        let all = [event(4.0, Some(0.5), "b"), event(1.0, None, "a"), event(2.5, Some(1.0), "b")];
        let found = events(&all);
        assert_eq!(found.len(), 2);
        let EventReport { label, count, first_s, last_s, total_s } = &found[1];
        assert_eq!((label.as_str(), *count, *first_s, *last_s, *total_s), ("b", 2, 2.5, 4.0, 1.5));

        let mut units = Units::default();
        for (unit, electrode, amplitude_uv) in
            [(8, 1, 90.0), (8, 0, 99.0), (8, 1, 111.0), (0, 0, 5.0)]
        {
            units.take(&SpikeTruth { sample: 1, unit, electrode, amplitude_uv });
        }
        let names = ["E0001", "E0002"].map(str::to_owned);
        let reports = units.reports(&names, 2.0);
        let expected = UnitReport {
            unit: 8,
            channel: "E0002".to_owned(),
            spikes: 3,
            rate_hz: 1.5,
            amplitude_uv: 100.0,
        };
        assert_eq!((reports.len(), &reports[1]), (2, &expected));
    }
}
