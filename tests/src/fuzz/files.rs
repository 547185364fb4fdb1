//! Recordings: EDF and BDF, BrainVision, npy.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use cortex_host::base::Failure;
use cortex_host::recording::brainvision::{self, Description, Header};
use cortex_host::recording::{DatasetError, OpenOptions, Recording, Unit, events};

use super::assert_fit_to_print;

/// Separates header, markers and samples in an input of [`brainvision`]: no UTF-8 text has it.
const SEPARATOR: u8 = 0xFF;

/// An EDF or BDF file is refused in one sentence, or is as long as its header says and read to
/// its end.
pub fn edf(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("x.edf");
    fs::write(&path, input).expect("room");
    if let Some(recording) = accepted(Recording::open(&path, &OpenOptions::default())) {
        if let Some(promised) = edf_bytes(input) {
            assert_eq!(promised, input.len() as u64, "bytes by the header");
        }
        survives(recording, folder.path());
    }
    let unit = Some(Unit::Microvolt);
    let truncated = OpenOptions { accept_truncated: true, unit, ..OpenOptions::default() };
    if let Some(recording) = accepted(Recording::open(&path, &truncated)) {
        survives(recording, folder.path());
    }
}

/// The same of a BDF file, whatever its version field says.
pub fn bdf(input: &[u8]) {
    let mut file = input.to_vec();
    let version = b"\xffBIOSEMI";
    if let Some(field) = file.get_mut(..version.len()) {
        field.copy_from_slice(version);
    }
    edf(&file);
}

/// The length of an EDF or BDF file by its header, read in another way than the product does;
/// `None` when the number of records is open.
fn edf_bytes(file: &[u8]) -> Option<u64> {
    let number = |at: usize, width: usize| -> i64 {
        let field = String::from_utf8_lossy(&file[at..at + width]);
        field.trim_matches([' ', '\0']).parse().expect("an accepted number")
    };
    let records = u64::try_from(number(236, 8)).ok()?;
    let signals = number(252, 4) as usize;
    let bytes = if file[0] == 0xFF { 3 } else { 2 };
    let record: u64 =
        (0..signals).map(|n| number(256 + signals * 216 + n * 8, 8) as u64 * bytes).sum();
    Some(256 * (signals as u64 + 1) + records * record)
}

/// A BrainVision header, its markers and its samples are refused in one sentence or read to the
/// end.
pub fn brainvision(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("x.vhdr");
    let mut parts = input.splitn(3, |byte| *byte == SEPARATOR);
    for name in ["x.vhdr", "x.vmrk", "x.dat"] {
        fs::write(folder.path().join(name), parts.next().unwrap_or_default()).expect("room");
    }
    for accept_truncated in [false, true] {
        let unit = accept_truncated.then_some(Unit::Microvolt);
        let options = OpenOptions { accept_truncated, unit, ..OpenOptions::default() };
        if let Some(recording) = accepted(Recording::open(&path, &options)) {
            let description = Description::read(&path).expect("read before");
            assert_eq!(description.channel_names.len(), recording.channels());
            if let Some(samples) = description.samples.filter(|_| !accept_truncated) {
                assert_eq!(samples, recording.samples);
            }
            survives(recording, folder.path());
        }
    }
}

/// A marker file beside a good header is refused in one sentence or read, and no marker is lost
/// without a word.
pub fn markers(input: &[u8]) {
    const HEADER: &str = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n\
        DataFile=x.dat\nMarkerFile=x.vmrk\nNumberOfChannels=2\nSamplingInterval=4000\n\
        [Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=Fp1,,0.5,µV\nCh2=Cz\n";
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("x.vhdr");
    fs::write(&path, HEADER).expect("room");
    fs::write(folder.path().join("x.dat"), [7; 40]).expect("room");
    fs::write(folder.path().join("x.vmrk"), input).expect("room");
    if let Some(recording) = accepted(Recording::open(&path, &OpenOptions::default())) {
        survives(recording, folder.path());
    }
}

/// Bytes that are called raw samples are refused in one sentence, or are read as what they are: the
/// first byte tells the number of channels, the second which extension the file has.
pub fn raw(input: &[u8]) {
    let [channels, extension, samples @ ..] = input else { return };
    let extension = ["float32", "f32", "raw", "bin", "dat"][usize::from(*extension) % 5];
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("x").with_extension(extension);
    fs::write(&path, samples).expect("room");
    for accept_truncated in [false, true] {
        let options = OpenOptions {
            channel_count: Some(usize::from(*channels % 8)),
            sample_rate_hz: Some(250.0),
            accept_truncated,
            ..OpenOptions::default()
        };
        let Some(mut recording) = accepted(Recording::open(&path, &options)) else { continue };
        let values = recording.samples as usize * recording.channels();
        assert!(accept_truncated || values * 4 == samples.len());
        let mut rows = vec![0.0; values];
        recording.read(&mut rows).expect("there a moment ago");
        // A NaN stays one, whatever else is in it.
        let same = |(bytes, value): (&[u8; 4], &f32)| {
            value.to_bits().to_le_bytes() == *bytes
                || (value.is_nan() && f32::from_le_bytes(*bytes).is_nan())
        };
        assert!(samples.as_chunks().0.iter().zip(&rows).all(same), "read as they are");
        let again = accepted(Recording::open(&path, &options)).expect("opened before");
        survives(again, folder.path());
    }
}

/// A npy file is refused in one sentence, or is read to its end in both orientations.
pub fn npy(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("x.npy");
    fs::write(&path, input).expect("room");
    let shape = |channels_first| {
        let options =
            OpenOptions { sample_rate_hz: Some(100.0), channels_first, ..OpenOptions::default() };
        let recording = accepted(Recording::open(&path, &options))?;
        let shape = (recording.samples, recording.channels() as u64);
        assert!(shape.0 * shape.1 * 2 <= input.len() as u64, "{shape:?} in {}", input.len());
        survives(recording, folder.path());
        Some(shape)
    };
    if let (Some((samples, channels)), Some(turned)) = (shape(false), shape(true)) {
        assert_eq!(turned, (channels, samples));
    }
}

fn accepted(opened: Result<Recording, DatasetError>) -> Option<Recording> {
    match opened {
        Ok(recording) => Some(recording),
        Err(error) => {
            assert_fit_to_print(&Failure::from(error).to_string());
            None
        }
    }
}

/// What everyone relies on who gets an opened recording, and that it can be written again.
fn survives(mut recording: Recording, folder: &Path) {
    let rate_hz = recording.sample_rate_hz;
    assert!(rate_hz.is_finite() && rate_hz > 0.0, "{rate_hz} Hz");
    assert!(recording.samples > 0 && recording.channels() > 0);
    let names: HashSet<&String> = recording.channel_names.iter().collect();
    assert_eq!(names.len(), recording.channels(), "{:?}", recording.channel_names);
    for text in recording.channel_names.iter().chain(&recording.notes) {
        assert_fit_to_print(text);
    }
    assert!(recording.start.as_ref().is_none_or(|start| {
        start.len() == 20 && start.bytes().all(|byte| byte.is_ascii_digit())
    }));
    assert!(recording.events.iter().all(|event| event.onset_s.is_finite()));
    assert!(recording.events.is_sorted_by(|a, b| a.onset_s <= b.onset_s));

    let channels = recording.channels();
    let mut rows = vec![0.0; channels * 7];
    let mut read = 0;
    loop {
        let count = recording.read(&mut rows).unwrap_or_else(|error| panic!("{error}"));
        if count == 0 {
            break;
        }
        read += count as u64;
    }
    assert_eq!(read, recording.samples);
    recording.warnings().iter().for_each(|warning| assert_fit_to_print(warning));
    written_again(&recording, folder);
}

/// The header that `convert` writes says the same as the recording.
fn written_again(recording: &Recording, folder: &Path) {
    let tsv = events::to_tsv(&recording.events);
    assert_eq!(tsv.lines().count(), recording.events.len() + 1, "{tsv:?}");
    assert!(tsv.lines().all(|line| line.split('\t').count() == 3), "{tsv:?}");
    let markers =
        events::to_markers(&recording.events, recording.sample_rate_hz, recording.samples);
    let header = Header {
        channel_names: &recording.channel_names,
        sample_rate_hz: recording.sample_rate_hz,
        samples: recording.samples,
        markers: &markers,
        start: recording.start.as_deref(),
    };
    let written = brainvision::write_header(&folder.join("again.float32"), &header)
        .unwrap_or_else(|error| panic!("{error}"));
    let read = Description::read(&written).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.channel_names, recording.channel_names);
    assert_eq!(read.samples, Some(recording.samples));
    let ratio = read.sample_rate_hz / recording.sample_rate_hz;
    assert!(
        (ratio - 1.0).abs() < 1e-9,
        "{} Hz, not {}",
        read.sample_rate_hz,
        recording.sample_rate_hz
    );
}
