//! EDF, EDF+ and BDF recordings, read as a stream of microvolt rows.
//!
//! Sources: Kemp et al. 1992 (EDF), Kemp & Olivan 2003 (EDF+), BioSemi's BDF description;
//! edfplus.info. A reader of our own, because the crate at hand reads a record count of -1
//! as zero records, loads whole files, and panics on some bad headers.
//!
//! # Scaling
//!
//! In IEEE doubles, in this order, with `d` the stored integer:
//!
//! ```text
//! gain     = (physical_max - physical_min) / (digital_max - digital_min)
//! offset   = physical_max / gain - digital_max
//! physical = (d + offset) * gain
//! µV       = physical            for uV
//!          = physical * 1000     for mV
//!          = physical * 1000000  for V
//!          = physical / 1000     for nV
//! sample   = µV rounded to f32
//! ```
//!
//! The first three lines are edfio's, so `sample` is bit-equal to edfio's physical value
//! cast to float32 (MNE folds the unit into the gain and may differ in the last bit of a
//! double).
//!
//! # What is taken, what is refused
//!
//! - Continuous files (EDF, EDF+C, BDF, BDF+C), and EDF+D whose records turn out to follow
//!   each other within half a sample. EDF+D with a gap is refused: there is no sample for the
//!   gap; so is EDF+D that does not say when its records begin.
//! - A record count of -1 (recording still running or crashed): the whole records present.
//! - A file shorter or longer than its header says is refused unless truncation is accepted.
//! - A sample rate that the user gives, within a millionth of the header's: it is taken for the
//!   true one, which eight characters of a record's duration may not say.
//! - Channels of different sample rates, or in units that are no potential: refused with
//!   their names, so that the user chooses.
//! - Stored values outside the declared digital range are scaled like any other, and counted.

mod annotations;
mod header;
mod range;
mod records;
mod write;

use crate::base::quoted;
use std::fs::File;
use std::path::Path;

use super::channels::list;
use super::layout::{Element, Layout, Plane, SampleScale};
use super::plane_reader::PlaneReader;
use super::stream::{Format, Level, chosen_channels};
use super::{DatasetError, OpenOptions, Recording, Unit, labels};
use header::{Header, Signal};
use records::MOST_RATE_ERROR;

const EDF_EXTENSIONS: &[&str] = &["edf", "edf+", "rec"];
const BDF_EXTENSIONS: &[&str] = &["bdf", "bdf+"];

/// EDF and EDF+.
pub(super) static EDF: Format = Format {
    name: "EDF",
    kind: "EDF",
    key: "edf",
    extensions: EDF_EXTENSIONS,
    also: BDF_EXTENSIONS,
    begins: |head| head.starts_with(b"0       "),
    rounds: true,
    open,
    write: |recording, target, progress| write::write(recording, target, 2, progress),
};

/// BDF and BDF+.
pub(super) static BDF: Format = Format {
    name: "BDF",
    kind: "BDF",
    key: "bdf",
    extensions: BDF_EXTENSIONS,
    also: EDF_EXTENSIONS,
    begins: |head| head.starts_with(b"\xffBIOSEMI"),
    rounds: true,
    open,
    write: |recording, target, progress| write::write(recording, target, 3, progress),
};

/// Opens an EDF, EDF+ or BDF file.
///
/// # Errors
/// The file cannot be read, or is refused as the module says.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
    let mut file = File::open(path).map_err(DatasetError::io("read", path))?;
    let file_bytes = file.metadata().map_err(DatasetError::io("read", path))?.len();
    let header = Header::read(&mut file, path)?;
    let mut notes = Vec::new();

    let records = records_present(&header, path, file_bytes, options, &mut notes)?;
    let (chosen, channel_names) = choose(&header, path, options, &mut notes)?;
    let record_samples = common_samples(&chosen, &header, path, options)?;
    if header.record_duration_s <= 0.0 {
        return Err(DatasetError::format(
            path,
            format!("records last {} s, so there is no sample rate", header.record_duration_s),
        ));
    }
    let header_rate_hz = header.rate_of(record_samples);
    let sample_s = header_rate_hz.recip();
    let mut timeline = annotations::read(&mut file, path, &header, records, sample_s, &mut notes)?;
    // The true rate, where the header has no room for its digits. Events stay at their samples.
    let known = |rate_hz: &f64| (header_rate_hz / rate_hz - 1.0).abs() <= MOST_RATE_ERROR;
    let sample_rate_hz = options.sample_rate_hz.filter(known).unwrap_or(header_rate_hz);
    if sample_rate_hz != header_rate_hz {
        for event in &mut timeline.events {
            let stretched = |seconds: f64| seconds * header_rate_hz / sample_rate_hz;
            event.onset_s = annotations::rounded(stretched(event.onset_s));
            event.duration_s = event.duration_s.map(|s| annotations::rounded(stretched(s)));
        }
    }
    if let Some(gap) = &timeline.gap {
        let what = format!(
            "record {} begins at {} s where {} s was expected",
            gap.record, gap.onset_s, gap.expected_s
        );
        if header.discontinuous {
            let problem = format!(
                "EDF+D, a recording with gaps: {what}; split it at the gap with the tool that recorded it"
            );
            return Err(DatasetError::format(path, problem));
        }
        notes.push(format!(
            "the header promises a continuous recording, yet {what}; the samples are taken as continuous"
        ));
    }
    let start = header.start(timeline.start_s).unwrap_or_else(|written| {
        notes.push(format!("the start {} is no date and time; it is left out", quoted(&written)));
        None
    });

    let mut planes = Vec::with_capacity(chosen.len());
    for signal in &chosen {
        let scaling = signal.scaling(path, options.option_source.choose())?;
        planes.push(Plane {
            offset: signal.offset,
            scale: SampleScale::OffsetGain { offset: scaling.offset, gain: scaling.gain },
            unit: Unit::from_header(&signal.dimension).or(options.unit).unwrap_or(Unit::Microvolt),
            digital_range: Some(scaling.digital_range),
        });
    }
    let layout = Layout {
        start: header.header_bytes,
        record_bytes: header.record_bytes,
        records,
        record_samples,
        element: if header.bdf { Element::I24 } else { Element::I16 },
        planes,
    };
    Ok(Recording {
        path: path.to_owned(),
        data_path: path.to_owned(),
        sources: vec![path.to_owned()],
        format: if header.bdf { &BDF } else { &EDF },
        channel_names,
        sample_rate_hz,
        samples: records * record_samples,
        start,
        events: timeline.events,
        keeps_events: timeline.has_annotations,
        unit_assumed: false,
        notes,
        codes: None,
        reader: PlaneReader::new(file, path, layout),
        option_source: options.option_source,
        level: Level::default(),
    })
}

/// How many whole records can be read, by the header and the file's size.
fn records_present(
    header: &Header,
    path: &Path,
    file_bytes: u64,
    options: &OpenOptions,
    notes: &mut Vec<String>,
) -> Result<u64, DatasetError> {
    let data_bytes = file_bytes.saturating_sub(header.header_bytes);
    let present = data_bytes / header.record_bytes;
    let left_over = data_bytes % header.record_bytes;
    let records = match header.records {
        Some(promised) if promised == present && left_over == 0 => promised,
        Some(promised) if !options.accept_truncated => {
            let how = if present < promised { "is truncated" } else { "is too long" };
            return Err(DatasetError::format(
                path,
                format!(
                    "the file {how}: the header promises {promised} records of {} bytes, but there are {present} whole ones and {left_over} bytes; fetch it again, or take what is there with --accept-truncated",
                    header.record_bytes
                ),
            ));
        }
        Some(promised) => {
            notes.push(format!("{present} whole records of the {promised} promised are taken"));
            present
        }
        None => {
            notes.push(format!(
                "the header leaves the number of records open (-1): the {present} whole ones in the file are taken{}",
                if left_over > 0 { ", an unfinished last one is left out" } else { "" }
            ));
            present
        }
    };
    if records == 0 {
        return Err(DatasetError::format(path, "the file holds no whole record of samples"));
    }
    Ok(records)
}

/// The signals to convert, and their names: those asked for, or every one that is a potential.
fn choose<'a>(
    header: &'a Header,
    path: &Path,
    options: &OpenOptions,
    notes: &mut Vec<String>,
) -> Result<(Vec<&'a Signal>, Vec<String>), DatasetError> {
    let signals: Vec<&Signal> = header.signals.iter().filter(|s| !s.is_annotations()).collect();
    let labels: Vec<String> = signals.iter().map(|signal| signal.label.clone()).collect();
    let (indices, names) = chosen_channels(path, options, &labels, labels::written(&labels))?;
    let mut chosen = Vec::with_capacity(indices.len());
    let mut chosen_names = Vec::with_capacity(indices.len());
    for (index, name) in indices.into_iter().zip(names) {
        let Some(signal) = signals.get(index) else { continue };
        if options.channels.is_none() && header.bdf && signal.label == "Status" {
            notes.push("channel Status (trigger codes, no potential) is left out".to_owned());
            continue;
        }
        chosen.push(*signal);
        chosen_names.push(name);
    }
    if chosen.is_empty() {
        return Err(DatasetError::format(path, "the file has no signal, only annotations"));
    }
    let no_potential = |signal: &Signal| Unit::from_header(&signal.dimension).is_none();
    if options.unit.is_none() && chosen.iter().any(|signal| no_potential(signal)) {
        let strange = chosen.iter().zip(&chosen_names).filter(|(signal, _)| no_potential(signal));
        let strange = list(strange.map(|(signal, name)| {
            let unit = if signal.dimension.is_empty() { "no unit" } else { &signal.dimension };
            format!("{name} ({unit})")
        }));
        return Err(DatasetError::format(
            path,
            format!(
                "not in volts: {strange}; {} the others, or say what they are with {}",
                options.option_source.choose(),
                options.option_source.unit()
            ),
        ));
    }
    Ok((chosen, chosen_names))
}

/// The number of samples per record that all chosen signals share.
fn common_samples(
    chosen: &[&Signal],
    header: &Header,
    path: &Path,
    options: &OpenOptions,
) -> Result<u64, DatasetError> {
    let mut counts: Vec<u64> = chosen.iter().map(|signal| signal.record_samples).collect();
    counts.sort_unstable();
    counts.dedup();
    if let [count] = counts.as_slice() {
        return Ok(*count);
    }
    let groups = counts.iter().map(|count| {
        let names = chosen.iter().filter(|s| s.record_samples == *count);
        format!("{} Hz: {}", header.rate_of(*count), list(names.map(|s| s.label.as_str())))
    });
    Err(DatasetError::format(
        path,
        format!(
            "channels of different sample rates ({}); a dataset has one rate: {}",
            groups.collect::<Vec<_>>().join("; "),
            options.option_source.choose()
        ),
    ))
}
