//! Reading `.vhdr`, `.vmrk` and the binary samples they describe.
//!
//! `BINARY` data in `MULTIPLEXED` or `VECTORIZED` order as `IEEE_FLOAT_32`, `INT_16` or
//! `INT_32`. A sample in µV is `stored × resolution`, converted from the channel's unit.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::markers::Markers;
use super::sections::Sections;
use super::write::sampling_interval_us;
use crate::base::{quoted, quoted_path};
use crate::recording::channels::list;
use crate::recording::encoding::{decode_file, starts_with_text};
use crate::recording::layout::{Element, SampleScale, interleaved, planar};
use crate::recording::plane_reader::PlaneReader;
use crate::recording::signature::{foreign, head};
use crate::recording::stream::{Format, Level, Target, check_channels, chosen_channels};
use crate::recording::{DatasetError, OpenOptions, Recording, Unit, dataset, edf, labels, npy};

/// A header, which names its data file.
pub static FORMAT: Format = Format {
    name: "BrainVision",
    kind: "BrainVision",
    key: "brainvision",
    extensions: &["vhdr"],
    also: &["ahdr"],
    begins: |head| starts_with_text(head, "Brain Vision") || starts_with_text(head, "BrainVision"),
    rounds: false,
    open,
    // The header has the target's name, the samples stand in a file beside it.
    write: |recording, target, progress| {
        let data = target.path.with_extension("eeg");
        dataset::write(recording, &Target { path: &data, ..*target }, progress)
    },
};

/// Largest header and marker file read: far beyond any real one, and a bound on memory.
const MOST_HEADER_BYTES: u64 = 8 * 1024 * 1024;
const MOST_MARKER_BYTES: u64 = 16 * 1024 * 1024;

/// What a `.vhdr` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The data file, relative names resolved against the header's folder.
    pub data_path: PathBuf,
    /// The marker file, if one is named.
    pub marker_path: Option<PathBuf>,
    /// Channel names in file order, at least one, as written.
    pub channel_names: Vec<String>,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel, if the header says.
    pub samples: Option<u64>,
    /// Encoding of the samples.
    element: Element,
    /// Channel after channel instead of interleaved.
    vectorized: bool,
    /// Per channel: units per stored step as written (empty: 1) and the unit's text.
    scales: Vec<(String, String)>,
    /// The samples are epochs cut out of a recording, if so how long each is as written.
    segmented: Option<String>,
    /// Whether the text is Unicode.
    utf8: bool,
}

impl Description {
    /// Reads a header file.
    ///
    /// # Errors
    /// The file cannot be read or is not a BrainVision header this reader knows.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let (text, utf8) = read_text(path, MOST_HEADER_BYTES)?;
        Ok(Self { utf8, ..Self::parse(&text, path)? })
    }

    fn parse(text: &str, path: &Path) -> Result<Self, DatasetError> {
        let bad = |problem: String| DatasetError::format(path, problem);
        let first = text.lines().next().unwrap_or_default();
        let squeezed: String = first.chars().filter(|c| !c.is_whitespace()).collect();
        if !squeezed.to_lowercase().starts_with("brainvision") {
            return Err(bad("not a BrainVision header: the first line must say so".into()));
        }
        let sections = Sections::parse(text).map_err(bad)?;
        let common = |key: &str| sections.get("common infos", key);
        let needed = |key: &str| {
            common(key).ok_or_else(|| bad(format!("no {key} in section [Common Infos]")))
        };

        if let Some(format) = common("DataFormat")
            && !format.eq_ignore_ascii_case("BINARY")
        {
            return Err(bad(format!(
                "DataFormat {} is not supported, only BINARY; export it again so",
                quoted(format)
            )));
        }
        if let Some(kind) = common("DataType")
            && !kind.is_empty()
            && !kind.eq_ignore_ascii_case("TIMEDOMAIN")
        {
            return Err(bad(format!(
                "DataType {} is not supported, only TIMEDOMAIN",
                quoted(kind)
            )));
        }
        let vectorized = match common("DataOrientation").unwrap_or("MULTIPLEXED") {
            order if order.eq_ignore_ascii_case("MULTIPLEXED") => false,
            order if order.eq_ignore_ascii_case("VECTORIZED") => true,
            order => return Err(bad(format!("unknown DataOrientation {}", quoted(order)))),
        };
        let binary = |key: &str| sections.get("binary infos", key);
        let element = match binary("BinaryFormat").unwrap_or_default() {
            "IEEE_FLOAT_32" => Element::F32,
            "INT_16" => Element::I16,
            "INT_32" => Element::I32,
            other => {
                return Err(bad(format!(
                    "BinaryFormat {} is not supported, only IEEE_FLOAT_32, INT_16 and INT_32; export it again so",
                    quoted(other)
                )));
            }
        };
        if binary("UseBigEndianOrder").is_some_and(|value| value.eq_ignore_ascii_case("YES")) {
            return Err(
                bad("big-endian samples are not supported; export it again without".into()),
            );
        }
        // Analyzer's generic headers let samples begin elsewhere.
        for key in ["DataOffset", "ChannelOffset", "SegmentHeaderSize", "TrailerSize"] {
            if let Some(value) = binary(key).filter(|value| !matches!(*value, "" | "0")) {
                return Err(bad(format!("{key} {} is not supported, only 0", quoted(value))));
            }
        }

        let interval = needed("SamplingInterval")?;
        let interval_us = interval
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite() && *value > 0.0 && (1e6 / value).is_finite())
            .ok_or_else(|| {
                bad(format!(
                    "SamplingInterval {} is not a number of microseconds above 0",
                    quoted(interval)
                ))
            })?;
        let count = needed("NumberOfChannels")?;
        let count: usize = count.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
            bad(format!("NumberOfChannels {} is not a number above 0", quoted(count)))
        })?;
        check_channels(path, count as u64)?;
        let samples = match common("DataPoints").filter(|text| !text.is_empty()) {
            Some(text) => Some(text.parse().map_err(|_| {
                bad(format!("DataPoints {} is not a number of samples", quoted(text)))
            })?),
            None => None,
        };
        let mut channel_names = Vec::new();
        let mut scales = Vec::new();
        for number in 1..=count {
            let key = format!("ch{number}");
            let line = sections
                .get("channel infos", &key)
                .ok_or_else(|| bad(format!("NumberOfChannels is {count}, but there is no Ch{number} in section [Channel Infos]")))?;
            let mut parts = line.split(',').map(str::trim);
            channel_names.push(parts.next().unwrap_or_default().replace("\\1", ","));
            let resolution = parts.nth(1).unwrap_or_default().to_owned();
            // Microvolts unless the header says otherwise.
            let unit = parts.next().filter(|unit| !unit.is_empty()).unwrap_or("µV");
            scales.push((resolution, unit.to_owned()));
        }
        // $b stands for the header's own name without extension, unless a file is called so.
        let beside = |name: &str| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let replaced = path.with_file_name(name.replace("$b", &stem));
            let literal = path.with_file_name(name);
            if !replaced.exists() && literal.exists() { literal } else { replaced }
        };
        let segmented = common("SegmentationType")
            .or_else(|| sections.get("segmentation infos", "SegmentationType"))
            .filter(|kind| !kind.is_empty() && !kind.eq_ignore_ascii_case("NOTSEGMENTED"));
        let segment_samples = common("SegmentDataPoints")
            .or_else(|| sections.get("segmentation infos", "SegmentDataPoints"))
            .unwrap_or("?");
        Ok(Self {
            data_path: beside(needed("DataFile")?),
            marker_path: common("MarkerFile").filter(|name| !name.is_empty()).map(beside),
            channel_names,
            sample_rate_hz: rate_from_interval_hz(interval_us),
            samples,
            element,
            vectorized,
            scales,
            segmented: segmented.map(|_| segment_samples.to_owned()),
            utf8: true,
        })
    }
}

/// Opens a recording by its `.vhdr`.
///
/// # Errors
/// The header, the marker file or the data file cannot be read, or the data file's size is
/// not what the header says.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
    let header = Description::read(path)?;
    let data = &header.data_path;
    // Looked at first: opening a named pipe would wait for whoever writes to it.
    let metadata = match std::fs::metadata(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let problem = format!(
                "its DataFile {} is not there; put it there, or correct DataFile",
                quoted_path(&data.to_string_lossy())
            );
            return Err(DatasetError::format(path, problem));
        }
        found => found.map_err(DatasetError::io("read", data))?,
    };
    if !metadata.is_file() {
        return Err(DatasetError::format(
            path,
            format!("DataFile {} is no regular file", quoted_path(&data.to_string_lossy())),
        ));
    }
    refuse_foreign(data)?;
    let file = File::open(data).map_err(DatasetError::io("read", data))?;
    let bytes = file.metadata().map_err(DatasetError::io("read", data))?.len();
    let mut notes = Vec::new();
    if !header.utf8 {
        notes.push("the header is not in UTF-8; it is read as Windows-1252".to_owned());
    }
    if let Some(segment) = &header.segmented {
        notes.push(format!(
            "the samples are segments of {segment} samples cut out of a recording; they are joined, and time does not go on across their borders"
        ));
    }

    let channels = header.channel_names.len();
    let row_bytes = channels as u64 * header.element.bytes() as u64;
    let present = bytes / row_bytes;
    let promised = header.samples.unwrap_or(present);
    if promised != present || bytes % row_bytes != 0 {
        if !options.accept_truncated || header.vectorized {
            let problem = if promised == present {
                format!(
                    "{bytes} bytes is no whole number of samples of {channels} channels ({row_bytes} bytes each)"
                )
            } else {
                let vhdr = path.file_name().unwrap_or_default().to_string_lossy();
                format!("{present} samples per channel, but {vhdr} says {promised}")
            };
            let accept = if header.vectorized {
                ""
            } else {
                ", or take what is there with --accept-truncated"
            };
            let advice = format!("the file is not whole, make or fetch it again{accept}");
            return Err(DatasetError::format(data, format!("{problem}; {advice}")));
        }
        notes.push(format!(
            "{present} whole samples per channel of the {promised} promised are taken"
        ));
    }
    if present == 0 {
        return Err(DatasetError::format(data, "the file holds no whole sample"));
    }

    let layout_of = if header.vectorized { planar } else { interleaved };
    let mut layout = layout_of(0, channels, present, header.element, Unit::Microvolt);
    let written = labels::distinct(header.channel_names.clone());
    let (chosen, channel_names) = chosen_channels(path, options, &header.channel_names, written)?;
    let mut strange = Vec::new();
    for (index, name) in chosen.iter().zip(&channel_names) {
        let scale = layout.planes.get_mut(*index).zip(header.scales.get(*index));
        let Some((plane, (resolution, unit))) = scale else { continue };
        plane.scale = resolution_scale(resolution).map_err(|problem| {
            let choose = options.option_source.choose();
            DatasetError::format(path, format!("channel {name}: {problem}; {choose} the others"))
        })?;
        match Unit::from_header(unit).or(options.unit) {
            Some(unit) => plane.unit = unit,
            None => strange.push(format!("{name} ({unit})")),
        }
    }
    if !strange.is_empty() {
        return Err(DatasetError::format(
            path,
            format!(
                "not in volts: {}; {} the others, or say what they are with {}",
                list(strange.iter()),
                options.option_source.choose(),
                options.option_source.unit()
            ),
        ));
    }
    layout.keep(&chosen);
    let markers = match &header.marker_path {
        Some(markers) if markers.is_file() => {
            let (text, utf8) = read_text(markers, MOST_MARKER_BYTES)?;
            if !utf8 {
                notes
                    .push("the markers are not in UTF-8; they are read as Windows-1252".to_owned());
            }
            Markers::parse(&text, header.sample_rate_hz, &mut notes)
                .map_err(|problem| DatasetError::format(markers, problem))?
        }
        Some(markers) => {
            let name = quoted_path(&markers.file_name().unwrap_or_default().to_string_lossy());
            notes.push(format!("the marker file {name} is missing: no events"));
            Markers::default()
        }
        None => Markers::default(),
    };
    Ok(Recording {
        path: path.to_owned(),
        data_path: data.clone(),
        sources: [Some(path.to_owned()), Some(data.clone()), header.marker_path.clone()]
            .into_iter()
            .flatten()
            .collect(),
        format: &FORMAT,
        channel_names,
        sample_rate_hz: header.sample_rate_hz,
        samples: present,
        start: markers.start,
        events: markers.events,
        keeps_events: true,
        unit_assumed: false,
        notes,
        codes: None,
        reader: PlaneReader::new(file, data, layout),
        option_source: options.option_source,
        level: Level::default(),
    })
}

/// The rate of an interval in µs: the number of micro-hertz whose interval this is, if there
/// is one (30 kHz then reads as 30,000 and not one unit in the last place beside it), else
/// the plain reciprocal.
fn rate_from_interval_hz(interval_us: f64) -> f64 {
    let plain = 1e6 / interval_us;
    let neat = (plain * 1e6).round() / 1e6;
    if neat > 0.0 && sampling_interval_us(neat) == interval_us { neat } else { plain }
}

/// Units per stored step, as a header writes them.
fn resolution_scale(text: &str) -> Result<SampleScale, String> {
    if text.is_empty() {
        return Ok(SampleScale::Stored);
    }
    match text.parse::<f64>() {
        // Multiplying by 1 is no change, and Stored is the faster way to say so.
        Ok(1.0) => Ok(SampleScale::Stored),
        Ok(resolution) if resolution.is_finite() && resolution != 0.0 => {
            Ok(SampleScale::Gain(resolution))
        }
        _ => Err(format!("resolution {} is not a number other than 0", quoted(text))),
    }
}

/// The text of a file of at most `most_bytes`, and whether it is Unicode.
fn read_text(path: &Path, most_bytes: u64) -> Result<(String, bool), DatasetError> {
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(most_bytes + 1).read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    if bytes.len() as u64 > most_bytes {
        return Err(DatasetError::format(path, "too large for a header"));
    }
    Ok(decode_file(&bytes))
}

/// Refuses a data file that begins like a file of its own: an archive, a pointer to data that was
/// never fetched, another format. Integers may look like a text.
fn refuse_foreign(path: &Path) -> Result<(), DatasetError> {
    let head = head(path)?;
    let known = [&edf::EDF, &edf::BDF, &npy::FORMAT, &FORMAT];
    let known = known
        .into_iter()
        .find(|format| (format.begins)(&head))
        .map(|format| (format.name, "not the samples that a header describes; open it by itself"));
    let Some((name, advice)) = known.or_else(|| foreign(&head)) else { return Ok(()) };
    Err(DatasetError::format(path, format!("it is {name} by its first bytes; {advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::brainvision::{Header, Marker, write_header};

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("take 1.float32");
        std::fs::write(&data, [0; 2 * 4 * 30]).unwrap();
        let channel_names = ["FC5".to_owned(), "left, upper".to_owned()];
        let header = Header {
            channel_names: &channel_names,
            sample_rate_hz: 30_000.0,
            samples: 30,
            markers: &[Marker { sample: 6, length: 3, description: "T1, left".into() }],
            start: Some("20090812161500000000"),
        };
        let vhdr = write_header(&data, &header).unwrap();
        let recording = Recording::open(&vhdr, &OpenOptions::default()).unwrap();
        assert_eq!(recording.channel_names, channel_names);
        assert_eq!(recording.sample_rate_hz, 30_000.0);
        assert_eq!(recording.samples, 30);
        assert_eq!(recording.start.as_deref(), Some("20090812161500000000"));
        let [event] = recording.events.as_slice() else { panic!("{:?}", recording.events) };
        assert_eq!(event.label, "T1, left");
        assert_eq!((event.onset_s, event.duration_s), (0.0002, Some(0.0001)));
        assert!(recording.notes.is_empty());
    }

    #[test]
    fn resolutions_are_numbers_other_than_0() {
        assert_eq!(resolution_scale(""), Ok(SampleScale::Stored));
        assert_eq!(resolution_scale("1"), Ok(SampleScale::Stored));
        assert_eq!(resolution_scale("0.0488281"), Ok(SampleScale::Gain(0.048_828_1)));
        for wrong in ["nan", "0", "x", "inf"] {
            assert!(resolution_scale(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bad_headers_say_what_is_wrong() {
        let good = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=x\nNumberOfChannels=1\nSamplingInterval=1000\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=A,,0.5,mV\n";
        let parse = |text: &str| Description::parse(text, Path::new("x.vhdr"));
        let header = parse(good).unwrap();
        assert_eq!(header.sample_rate_hz, 1000.0);
        assert_eq!(header.scales, [("0.5".to_owned(), "mV".to_owned())]);
        for (from, to, word) in [
            ("Brain Vision", "Something", "first line"),
            ("NumberOfChannels=1", "NumberOfChannels=65536", "no Ch2"),
            ("NumberOfChannels=1", "NumberOfChannels=4000000000", "at most 65536"),
            ("NumberOfChannels=1", "NumberOfChannels=-1", "NumberOfChannels"),
            ("SamplingInterval=1000", "SamplingInterval=0", "SamplingInterval"),
            ("SamplingInterval=1000", "SamplingInterval=1e-310", "SamplingInterval"),
            ("SamplingInterval=1000", "Other=1", "SamplingInterval"),
            ("INT_16", "FLOAT_64", "BinaryFormat"),
            ("NumberOfChannels=1", "NumberOfChannels=1\nDataType=FREQUENCYDOMAIN", "TIMEDOMAIN"),
            ("DataFile=x", "DataFormat=ASCII", "DataFormat"),
        ] {
            let error = parse(&good.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(word), "{to}: {error}");
        }
    }
}
