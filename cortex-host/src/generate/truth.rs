//! The truth of a dataset as files beside it, computed without a sample.
//!
//! `OUT.spikes.npy` and `OUT.packets.npy` are one-dimensional structured NumPy arrays; the tables
//! are those of the Brain Imaging Data Structure 1.10 (`_events.tsv`, `_channels.tsv`).

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::iter::Peekable;
use std::path::Path;

use cortex_core::signal::eeg::{self, Eeg, EegParams, Occurrences};
use cortex_core::signal::spikes::{Spikes, UnitTrain};
use cortex_core::signal::{Fault, Signal};

use super::GenerateError;
use crate::base::Progress;
use crate::base::atomic_file::Staged;
use crate::base::digest::sha256_of;
use crate::recording::events::{Event, MOST_EVENTS, to_tsv};
use crate::recording::labels::synthetic_names;
use crate::recording::npy::table_header;
use crate::recording::spike_table::{SPIKE_TYPE, SpikeTruth};
use crate::synthetic::{GeneratedDataset, TruthDigest, TruthKind};

/// NumPy's description of a packet: its first sample, what its counter shows, whether it arrived,
/// and the time of its first sample in nominal seconds.
const PACKET_TYPE: &str =
    "[('sample', '<u8'), ('counter', '<u4'), ('received', '|u1'), ('time_s', '<f8')]";

/// Labels of what goes on from the first sample to the last.
const DRIFT: &str = "drift";
const MAINS: &str = "mains";

/// Names of a dataset's channels: electrodes of the 10-10 system for EEG, else numbers.
#[must_use]
pub fn channel_names(dataset: &GeneratedDataset) -> Vec<String> {
    match dataset.spec.signal {
        Signal::EegParams(_) => (0..dataset.channels)
            .map(|channel| eeg::name(channel).unwrap_or("n/a").to_owned())
            .collect(),
        _ => synthetic_names(dataset.channels),
    }
}

/// The spikes of `dataset` in order of time, a second at a time; nothing for other signals.
///
/// # Errors
/// As `take`.
pub fn each_spike<E>(
    dataset: &GeneratedDataset,
    mut take: impl FnMut(&[SpikeTruth]) -> Result<(), E>,
) -> Result<(), E> {
    let Some(spikes) = spikes_of(dataset) else { return Ok(()) };
    let channels = dataset.channels as u32;
    let mut trains: Vec<Peekable<UnitTrain<'_>>> = Vec::new();
    let mut units = Vec::new();
    spikes.units(0, channels, |train| {
        units.push(*train.unit());
        trains.push(train.peekable());
    });
    let step = (dataset.spec.sample_rate_hz as u64).max(1);
    let mut found = Vec::new();
    for first in (0..dataset.samples).step_by(step as usize) {
        let end = (first + step).min(dataset.samples);
        found.clear();
        for (unit, train) in units.iter().zip(&mut trains) {
            while let Some(spike) = train.next_if(|spike| spike.sample() < end as i64) {
                let Some((electrode, amplitude_uv)) = spikes.peak(unit, &spike, channels) else {
                    continue;
                };
                let sample = u64::try_from(spike.sample()).unwrap_or_default();
                found.push(SpikeTruth { sample, unit: unit.id, electrode, amplitude_uv });
            }
        }
        found.sort_by_key(|spike| (spike.sample, spike.unit));
        take(&found)?;
    }
    Ok(())
}

pub(super) fn spikes_of(dataset: &GeneratedDataset) -> Option<Spikes> {
    let Signal::SpikeParams(params) = &dataset.spec.signal else { return None };
    Spikes::new(params, dataset.spec.sample_rate_hz, dataset.spec.seed).ok()
}

fn eeg_of(dataset: &GeneratedDataset) -> Option<(EegParams, Eeg)> {
    let Signal::EegParams(params) = &dataset.spec.signal else { return None };
    let spec = &dataset.spec;
    Some((*params, Eeg::new(&params.model(), spec.sample_rate_hz, spec.seed).ok()?))
}

/// What happens in `dataset`, in order of time: trials and artefacts of an EEG, or spikes, called
/// by their unit. No more than a table of events may hold.
#[must_use]
pub fn events(dataset: &GeneratedDataset) -> Vec<Event> {
    let rate_hz = dataset.spec.sample_rate_hz;
    let event = |sample: u64, samples: u64, label: String| {
        let duration_s = Some(samples as f64 / rate_hz);
        (sample, Event { onset_s: sample as f64 / rate_hz, duration_s, label })
    };
    let mut all = Vec::new();
    let full = each_spike(dataset, |spikes| {
        let label = |spike: &SpikeTruth| format!("unit-{}", spike.unit);
        all.extend(spikes.iter().map(|spike| event(spike.sample, 0, label(spike))));
        if all.len() > MOST_EVENTS { Err(()) } else { Ok(()) }
    });
    if full.is_err() {
        return Vec::new();
    }
    if let Some((params, eeg)) = eeg_of(dataset) {
        for (label, uv) in [(DRIFT, params.wander_uv), (MAINS, params.mains_uv)] {
            if uv > 0.0 {
                all.push(event(0, dataset.samples, label.to_owned()));
            }
        }
        let classes = params.paradigm.classes();
        for trial in eeg.events().take_while(|trial| trial.sample < dataset.samples) {
            let label = classes.get(usize::from(trial.class)).copied().unwrap_or("trial");
            all.push(event(trial.sample, trial.samples, label.to_owned()));
        }
        let mut add = |intervals: Occurrences, label: &dyn Fn(u64) -> String| {
            for interval in intervals.take_while(|interval| interval.sample < dataset.samples) {
                all.push(event(interval.sample, interval.samples, label(interval.sample)));
            }
        };
        add(eeg.blinks(), &|_| "blink".to_owned());
        add(eeg.muscle_bursts(), &|sample| {
            let side = if sample % 2 == 0 { "left" } else { "right" };
            format!("emg_{side}")
        });
        add(eeg.heart_beats(), &|_| "ecg".to_owned());
        for (channel, name) in (0..).zip(channel_names(dataset)) {
            add(eeg.pops(channel), &|_| format!("pop_{name}"));
        }
    }
    all.sort_by_key(|(sample, _)| *sample);
    all.truncate(MOST_EVENTS);
    all.into_iter().map(|(_, event)| event).collect()
}

/// Whether `label` names an artefact of an EEG, not what the subject does.
#[must_use]
pub fn is_artefact(label: &str) -> bool {
    ["blink", "ecg", DRIFT, MAINS].contains(&label)
        || ["emg_", "pop_"].iter().any(|start| label.starts_with(start))
}

/// What is wrong with each channel, of signals that have bad ones.
#[must_use]
pub fn status(dataset: &GeneratedDataset) -> Option<Vec<Option<&'static str>>> {
    let spikes = spikes_of(dataset);
    let eeg = eeg_of(dataset);
    let fault = |channel: u32| -> Option<Fault> {
        match (&spikes, &eeg) {
            (Some(spikes), _) => spikes.fault(channel),
            (_, Some((_, eeg))) => eeg.fault(channel),
            _ => None,
        }
    };
    let all = || (0..dataset.channels as u32).map(|channel| fault(channel).map(Fault::name));
    (spikes.is_some() || eeg.is_some()).then(|| all().collect())
}

/// BIDS' table of channels.
fn channels_table(dataset: &GeneratedDataset) -> String {
    let kind = if eeg_of(dataset).is_some() { "EEG" } else { "MISC" };
    let mut text = "name\ttype\tunits\tstatus\tstatus_description\n".to_owned();
    let status = status(dataset).unwrap_or_default();
    for (name, fault) in channel_names(dataset).iter().zip(status) {
        let (status, what) = match fault {
            None => ("good", "n/a"),
            Some(fault) => ("bad", fault),
        };
        text.push_str(&format!("{name}\t{kind}\tuV\t{status}\t{what}\n"));
    }
    text
}

/// Writes the truth of `kind` to `file`, which is empty.
fn write(
    kind: TruthKind,
    dataset: &GeneratedDataset,
    mut file: &File,
    progress: &Progress,
) -> io::Result<()> {
    let cancelled = || io::Error::from(io::ErrorKind::Interrupted);
    let mut out = BufWriter::new(file);
    let table = match kind {
        TruthKind::Events => return out.write_all(to_tsv(&events(dataset)).as_bytes()),
        TruthKind::Channels => return out.write_all(channels_table(dataset).as_bytes()),
        TruthKind::Spikes => SPIKE_TYPE,
        TruthKind::Packets => PACKET_TYPE,
    };
    out.write_all(&table_header(table, 0))?;
    let mut rows = 0_u64;
    if kind == TruthKind::Spikes {
        each_spike(dataset, |spikes| {
            for spike in spikes {
                out.write_all(&spike.to_bytes())?;
            }
            rows += spikes.len() as u64;
            if progress.is_cancelled() { Err(cancelled()) } else { Ok(()) }
        })?;
    } else if let Some(front_end) = dataset.spec.signal.front_end(dataset.spec.seed) {
        let step = front_end.params().packet_samples as u64;
        let rate_hz = dataset.spec.sample_rate_hz;
        let starts = (0..dataset.samples).step_by(step as usize);
        for ((number, received), sample) in (0..).zip(front_end.packets()).zip(starts) {
            out.write_all(&sample.to_le_bytes())?;
            out.write_all(&front_end.counter(number).to_le_bytes())?;
            out.write_all(&[u8::from(received)])?;
            out.write_all(&(front_end.time_samples(sample) / rate_hz).to_le_bytes())?;
            rows += 1;
            if rows.is_multiple_of(1 << 16) && progress.is_cancelled() {
                return Err(cancelled());
            }
        }
    }
    out.flush()?;
    drop(out);
    // The number of rows is known now; the header is as long as before.
    file.rewind()?;
    file.write_all(&table_header(table, rows))
}

/// The digest of the truth of `kind`, made again.
///
/// # Errors
/// [`GenerateError`] when there is no room for a temporary file, or it was cancelled.
pub(super) fn digest(
    kind: TruthKind,
    dataset: &GeneratedDataset,
    progress: &Progress,
) -> Result<String, GenerateError> {
    let folder = std::env::temp_dir();
    let file = tempfile::tempfile_in(&folder)
        .map_err(GenerateError::io("create a temporary file in", &folder))?;
    finish(kind, dataset, &file, progress).map_err(at(&folder))
}

/// Writes and digests.
fn finish(
    kind: TruthKind,
    dataset: &GeneratedDataset,
    mut file: &File,
    progress: &Progress,
) -> io::Result<String> {
    write(kind, dataset, file, progress)?;
    file.rewind()?;
    sha256_of(file)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> GenerateError + '_ {
    move |error| match error.kind() {
        io::ErrorKind::Interrupted => GenerateError::Interrupted,
        _ => GenerateError::io("write", path)(error),
    }
}

/// Writes the truth of `dataset` beside `target`, under no name yet.
///
/// # Errors
/// [`GenerateError`].
pub(super) fn stage(
    dataset: &GeneratedDataset,
    target: &Path,
    progress: &Progress,
) -> Result<Vec<(TruthDigest, Staged)>, GenerateError> {
    let one = |kind: TruthKind| {
        let path = kind.path(target);
        let staged = Staged::create(&path)?;
        let sha256 = finish(kind, dataset, staged.file(), progress).map_err(at(&path))?;
        Ok((TruthDigest { kind, sha256 }, staged))
    };
    TruthKind::of(dataset).map(one).collect()
}
