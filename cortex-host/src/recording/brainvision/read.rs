//! Reading `.vhdr`, `.vmrk` and the binary samples they describe.
//!
//! `BINARY` data in `MULTIPLEXED` or `VECTORIZED` order as `IEEE_FLOAT_32`, `INT_16` or
//! `INT_32`. A sample in µV is `stored × resolution`, converted from the channel's unit.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::sections::Sections;
use super::write::sampling_interval_us;
use crate::base::quoted;
use crate::recording::events::{Event, MOST_EVENTS};
use crate::recording::layout::{Element, PlaneReader, Scale, interleaved, planar};
use crate::recording::stream::{Format, OpenOptions, Recording, check_channels};
use crate::recording::{DatasetError, Unit, labels};

/// A BrainVision header, which names its data file.
pub(crate) const FORMAT: Format = Format {
    name: "BrainVision",
    extensions: &["vhdr"],
    magic: b"Brain Vision Data Exchange Header File",
    open,
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
    /// Per channel: units per stored step (`None`: 1) and the unit's text.
    scales: Vec<(Option<f64>, String)>,
}

impl Description {
    /// Reads a header file.
    ///
    /// # Errors
    /// The file cannot be read or is not a BrainVision header this reader knows.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let text = read_text(path, MOST_HEADER_BYTES)?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, DatasetError> {
        let bad = |problem: String| DatasetError::format(path, problem);
        let first = text.lines().next().unwrap_or_default().trim_start_matches('\u{feff}');
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
                "DataFormat {} is not supported, only BINARY",
                quoted(format)
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
                    "BinaryFormat {} is not supported, only IEEE_FLOAT_32, INT_16 and INT_32",
                    quoted(other)
                )));
            }
        };
        if binary("UseBigEndianOrder").is_some_and(|value| value.eq_ignore_ascii_case("YES")) {
            return Err(bad("big-endian samples are not supported".into()));
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
        let samples = match common("DataPoints") {
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
            let resolution = parts.nth(1).unwrap_or_default();
            let resolution = match resolution {
                "" => None,
                text => Some(
                    text.parse::<f64>().ok().filter(|r| r.is_finite() && *r != 0.0).ok_or_else(
                        || {
                            bad(format!(
                                "Ch{number}: resolution {} is not a number other than 0",
                                quoted(text)
                            ))
                        },
                    )?,
                ),
            };
            // Microvolts unless the header says otherwise.
            let unit = parts.next().filter(|unit| !unit.is_empty()).unwrap_or("µV");
            scales.push((resolution, unit.to_owned()));
        }
        let beside = |name: &str| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            path.with_file_name(name.replace("$b", &stem))
        };
        Ok(Self {
            data_path: beside(needed("DataFile")?),
            marker_path: common("MarkerFile").filter(|name| !name.is_empty()).map(beside),
            channel_names,
            sample_rate_hz: rate_from_interval_hz(interval_us),
            samples,
            element,
            vectorized,
            scales,
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
    let metadata = std::fs::metadata(data).map_err(DatasetError::io("read", data))?;
    if !metadata.is_file() {
        return Err(DatasetError::format(
            path,
            format!("DataFile {} is no regular file", quoted(&data.to_string_lossy())),
        ));
    }
    let file = File::open(data).map_err(DatasetError::io("read", data))?;
    let bytes = file.metadata().map_err(DatasetError::io("read", data))?.len();
    let mut notes = Vec::new();

    let channels = header.channel_names.len();
    let row_bytes = channels as u64 * header.element.bytes() as u64;
    let present = bytes / row_bytes;
    let promised = header.samples.unwrap_or(present);
    if promised != present || bytes % row_bytes != 0 {
        if !options.accept_truncated || header.vectorized {
            return Err(DatasetError::format(
                data,
                format!(
                    "{bytes} bytes, but {channels} channels × {promised} samples need {}; fetch it again{}",
                    row_bytes.saturating_mul(promised),
                    if header.vectorized {
                        ""
                    } else {
                        ", or take what is there with --accept-truncated"
                    }
                ),
            ));
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
    for ((plane, (resolution, unit)), name) in
        layout.planes.iter_mut().zip(&header.scales).zip(&header.channel_names)
    {
        plane.scale = match resolution {
            // Multiplying by 1 is no change, and Stored is the faster way to say so.
            None | Some(1.0) => Scale::Stored,
            Some(resolution) => Scale::Gain(*resolution),
        };
        plane.unit = Unit::from_header(unit).or(options.unit).ok_or_else(|| {
            DatasetError::format(
                path,
                format!(
                    "channel {} is in {}, not in volts; say what it is with --unit uV",
                    quoted(name),
                    quoted(unit)
                ),
            )
        })?;
    }
    let mut channel_names = header.channel_names;
    if let Some(wanted) = &options.channels {
        let mut planes = Vec::with_capacity(wanted.len());
        for name in wanted {
            let index = channel_names.iter().position(|have| have == name).ok_or_else(|| {
                DatasetError::Request(format!("{} has no channel '{name}'", path.display()))
            })?;
            planes.extend(layout.planes.get(index).cloned());
        }
        layout.planes = planes;
        channel_names.clone_from(wanted);
    }
    let (events, start) = match &header.marker_path {
        Some(markers) if markers.is_file() => {
            let text = read_text(markers, MOST_MARKER_BYTES)?;
            parse_markers(&text, header.sample_rate_hz)
                .map_err(|problem| DatasetError::format(markers, problem))?
        }
        Some(markers) => {
            let name = quoted(&markers.file_name().unwrap_or_default().to_string_lossy());
            notes.push(format!("the marker file {name} is missing: no events"));
            (Vec::new(), None)
        }
        None => (Vec::new(), None),
    };
    Ok(Recording {
        path: path.to_owned(),
        data_path: data.clone(),
        format: FORMAT.name,
        channel_names: labels::distinct(channel_names),
        sample_rate_hz: header.sample_rate_hz,
        samples: present,
        start,
        events,
        keeps_events: true,
        notes,
        reader: PlaneReader::new(file, data, layout),
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

/// Events (all markers but segment starts) and the recording's start time.
fn parse_markers(text: &str, rate_hz: f64) -> Result<(Vec<Event>, Option<String>), String> {
    let mut events = Vec::new();
    let mut start = None;
    let lines = text.lines().skip_while(|line| !line.trim().eq_ignore_ascii_case("[marker infos]"));
    for line in lines.skip(1).take_while(|line| !line.trim_start().starts_with('[')) {
        let Some((key, value)) = line.split_once('=') else { continue };
        if !key.trim_start().to_lowercase().starts_with("mk") {
            continue;
        }
        let mut parts = value.split(',').map(str::trim);
        let kind = parts.next().unwrap_or_default().replace("\\1", ",");
        let description = parts.next().unwrap_or_default().replace("\\1", ",");
        let position = parts.next().and_then(|text| text.parse::<u64>().ok());
        let length = parts.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        if kind == "New Segment" {
            let date = parts.nth(1).unwrap_or_default();
            let valid = date.len() == 20
                && date.bytes().all(|byte| byte.is_ascii_digit())
                && date.bytes().any(|byte| byte != b'0');
            if start.is_none() && valid {
                start = Some(date.to_owned());
            }
            continue;
        }
        let Some(position) = position else { continue };
        let label = match kind.as_str() {
            "" | "Comment" => description,
            _ => format!("{kind}/{description}"),
        };
        if events.len() == MOST_EVENTS {
            return Err(format!("more than {MOST_EVENTS} markers; no recorder writes that"));
        }
        events.push(Event {
            onset_s: position.saturating_sub(1) as f64 / rate_hz,
            duration_s: Some(length as f64 / rate_hz),
            label,
        });
    }
    events.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
    Ok((events, start))
}

/// The text of a file of at most `most_bytes`: UTF-8, or Latin-1 as older recorders wrote.
fn read_text(path: &Path, most_bytes: u64) -> Result<String, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(most_bytes + 1).read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    if bytes.len() as u64 > most_bytes {
        return Err(DatasetError::format(path, "too large for a header"));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    })
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
    fn bad_headers_say_what_is_wrong() {
        let good = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=x\nNumberOfChannels=1\nSamplingInterval=1000\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=A,,0.5,mV\n";
        let parse = |text: &str| Description::parse(text, Path::new("x.vhdr"));
        let header = parse(good).unwrap();
        assert_eq!(header.sample_rate_hz, 1000.0);
        assert_eq!(header.scales, [(Some(0.5), "mV".to_owned())]);
        for (from, to, word) in [
            ("Brain Vision", "Something", "first line"),
            ("NumberOfChannels=1", "NumberOfChannels=65536", "no Ch2"),
            ("NumberOfChannels=1", "NumberOfChannels=4000000000", "at most 65536"),
            ("NumberOfChannels=1", "NumberOfChannels=-1", "NumberOfChannels"),
            ("SamplingInterval=1000", "SamplingInterval=0", "SamplingInterval"),
            ("SamplingInterval=1000", "SamplingInterval=1e-310", "SamplingInterval"),
            ("SamplingInterval=1000", "Other=1", "SamplingInterval"),
            ("INT_16", "FLOAT_64", "BinaryFormat"),
            ("0.5", "nan", "resolution"),
            ("DataFile=x", "DataFormat=ASCII", "DataFormat"),
        ] {
            let error = parse(&good.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(word), "{to}: {error}");
        }
    }
}
