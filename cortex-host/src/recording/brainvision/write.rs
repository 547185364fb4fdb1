//! Writing `.vhdr` and `.vmrk` beside a `.float32` file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::base::atomic_file::{Staged, remove_if_present, stage_text};
use crate::base::{FileError, without_controls};
use crate::recording::DatasetError;

/// What a header says about a file of interleaved little-endian `f32` samples.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// One name per channel, distinct, in file order.
    pub channel_names: &'a [String],
    /// Samples per second and channel in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel.
    pub samples: u64,
    /// Events, in order of their onset.
    pub markers: &'a [Marker],
    /// When the first sample was taken, as `YYYYMMDDhhmmssuuuuuu` (20 digits), if known.
    pub start: Option<&'a str>,
}

/// An event in a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// First sample of the event, counted from 0.
    pub sample: u64,
    /// Length in samples; 0 when it has none or it is unknown.
    pub length: u64,
    /// What happened.
    pub description: String,
}

/// Where the header files of `data` lie: its name with the extension replaced by `vhdr` and
/// `vmrk`.
#[must_use]
pub fn header_paths(data: &Path) -> (PathBuf, PathBuf) {
    (data.with_extension("vhdr"), data.with_extension("vmrk"))
}

/// Removes the header files of `data` if there are any. Called before new samples replace
/// old ones, so that no moment shows new samples under an old header.
///
/// # Errors
/// A file is there and cannot be removed.
pub fn remove_header(data: &Path) -> Result<(), FileError> {
    let (vhdr, vmrk) = header_paths(data);
    remove_if_present(&vhdr)?;
    remove_if_present(&vmrk)
}

/// Writes `.vhdr` and `.vmrk` beside `data` (which need not exist yet). Returns the header's path.
///
/// # Errors
/// As [`stage_header`], or they cannot be given their names.
pub fn write_header(data: &Path, header: &Header<'_>) -> Result<PathBuf, DatasetError> {
    for staged in stage_header(data, header)? {
        staged.place()?;
    }
    Ok(header_paths(data).0)
}

/// As [`write_header`], but the files do not have their names yet; to be placed in the order
/// given, so that a header never points at a missing marker file.
///
/// Samples are declared `IEEE_FLOAT_32`, `MULTIPLEXED`, resolution 1 µV.
///
/// # Errors
/// `data` itself is named `.vhdr` or `.vmrk`, its name is not UTF-8, the rate is not a
/// positive number, there is no channel, or the files cannot be written.
pub fn stage_header(data: &Path, header: &Header<'_>) -> Result<[Staged; 2], DatasetError> {
    let (vhdr, vmrk) = header_paths(data);
    if data == vhdr || data == vmrk {
        return Err(DatasetError::Request(format!(
            "{} would overwrite its own header: give the data file another extension, .float32 for instance",
            data.display()
        )));
    }
    if !(header.sample_rate_hz.is_finite() && header.sample_rate_hz > 0.0) {
        return Err(DatasetError::Request(format!(
            "a sample rate of {} Hz cannot be written to {}",
            header.sample_rate_hz,
            vhdr.display()
        )));
    }
    if header.channel_names.is_empty() {
        return Err(DatasetError::Request(format!("{} would have no channel", vhdr.display())));
    }
    let data_name = file_name(data)?;
    let markers = stage_text(&vmrk, &marker_text(data_name, header))?;
    let header = stage_text(&vhdr, &header_text(data_name, file_name(&vmrk)?, header))?;
    Ok([markers, header])
}

fn header_text(data_name: &str, marker_name: &str, header: &Header<'_>) -> String {
    let (data_name, marker_name) = (own_name(data_name), own_name(marker_name));
    let mut text = format!(
        "Brain Vision Data Exchange Header File Version 1.0\n\
         ; Written by cortex-host {version}. Samples are microvolts.\n\
         \n\
         [Common Infos]\n\
         Codepage=UTF-8\n\
         DataFile={data_name}\n\
         MarkerFile={marker_name}\n\
         DataFormat=BINARY\n\
         ; MULTIPLEXED: all channels of one sample, then the next sample\n\
         DataOrientation=MULTIPLEXED\n\
         NumberOfChannels={channels}\n\
         DataPoints={samples}\n\
         ; Sampling interval in microseconds\n\
         SamplingInterval={interval}\n\
         \n\
         [Binary Infos]\n\
         BinaryFormat=IEEE_FLOAT_32\n\
         \n\
         [Channel Infos]\n\
         ; Ch<number>=<name>,<reference>,<resolution in unit>,<unit>; a comma in a name is \\1\n",
        version = env!("CARGO_PKG_VERSION"),
        channels = header.channel_names.len(),
        samples = header.samples,
        interval = sampling_interval_us(header.sample_rate_hz),
    );
    for (index, name) in header.channel_names.iter().enumerate() {
        let _ = writeln!(text, "Ch{}={},,1,µV", index + 1, escape(name));
    }
    text
}

fn marker_text(data_name: &str, header: &Header<'_>) -> String {
    let data_name = own_name(data_name);
    let mut text = format!(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\
         \n\
         [Common Infos]\n\
         Codepage=UTF-8\n\
         DataFile={data_name}\n\
         \n\
         [Marker Infos]\n\
         ; Mk<number>=<type>,<description>,<position, from 1>,<size>,<channel, 0 = all>,<date>\n\
         Mk1=New Segment,,1,1,0"
    );
    if let Some(start) = header.start {
        text.push(',');
        text.push_str(start);
    }
    text.push('\n');
    for (index, marker) in header.markers.iter().enumerate() {
        let _ = writeln!(
            text,
            "Mk{}=Comment,{},{},{},0",
            index + 2,
            escape(&marker.description),
            marker.sample.saturating_add(1),
            marker.length
        );
    }
    text
}

/// The interval in µs whose reciprocal comes closest to `rate_hz`, since readers compute
/// `1e6 / interval`. Doubles near `1e6 / rate_hz` can be up to twice as far apart, relative
/// to their size, as those near `rate_hz`: the reciprocal may miss by one unit in the last
/// place (30 kHz does), never by more.
pub(super) fn sampling_interval_us(rate_hz: f64) -> f64 {
    let nearest = 1e6 / rate_hz;
    let back = |interval: f64| (1e6 / interval - rate_hz).abs();
    [nearest.next_down(), nearest.next_up()].into_iter().fold(nearest, |best, candidate| {
        if back(candidate) < back(best) { candidate } else { best }
    })
}

/// `name`, a file beside the header and of its name but for the extension, as a header writes it:
/// a name with `$b` in it needs `$b`, which readers replace by the header's own name.
fn own_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, extension)) if name.contains("$b") => format!("$b.{extension}"),
        None if name.contains("$b") => "$b".to_owned(),
        _ => name.to_owned(),
    }
}

/// BrainVision's own escape for a comma, and no line breaks.
fn escape(text: &str) -> String {
    without_controls(text).replace(',', "\\1")
}

fn file_name(path: &Path) -> Result<&str, DatasetError> {
    path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        DatasetError::Request(format!(
            "{} cannot be named in a header: its name is not UTF-8",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_gives_the_rate_back() {
        for rate in [160.0, 250.0, 256.0, 512.0, 1000.0, 2048.0, 30_000.0, 24_414.062_5, 100.0] {
            let interval: f64 = sampling_interval_us(rate).to_string().parse().unwrap();
            let back = 1e6 / interval;
            let exact = if rate == 30_000.0 { rate.next_down() } else { rate };
            assert_eq!(back, exact, "{rate} Hz");
        }
    }

    #[test]
    fn header_lines_by_hand() {
        let names = ["FC5".to_owned(), "a,b".to_owned()];
        let markers = [Marker { sample: 4, length: 2, description: "T0, rest".into() }];
        let header = Header {
            channel_names: &names,
            sample_rate_hz: 160.0,
            samples: 9,
            markers: &markers,
            start: Some("20090812161500000000"),
        };
        let text = header_text("x.float32", "x.vmrk", &header);
        for line in [
            "Brain Vision Data Exchange Header File Version 1.0",
            "DataFile=x.float32",
            "MarkerFile=x.vmrk",
            "NumberOfChannels=2",
            "DataPoints=9",
            "SamplingInterval=6250",
            "BinaryFormat=IEEE_FLOAT_32",
            "Ch1=FC5,,1,µV",
            "Ch2=a\\1b,,1,µV",
        ] {
            assert!(text.lines().any(|have| have == line), "no line {line:?} in\n{text}");
        }
        let text = marker_text("x.float32", &header);
        assert!(text.contains("\nMk1=New Segment,,1,1,0,20090812161500000000\n"));
        assert!(text.contains("\nMk2=Comment,T0\\1 rest,5,2,0\n"));
    }

    #[test]
    fn a_header_never_replaces_the_data() {
        let names = ["A".to_owned()];
        let header = Header {
            channel_names: &names,
            sample_rate_hz: 1.0,
            samples: 0,
            markers: &[],
            start: None,
        };
        assert!(write_header(Path::new("x.vhdr"), &header).is_err());
    }
}
