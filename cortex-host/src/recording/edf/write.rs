//! Writing EDF+ and BDF+: samples as 16- or 24-bit numbers, events as annotations.
//!
//! Sources: Kemp et al. 1992, Kemp & Olivan 2003, BioSemi's BDF description.
//!
//! # Error
//!
//! Each channel's physical range is its own least and greatest sample, rounded outwards to the
//! eight characters of the field, with an exponent (`-1.2e-12`) where decimals would widen the
//! range by more than a hundredth. With `gain = (physical_max - physical_min) / (2^bits - 1)` a
//! sample is stored as the nearest number, so that it is read back at most `gain / 2` away, and
//! the roundings of doubles besides: 2^-52 of the range.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::annotations::{MOST_BYTES, MOST_RECORD_BYTES};
use super::header::MONTHS;
use super::range::{NUMBER_CHARS, Range};
use super::records::{Annotations, COMMON_RECORD_BYTES, Content, Records, lists, seconds};
use crate::base::atomic_file::Staged;
use crate::base::digest::hex;
use crate::base::{Progress, printable};
use crate::recording::channels::list;
use crate::recording::events::MOST_EVENTS;
use crate::recording::stream::Target;
use crate::recording::write::{commit, outdated, refuse};
use crate::recording::{Converted, DatasetError, Recording};

/// Longest label.
const LABEL_CHARS: usize = 16;
/// The number of signals has four digits; one is the annotations'.
const MOST_CHANNELS: usize = 9998;
/// Signals that EDFlib takes, as it is in pyEDFlib 0.1.42; newer versions take 4096.
const COMMON_SIGNALS: usize = 640;
/// Rows that are read at a time, over all channels.
const CHUNK_SAMPLES: usize = 256 * 1024;

/// Writes `recording` as EDF+ or BDF+, in µV, with `width` bytes a sample: 2 or 3. It is read twice:
/// once for the range of each channel. Tells `progress` of the rows written.
///
/// # Errors
/// A file is in the way; the recording cannot be read; a sample is not finite or beyond what the
/// header's fields can say; there are too many channels, two of the same label, or more events than
/// are read back; no records of its length give its rate to a millionth; the file cannot be
/// written; `progress` is cancelled.
pub(super) fn write(
    recording: &mut Recording,
    target: &Target<'_>,
    width: usize,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let outdated = outdated(recording, target.path);
    let beside = outdated.iter().map(PathBuf::as_path);
    refuse(recording, target.replace, std::iter::once(target.path).chain(beside))?;
    let bad = |problem: String| {
        DatasetError::Request(format!("{} cannot be written: {problem}", target.path.display()))
    };
    let mut warnings = Vec::new();
    let labels = labels(&recording.channel_names, &mut warnings).map_err(bad)?;
    let ranges = ranges(recording, progress)?.map_err(bad)?;
    if labels.len() + 1 > COMMON_SIGNALS {
        warnings.push(format!(
            "{} signals with the annotations: EDFlib (pyEDFlib, EDFbrowser) takes at most \
             {COMMON_SIGNALS}, in newer versions 4096; MNE and edfio read them",
            labels.len() + 1
        ));
    }

    let start = start(recording.start.as_deref(), &mut warnings);
    let channels = recording.channels();
    let (records, mut annotations) =
        cut(recording, start.fraction_us, width, &mut warnings).map_err(bad)?;

    let mut staged = Staged::create(target.path)?;
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut put = |staged: &mut Staged, piece: &[u8]| -> Result<(), DatasetError> {
        hasher.update(piece);
        bytes += piece.len() as u64;
        Ok(staged.put(piece)?)
    };
    let header = header(width == 3, &labels, &ranges, &start, &records, annotations.bytes / width);
    put(&mut staged, &header)?;
    recording.rewind();
    let record_samples = usize::try_from(records.samples).unwrap_or(usize::MAX);
    let chunk = (CHUNK_SAMPLES / channels).clamp(1, record_samples);
    let mut rows = vec![0.0_f32; chunk * channels];
    let mut stored = vec![0; record_samples * channels * width];
    for index in 0..records.count {
        for first in (0..record_samples).step_by(chunk) {
            let count = chunk.min(record_samples - first);
            let rows = rows.get_mut(..count * channels).unwrap_or_default();
            if recording.read(rows)? != count {
                let problem = "the file has become shorter";
                return Err(DatasetError::format(&recording.data_path, problem));
            }
            let runs = stored.chunks_exact_mut(record_samples * width);
            for (channel, (range, run)) in ranges.iter().zip(runs).enumerate() {
                let run = run.get_mut(first * width..).unwrap_or_default();
                let samples = rows.iter().skip(channel).step_by(channels);
                for (place, sample) in run.chunks_exact_mut(width).zip(samples) {
                    let bytes = range.stored(*sample, width).to_le_bytes();
                    place.copy_from_slice(bytes.get(..width).unwrap_or_default());
                }
            }
        }
        put(&mut staged, &stored)?;
        put(&mut staged, &annotations.block(index, &records))?;
        progress.add(records.samples);
        if progress.is_cancelled() {
            return Err(DatasetError::Interrupted);
        }
    }
    commit(target.path, &outdated, vec![staged])?;
    let sha256 = hex(&hasher.finalize());
    Ok(Converted {
        channel_names: labels,
        ..Converted::of(recording, target, bytes, sha256, warnings)
    })
}

/// How `recording` becomes records, and their annotations.
fn cut(
    recording: &Recording,
    start_us: u64,
    width: usize,
    warnings: &mut Vec<String>,
) -> Result<(Records, Annotations), String> {
    let (samples, rate_hz) = (recording.samples, recording.sample_rate_hz);
    let events = &recording.events;
    let text_bytes: usize = events.iter().map(|event| event.label.len()).sum();
    // More are not read back.
    if events.len() > MOST_EVENTS || text_bytes as u64 > MOST_BYTES {
        return Err(format!(
            "{} events of {text_bytes} bytes; annotations are at most {MOST_EVENTS} of \
             {MOST_BYTES} bytes; write a .vhdr instead",
            events.len()
        ));
    }
    let row_bytes = (recording.channels() * width) as u64;
    let of_true_time = lists(events, start_us, 1.0);
    let content = Content::new(row_bytes, &of_true_time);
    let fewer = || match Records::fewer(samples, rate_hz, &content) {
        Some(fewer) => format!("its first {fewer} samples could be"),
        None => "no fewer samples can be".to_owned(),
    };
    let Some(records) = Records::choose(samples, rate_hz, &content) else {
        let room = match events.len() {
            0 => String::new(),
            count => format!(" and has room for {count} events"),
        };
        return Err(format!(
            "no division of {samples} samples into equal records gives {rate_hz} Hz{room}; {}; \
             write a .vhdr instead",
            fewer()
        ));
    };
    if !records.are_common(&content) {
        warnings.push(format!(
            "records of {} bytes, without which {samples} samples do not give {rate_hz} Hz: MNE \
             and edfio read them, EDFlib (pyEDFlib, EDFbrowser) takes at most \
             {COMMON_RECORD_BYTES}; {} written for all",
            records.bytes(&content),
            fewer()
        ));
    }
    let exact = records.rate_hz() == rate_hz;
    let timed = if exact {
        of_true_time
    } else {
        warnings.push(format!(
            "the header has the sample rate {} Hz: {rate_hz} Hz needs more digits than it has \
             room for; events stay at their samples",
            records.rate_hz(),
        ));
        lists(events, start_us, rate_hz / records.rate_hz())
    };
    let annotations = Annotations::new(timed, &records, start_us, width);
    if annotations.bytes as u64 > MOST_RECORD_BYTES {
        return Err(format!(
            "{} bytes of annotations in each record; {MOST_RECORD_BYTES} are read back; write a \
             .vhdr instead",
            annotations.bytes
        ));
    }
    Ok((records, annotations))
}

/// The range of every channel; the inner error says which sample has none.
fn ranges(
    recording: &mut Recording,
    progress: &Progress,
) -> Result<Result<Vec<Range>, String>, DatasetError> {
    let channels = recording.channels();
    let mut limits = vec![(f32::INFINITY, f32::NEG_INFINITY); channels];
    let mut rows = vec![0.0_f32; (256 * 1024 / channels).max(1) * channels];
    let mut done = 0_u64;
    loop {
        let count = recording.read(&mut rows)?;
        if count == 0 {
            break;
        }
        for (index, row) in rows.chunks_exact(channels).take(count).enumerate() {
            for ((low, high), (sample, name)) in
                limits.iter_mut().zip(row.iter().zip(&recording.channel_names))
            {
                if !sample.is_finite() {
                    let at = done + index as u64;
                    return Ok(Err(format!(
                        "sample {at} of {} is {sample}, for which whole numbers have no place; \
                         write float32 instead",
                        printable(name)
                    )));
                }
                (*low, *high) = (low.min(*sample), high.max(*sample));
            }
        }
        done += count as u64;
        if progress.is_cancelled() {
            return Err(DatasetError::Interrupted);
        }
    }
    let ranges = limits.iter().zip(&recording.channel_names).map(|((low, high), name)| {
        Range::new(*low, *high).ok_or_else(|| {
            format!(
                "{} reaches from {low} to {high} µV, but limits have {NUMBER_CHARS} characters; \
                 write float32 instead",
                printable(name)
            )
        })
    });
    Ok(ranges.collect())
}

/// The labels of the channels: printable ASCII, at most sixteen characters.
fn labels(names: &[String], warnings: &mut Vec<String>) -> Result<Vec<String>, String> {
    if names.len() > MOST_CHANNELS {
        return Err(format!("{} channels; a header has room for {MOST_CHANNELS}", names.len()));
    }
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '_' };
    let label = |name: &String| name.chars().map(plain).take(LABEL_CHARS).collect::<String>();
    let labels: Vec<String> = names.iter().map(|name| label(name).trim().to_owned()).collect();
    let changed: Vec<String> = names
        .iter()
        .zip(&labels)
        .filter(|(name, label)| name != label)
        .map(|(name, label)| format!("{name} → {label}"))
        .collect();
    let reserved =
        |label: &&String| matches!(label.as_str(), "EDF Annotations" | "BDF Annotations");
    if let Some(label) = labels.iter().find(reserved) {
        return Err(format!("a channel of the name {label} would be read as annotations"));
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(label) = labels.iter().find(|label| !seen.insert(label.as_str())) {
        return Err(format!(
            "labels have {LABEL_CHARS} ASCII characters, and more than one channel would become \
             {label:?}; write a .vhdr instead"
        ));
    }
    if !changed.is_empty() {
        warnings
            .push(format!("labels have {LABEL_CHARS} ASCII characters: {}", list(changed.iter())));
    }
    Ok(labels)
}

/// The start of a recording as the header has it.
#[derive(Debug, PartialEq)]
struct Start {
    /// `dd.mm.yy`, `hh.mm.ss` and `Startdate DD-MMM-YYYY`.
    date: String,
    time: String,
    startdate: String,
    /// What is left to the first sample, in µs, below a second.
    fraction_us: u64,
}

/// The years of the header's two digits: the clipping date of EDF+.
const YEARS: std::ops::Range<u64> = 1985..2085;

/// From `YYYYMMDDhhmmssuuuuuu`. Without a start, or with one that two digits of a year cannot say,
/// the fields say that it is unknown, as EDF+ has it. (It also has the year `yy`, which readers
/// stumble over.)
fn start(start: Option<&str>, warnings: &mut Vec<String>) -> Start {
    let number = |from: usize, to: usize| start?.get(from..to)?.parse::<u64>().ok();
    let parts = (|| {
        let month = usize::try_from(number(4, 6)?).ok()?;
        let name = *MONTHS.get(month.checked_sub(1)?)?;
        Some((number(0, 4)?, month, name, number(6, 8)?, number(8, 14)?, number(14, 20)?))
    })();
    if let Some((year, ..)) = parts.filter(|(year, ..)| !YEARS.contains(year)) {
        warnings.push(format!(
            "the start in {year} is left out: dates in the header begin in {} and end in {}",
            YEARS.start,
            YEARS.end - 1
        ));
    }
    let parts = parts.filter(|(year, ..)| YEARS.contains(year));
    let Some((year, month, name, day, clock, fraction_us)) = parts else {
        return Start {
            date: "01.01.85".to_owned(),
            time: "00.00.00".to_owned(),
            startdate: "Startdate X".to_owned(),
            fraction_us: 0,
        };
    };
    Start {
        date: format!("{day:02}.{month:02}.{:02}", year % 100),
        time: format!("{:02}.{:02}.{:02}", clock / 10_000, clock / 100 % 100, clock % 100),
        startdate: format!("Startdate {day:02}-{name}-{year:04}"),
        fraction_us,
    }
}

/// The header: 256 bytes, and 256 for every signal, the annotations last.
fn header(
    bdf: bool,
    labels: &[String],
    ranges: &[Range],
    start: &Start,
    records: &Records,
    annotation_samples: usize,
) -> Vec<u8> {
    let signals = labels.len() + 1;
    let mut header = if bdf { b"\xffBIOSEMI".to_vec() } else { b"0       ".to_vec() };
    let mut field = |text: &str, width: usize| {
        header.extend(text.bytes().chain(std::iter::repeat(b' ')).take(width));
    };
    field("X X X X", 80);
    field(&format!("{} X X CORTEX-rs", start.startdate), 80);
    field(&start.date, 8);
    field(&start.time, 8);
    field(&(256 * (signals + 1)).to_string(), 8);
    field(if bdf { "BDF+C" } else { "EDF+C" }, 44);
    field(&records.count.to_string(), 8);
    field(&seconds(records.duration_us), 8);
    field(&signals.to_string(), 4);
    let (annotations, digital) = if bdf {
        ("BDF Annotations", ["-8388608", "8388607"])
    } else {
        ("EDF Annotations", ["-32768", "32767"])
    };
    let mut column = |width: usize, of_samples: &dyn Fn(usize) -> String, of_annotations: &str| {
        for channel in 0..labels.len() {
            field(&of_samples(channel), width);
        }
        field(of_annotations, width);
    };
    let limit = |channel: usize, which: usize| {
        ranges.get(channel).and_then(|range| range.fields.get(which)).cloned().unwrap_or_default()
    };
    column(16, &|channel| labels.get(channel).cloned().unwrap_or_default(), annotations);
    column(80, &|_| String::new(), "");
    column(8, &|_| "uV".to_owned(), "");
    column(8, &|channel| limit(channel, 0), "-1");
    column(8, &|channel| limit(channel, 1), "1");
    column(8, &|_| digital[0].to_owned(), digital[0]);
    column(8, &|_| digital[1].to_owned(), digital[1]);
    column(80, &|_| String::new(), "");
    column(8, &|_| records.samples.to_string(), &annotation_samples.to_string());
    column(32, &|_| String::new(), "");
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_by_hand() {
        let of = |text: &str| start(Some(text), &mut Vec::new());
        assert_eq!(
            of("20090812161501250000"),
            Start {
                date: "12.08.09".to_owned(),
                time: "16.15.01".to_owned(),
                startdate: "Startdate 12-AUG-2009".to_owned(),
                fraction_us: 250_000,
            }
        );
        assert_eq!(of("20840302000000000000").date, "02.03.84");
        let mut warnings = Vec::new();
        let early = start(Some("19510302000000000000"), &mut warnings);
        assert_eq!(early.startdate, "Startdate X");
        start(Some("99990302000000000000"), &mut warnings);
        let told = |year| {
            format!(
                "the start in {year} is left out: dates in the header begin in 1985 and end in 2084"
            )
        };
        assert_eq!(warnings, [told(1951), told(9999)]);
        assert_eq!(start(None, &mut Vec::new()), early);
    }
}
