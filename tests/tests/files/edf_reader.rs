//! EDF, EDF+ and BDF files made byte by byte here: what is read, what is refused and why.

use std::path::{Path, PathBuf};

use cortex_host::recording::{OpenOptions, Recording, Unit};

/// A signal of a file under construction.
#[derive(Clone)]
pub(super) struct Signal {
    label: &'static str,
    unit: &'static str,
    pub(super) physical: (&'static str, &'static str),
    pub(super) digital: (&'static str, &'static str),
    /// Per record: the stored bytes.
    pub(super) records: Vec<Vec<u8>>,
    samples_per_record: &'static str,
}

impl Signal {
    /// 16-bit samples, two per record, 1 unit per step.
    pub(super) fn of(label: &'static str, unit: &'static str, samples: &[i16]) -> Self {
        let records = samples.chunks(2).map(|r| r.iter().flat_map(|s| s.to_le_bytes()).collect());
        Self {
            label,
            unit,
            physical: ("-1000", "1000"),
            digital: ("-1000", "1000"),
            records: records.collect(),
            samples_per_record: "2",
        }
    }

    /// Annotation lists, 32 bytes per record.
    pub(super) fn annotations(records: &[&str]) -> Self {
        let pad = |text: &&str| {
            let mut bytes = text.replace('|', "\u{14}").replace('~', "\u{15}").into_bytes();
            assert!(bytes.len() <= 32);
            bytes.resize(32, 0);
            bytes
        };
        Self {
            label: "EDF Annotations",
            unit: "",
            physical: ("-1", "1"),
            digital: ("-32768", "32767"),
            records: records.iter().map(pad).collect(),
            samples_per_record: "16",
        }
    }
}

/// A file under construction, with every header field open to mischief.
pub(super) struct File {
    version: &'static [u8],
    /// Date and time.
    pub(super) start: (&'static str, &'static str),
    pub(super) reserved: &'static str,
    pub(super) record_count: String,
    duration: &'static str,
    header_bytes: String,
    signal_count: String,
    signals: Vec<Signal>,
}

impl File {
    pub(super) fn of(signals: Vec<Signal>) -> Self {
        Self {
            version: b"0",
            start: ("31.12.99", "23.59.59"),
            reserved: "",
            record_count: signals[0].records.len().to_string(),
            duration: "1",
            header_bytes: (256 * (signals.len() + 1)).to_string(),
            signal_count: signals.len().to_string(),
            signals,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |field: &[u8], width: usize| {
            assert!(field.len() <= width);
            bytes.extend_from_slice(field);
            bytes.resize(bytes.len() + width - field.len(), b' ');
        };
        put(self.version, 8);
        put(b"X X X X", 80);
        put(b"Startdate X X X X", 80);
        put(self.start.0.as_bytes(), 8);
        put(self.start.1.as_bytes(), 8);
        put(self.header_bytes.as_bytes(), 8);
        put(self.reserved.as_bytes(), 44);
        put(self.record_count.as_bytes(), 8);
        put(self.duration.as_bytes(), 8);
        put(self.signal_count.as_bytes(), 4);
        self.signals.iter().for_each(|s| put(s.label.as_bytes(), 16));
        self.signals.iter().for_each(|_| put(b"", 80));
        self.signals.iter().for_each(|s| put(s.unit.as_bytes(), 8));
        self.signals.iter().for_each(|s| put(s.physical.0.as_bytes(), 8));
        self.signals.iter().for_each(|s| put(s.physical.1.as_bytes(), 8));
        self.signals.iter().for_each(|s| put(s.digital.0.as_bytes(), 8));
        self.signals.iter().for_each(|s| put(s.digital.1.as_bytes(), 8));
        self.signals.iter().for_each(|_| put(b"", 80));
        self.signals.iter().for_each(|s| put(s.samples_per_record.as_bytes(), 8));
        self.signals.iter().for_each(|_| put(b"", 32));
        for record in 0..self.signals[0].records.len() {
            for signal in &self.signals {
                bytes.extend_from_slice(&signal.records[record]);
            }
        }
        bytes
    }

    pub(super) fn open(&self, options: &OpenOptions) -> Result<Recording, String> {
        open_bytes(&self.bytes(), options)
    }
}

fn open_bytes(bytes: &[u8], options: &OpenOptions) -> Result<Recording, String> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("made.edf");
    std::fs::write(&path, bytes).unwrap();
    // The open file keeps its content after the folder is gone.
    Recording::open(&path, options).map_err(|error| error.to_string())
}

fn rows(mut recording: Recording) -> Vec<f32> {
    let mut all = vec![0.0; recording.samples as usize * recording.channels()];
    let mut filled = 0;
    // Three rows at a time: not a divisor of anything here.
    while filled < all.len() {
        let end = (filled + 3 * recording.channels()).min(all.len());
        let count = recording.read(&mut all[filled..end]).unwrap();
        assert!(count > 0);
        filled += count * recording.channels();
    }
    assert_eq!(recording.read(&mut [0.0; 64]).unwrap(), 0);
    all
}

fn defaults() -> OpenOptions {
    OpenOptions::default()
}

#[test]
fn records_are_interleaved_and_every_unit_becomes_microvolts() {
    let mut volts = Signal::of("V1", "V", &[1, 2, 3, 4]);
    volts.physical = ("-1", "1");
    let file = File::of(vec![
        Signal::of("Fc5.", "uV", &[1, -2, 3, -4]),
        Signal::of("EEG Cz", "mV", &[1, 2, 3, 4]),
        volts,
        Signal::of("N", "nV", &[1, 2, 3, -1000]),
    ]);
    let recording = file.open(&defaults()).unwrap();
    assert_eq!(recording.channel_names, ["FC5", "Cz", "V1", "N"]);
    assert_eq!(recording.sample_rate_hz, 2.0);
    assert_eq!(recording.start.as_deref(), Some("19991231235959000000"));
    // V1: 0.001 V per step is 1000 µV; N: 1 nV per step. By the documented formula the
    // offsets of -1000..1000 are 0, and 1 / 0.001 * 0.001 * 1e6 rounds to 1000.
    assert_eq!(
        rows(recording),
        [
            [1.0, 1000.0, 1000.0, 0.001],
            [-2.0, 2000.0, 2000.0, 0.002],
            [3.0, 3000.0, 3000.0, 0.003],
            [-4.0, 4000.0, 4000.0, -1.0]
        ]
        .concat()
    );
}

#[test]
fn scaling_is_the_documented_formula_also_with_inverted_polarity() {
    let mut signal = Signal::of("A", "uV", &[-100, 0, 7, 32_000]);
    signal.digital = ("-2048", "2047");
    signal.physical = ("3276.7", "-3276.8");
    let recording = File::of(vec![signal]).open(&defaults()).unwrap();
    let gain = (-3276.8 - 3276.7) / (2047.0 - -2048.0);
    let offset = -3276.8 / gain - 2047.0;
    let expected: Vec<f32> =
        [-100.0, 0.0, 7.0, 32_000.0].iter().map(|d| ((d + offset) * gain) as f32).collect();
    assert_eq!(rows(recording), expected);
}

#[test]
fn values_outside_the_digital_range_are_scaled_and_counted() {
    let mut signal = Signal::of("A", "uV", &[1000, 1001, -1001, -1000]);
    signal.digital = ("-1000", "1000");
    let mut recording = File::of(vec![signal]).open(&defaults()).unwrap();
    let mut four = [0.0; 4];
    assert_eq!(recording.read(&mut four).unwrap(), 4);
    assert_eq!(four, [1000.0, 1001.0, -1001.0, -1000.0]);
    assert_eq!(recording.outside_range(), [2]);
}

#[test]
fn bdf_has_24_bits_and_its_status_channel_is_left_out() {
    let three = |values: [i32; 2]| {
        values.iter().flat_map(|v| v.to_le_bytes()[..3].to_vec()).collect::<Vec<u8>>()
    };
    let mut signal = Signal::of("A1", "uV", &[]);
    signal.records = vec![three([-8_388_608, 8_388_607]), three([-1, 70_000])];
    signal.digital = ("-8388608", "8388607");
    signal.physical = ("-8388608", "8388607");
    let mut status = signal.clone();
    status.label = "Status";
    status.unit = "Boolean";
    let mut file = File::of(vec![signal, status]);
    file.version = b"\xffBIOSEMI";
    file.reserved = "24BIT";
    let recording = file.open(&defaults()).unwrap();
    assert_eq!(recording.channel_names, ["A1"]);
    assert!(recording.notes.iter().any(|note| note.contains("Status")), "{:?}", recording.notes);
    assert_eq!(rows(recording), [-8_388_608.0, 8_388_607.0, -1.0, 70_000.0]);
}

#[test]
fn annotations_become_events_from_the_first_sample_on() {
    let mut file = File::of(vec![
        Signal::of("A", "uV", &[1, 2, 3, 4]),
        Signal::annotations(&["+0.25||\0+1.5~0.5|T1|and more|\0", "+1.25||late|\0+0.75|T0|\0"]),
    ]);
    file.reserved = "EDF+C";
    let recording = file.open(&defaults()).unwrap();
    assert_eq!(recording.start.as_deref(), Some("19991231235959250000"));
    let events: Vec<_> =
        recording.events.iter().map(|e| (e.onset_s, e.duration_s, e.label.as_str())).collect();
    assert_eq!(
        events,
        [
            (0.5, None, "T0"),
            (1.0, None, "late"),
            (1.25, Some(0.5), "T1"),
            (1.25, Some(0.5), "and more")
        ]
    );
    assert!(recording.keeps_events && recording.notes.is_empty());
    assert_eq!(rows(recording), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn discontinuous_files_are_taken_without_a_gap_and_refused_with_one() {
    let file = |second: &'static str| {
        let mut file = File::of(vec![
            Signal::of("A", "uV", &[1, 2, 3, 4]),
            Signal::annotations(&["+0||\0", second]),
        ]);
        file.reserved = "EDF+D";
        file
    };
    assert_eq!(rows(file("+1||\0").open(&defaults()).unwrap()).len(), 4);
    let error = file("+7.5||\0").open(&defaults()).unwrap_err();
    assert!(error.contains("record 2 begins at 7.5 s where 1 s was expected"), "{error}");
    let error = file("").open(&defaults()).unwrap_err();
    assert!(error.contains("record 2 does not say when it begins"), "{error}");
    // The same gap under EDF+C contradicts the header: taken, with a note.
    let mut file = file("+7.5||\0");
    file.reserved = "EDF+C";
    let recording = file.open(&defaults()).unwrap();
    assert!(recording.notes[0].contains("yet record 2 begins at 7.5 s"));
}

#[test]
fn different_rates_are_refused_by_name_and_can_be_chosen() {
    let mut slow = Signal::of("Temp", "uV", &[]);
    slow.records = vec![vec![5, 0], vec![6, 0]];
    slow.samples_per_record = "1";
    let file = File::of(vec![slow, Signal::of("C3", "uV", &[1, 2, 3, 4])]);
    let error = file.open(&defaults()).unwrap_err();
    assert!(error.contains("1 Hz: Temp; 2 Hz: C3"), "{error}");
    assert!(error.contains("--channels"), "{error}");
    let one = |name: &str| OpenOptions { channels: Some(vec![name.to_owned()]), ..defaults() };
    assert_eq!(rows(file.open(&one("C3")).unwrap()), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(rows(file.open(&one("Temp")).unwrap()), [5.0, 6.0]);
    let error = file.open(&one("C4")).unwrap_err();
    assert!(error.contains("no channel 'C4'") && error.contains("Temp, C3"), "{error}");
}

#[test]
fn units_that_are_no_potential_are_refused_by_name() {
    let file = File::of(vec![
        Signal::of("C3", "uV", &[1, 2]),
        Signal::of("SpO2", "%", &[1, 2]),
        Signal::of("Mystery", "", &[1, 2]),
    ]);
    let error = file.open(&defaults()).unwrap_err();
    assert!(error.contains("SpO2 (%), Mystery (no unit)"), "{error}");
    assert!(error.contains("--channels") && error.contains("--unit"), "{error}");
    let options = OpenOptions { unit: Some(Unit::Millivolt), ..defaults() };
    assert_eq!(rows(file.open(&options).unwrap()), [1.0, 1000.0, 1000.0, 2.0, 2000.0, 2000.0]);
    // Micro signs in Latin-1 and UTF-8 are microvolts.
    for unit in ["\u{b5}V", "UV"] {
        let file = File::of(vec![Signal::of("C3", unit, &[1, 2])]);
        assert_eq!(rows(file.open(&defaults()).unwrap()), [1.0, 2.0]);
    }
}

#[test]
fn an_open_record_count_takes_the_whole_records() {
    let mut file = File::of(vec![Signal::of("A", "uV", &[1, 2, 3, 4])]);
    file.record_count = "-1".into();
    assert_eq!(rows(file.open(&defaults()).unwrap()), [1.0, 2.0, 3.0, 4.0]);
    let mut bytes = file.bytes();
    bytes.truncate(bytes.len() - 1);
    let recording = open_bytes(&bytes, &defaults()).unwrap();
    assert!(recording.notes[0].contains("unfinished last one"), "{:?}", recording.notes);
    assert_eq!(rows(recording), [1.0, 2.0]);
}

#[test]
fn a_file_of_another_size_than_promised_is_refused_unless_accepted() {
    let file = File::of(vec![Signal::of("A", "uV", &[1, 2, 3, 4])]);
    let whole = file.bytes();
    let accept = OpenOptions { accept_truncated: true, ..defaults() };
    let error = open_bytes(&whole[..whole.len() - 1], &defaults()).unwrap_err();
    assert!(
        error.contains("promises 2 records of 4 bytes, but there are 1 whole ones and 3 bytes")
    );
    assert_eq!(rows(open_bytes(&whole[..whole.len() - 1], &accept).unwrap()), [1.0, 2.0]);
    let longer = [&whole[..], &[9, 0, 9, 0, 1]].concat();
    assert!(open_bytes(&longer, &defaults()).unwrap_err().contains("too long"));
    assert_eq!(rows(open_bytes(&longer, &accept).unwrap()), [1.0, 2.0, 3.0, 4.0, 9.0, 9.0]);
}

#[test]
fn every_broken_header_is_refused_with_its_reason() {
    type Break = fn(&mut File);
    let cases: [(Break, &str); 17] = [
        (|f| f.version = b"1", "not an EDF or BDF file"),
        (|f| f.header_bytes = "512x".into(), "header size '512x' is not a whole number"),
        (|f| f.header_bytes = "768".into(), "1 signals need 512"),
        (|f| f.record_count = "-2".into(), "promises -2 records"),
        (|f| f.record_count = "many".into(), "number of records 'many'"),
        (|f| f.record_count = "99999999".into(), "truncated"),
        (|f| f.duration = "nan", "record duration 'nan'"),
        (|f| f.duration = "-1", "record duration '-1'"),
        (|f| f.duration = "0", "no sample rate"),
        (|f| f.signal_count = "0".into(), "promises 0 signals"),
        (|f| f.signal_count = "9999".into(), "9999 signals need"),
        (|f| f.signals[0].samples_per_record = "-5", "-5 samples per record"),
        (|f| f.signals[0].samples_per_record = "0", "no samples"),
        (|f| f.signals[0].samples_per_record = "99999999", "truncated"),
        (|f| f.signals[0].digital = ("5", "5"), "digital range 5 to 5 is empty"),
        (|f| f.signals[0].physical = ("5", "5.0"), "physical range 5 to 5 is empty"),
        (|f| f.signals[0].physical = ("-inf", "1e300"), "physical minimum '-inf'"),
    ];
    for (spoil, reason) in cases {
        let mut file = File::of(vec![Signal::of("A", "uV", &[1, 2, 3, 4])]);
        spoil(&mut file);
        let error = file.open(&defaults()).unwrap_err();
        assert!(error.contains(reason), "expected {reason:?} in: {error}");
    }
    let only_annotations = File::of(vec![Signal::annotations(&["+0||\0"])]);
    assert!(only_annotations.open(&defaults()).unwrap_err().contains("only annotations"));
}

#[test]
fn no_prefix_and_no_flipped_byte_of_a_file_panics() {
    let mut file = File::of(vec![
        Signal::of("A", "uV", &[1, 2, 3, 4]),
        Signal::annotations(&["+0||\0+0.5|x|\0", "+1||\0"]),
    ]);
    file.reserved = "EDF+D";
    let whole = file.bytes();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.edf");
    let attempt = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        if let Ok(mut recording) = Recording::open(&path, &defaults()) {
            let mut rows = vec![0.0; recording.channels() * 7];
            while recording.read(&mut rows).unwrap() > 0 {}
        }
    };
    for length in (0..whole.len()).step_by(23) {
        attempt(&whole[..length]);
    }
    for index in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[index] = [0, b'9', b'-', 0xff, b' '][index % 5];
        attempt(&bytes);
    }
}

#[test]
fn a_missing_file_names_itself() {
    let error = Recording::open(Path::new("no/such.edf"), &defaults()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read no/such.edf"), "{error}");
}
