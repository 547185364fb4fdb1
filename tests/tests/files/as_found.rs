//! Files as users have them: what is opened as raw samples is raw, what lies beside a file counts,
//! nothing is overwritten unasked, and what cannot be kept is told.

use std::fs;
use std::path::{Path, PathBuf};

use cortex_host::base::Failure;
use cortex_host::recording::{OpenOptions, Recording};
use cortex_host::run::Options;
use cortex_tests::{cortex_host, runs, stderr_of, stdout_of};
use tempfile::TempDir;

use super::edf_reader::{File, Signal};

/// A folder with a BrainVision recording `a`: two channels of four samples at 250 Hz.
struct BrainVision {
    folder: TempDir,
    header: String,
}

const VALUES: [[f32; 2]; 4] = [[1.0, 10.0], [-2.0, 20.0], [3.0, -30.0], [-4.0, 40.0]];

impl BrainVision {
    fn new(extension: &str, format: &str, channels: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let values = VALUES.iter().flatten();
        let samples: Vec<u8> = match format {
            "INT_16" => values.flat_map(|value| (*value as i16).to_le_bytes()).collect(),
            _ => values.flat_map(|value| value.to_le_bytes()).collect(),
        };
        let header = format!(
            "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n\
             DataFile=a.{extension}\nMarkerFile=a.vmrk\nNumberOfChannels=2\nSamplingInterval=4000\n\
             [Binary Infos]\nBinaryFormat={format}\n[Channel Infos]\nCh1=Fp1,,{}\nCh2=Cz,,{}\n",
            channels[0], channels[1]
        );
        let made = Self { folder, header };
        fs::write(made.path(&format!("a.{extension}")), samples).unwrap();
        made.markers("Mk1=New Segment,,1,1,0,20200102030405000000\n");
        made.write_header(&made.header);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_header(&self, text: &str) {
        fs::write(self.path("a.vhdr"), text).unwrap();
    }

    fn markers(&self, lines: &str) {
        let text =
            format!("Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\n{lines}");
        fs::write(self.path("a.vmrk"), text).unwrap();
    }

    fn open(&self, name: &str) -> Result<Recording, String> {
        self.open_with(name, &OpenOptions::default())
    }

    fn open_with(&self, name: &str, options: &OpenOptions) -> Result<Recording, String> {
        Recording::open(&self.path(name), options).map_err(|error| error.to_string())
    }
}

fn rows(recording: &mut Recording) -> Vec<f32> {
    let mut rows = vec![0.0; recording.samples as usize * recording.channels()];
    assert_eq!(recording.read(&mut rows).unwrap() as u64, recording.samples);
    rows
}

fn channels(names: &[&str]) -> OpenOptions {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    OpenOptions { channels: Some(names), ..OpenOptions::default() }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn a_data_file_is_read_through_the_header_that_names_it() {
    let scaled = |gains: [f32; 2]| -> Vec<f32> {
        VALUES.iter().flat_map(|row| [row[0] * gains[0], row[1] * gains[1]]).collect()
    };
    for (extension, format, units, gains) in [
        ("eeg", "INT_16", ["0.5,µV", "0.5,µV"], [0.5, 0.5]),
        ("dat", "IEEE_FLOAT_32", ["0.5,µV", "2,µV"], [0.5, 2.0]),
        ("bin", "IEEE_FLOAT_32", ["1,mV", "1,V"], [1e3, 1e6]),
        ("eeg", "IEEE_FLOAT_32", ["", ""], [1.0, 1.0]),
    ] {
        let made = BrainVision::new(extension, format, units);
        let mut recording = made.open(&format!("a.{extension}")).unwrap();
        assert_eq!(recording.channel_names, ["Fp1", "Cz"]);
        assert_eq!(rows(&mut recording), scaled(gains), "{extension} {format} {units:?}");
        // Another name for the header changes nothing: it names the file.
        fs::rename(made.path("a.vhdr"), made.path("session.vhdr")).unwrap();
        assert_eq!(rows(&mut made.open(&format!("a.{extension}")).unwrap()), scaled(gains));
        // What the user says must fit what the header says.
        let wrong = OpenOptions { channel_count: Some(4), ..OpenOptions::default() };
        let error = made.open_with(&format!("a.{extension}"), &wrong).unwrap_err();
        assert!(
            error.contains("the command line says 4 channels, but session.vhdr says 2"),
            "{error}"
        );
    }
    let planar = BrainVision::new("eeg", "IEEE_FLOAT_32", ["", ""]);
    planar.write_header(&planar.header.replace("NumberOf", "DataOrientation=VECTORIZED\nNumberOf"));
    let expected = [1.0, 3.0, 10.0, -30.0, -2.0, -4.0, 20.0, 40.0];
    assert_eq!(rows(&mut planar.open("a.eeg").unwrap()), expected);
}

#[test]
fn samples_without_what_describes_them_are_refused() {
    let made = BrainVision::new("eeg", "INT_16", ["", ""]);
    fs::remove_file(made.path("a.vhdr")).unwrap();
    let shape = OpenOptions {
        channel_count: Some(2),
        sample_rate_hz: Some(250.0),
        ..OpenOptions::default()
    };
    let error = made.open_with("a.eeg", &shape).unwrap_err();
    assert!(error.contains("its .vhdr") && error.contains("is not beside it"), "{error}");
    // A header that names a file which is gone: renamed by hand, most likely.
    made.write_header(&made.header.replace("a.eeg", "old.eeg"));
    fs::rename(made.path("a.eeg"), made.path("a.dat")).unwrap();
    let error = made.open_with("a.dat", &shape).unwrap_err();
    assert!(error.contains("a.vhdr beside it describes old.eeg"), "{error}");
    // Longer or shorter than promised.
    for (points, part) in [(3, "but a.vhdr says 3"), (5, "but a.vhdr says 5")] {
        let made = BrainVision::new("float32", "IEEE_FLOAT_32", ["1,µV", "1,µV"]);
        let header = made.header.replace("Sampling", &format!("DataPoints={points}\nSampling"));
        made.write_header(&header);
        let error = made.open("a.float32").unwrap_err();
        assert!(error.contains(part), "{error}");
        let accepting = OpenOptions { accept_truncated: true, ..OpenOptions::default() };
        assert!(made.open_with("a.float32", &accepting).is_ok());
    }
}

#[test]
fn fields_of_channels_not_chosen_never_block() {
    let made = BrainVision::new("eeg", "INT_16", ["0.5,µV", "soft,C"]);
    assert_eq!(
        rows(&mut made.open_with("a.vhdr", &channels(&["Fp1"])).unwrap()),
        [0.5, -1.0, 1.5, -2.0]
    );
    let error = made.open("a.vhdr").unwrap_err();
    assert!(error.contains("channel Cz: resolution \"soft\""), "{error}");
    made.write_header(&made.header.replace("soft,C", "1,C"));
    let error = made.open("a.vhdr").unwrap_err();
    assert!(error.contains("not in volts: Cz (C); choose with --channels"), "{error}");

    for digital in [("-100.5", "100.5"), ("", ""), ("x", "y"), ("5", "5")] {
        let mut aux = Signal::of("Aux", "C", &[5, 6, 7, 8]);
        aux.digital = digital;
        let file = File::of(vec![Signal::of("C3", "uV", &[1, -2, 3, -4]), aux]);
        let mut recording = file.open(&channels(&["C3"])).unwrap();
        assert_eq!(rows(&mut recording), [1.0, -2.0, 3.0, -4.0], "{digital:?}");
    }
    // The limits of annotations mean nothing.
    let mut notes = Signal::annotations(&["+0||\0+0.5|T1|\0", "+1||\0"]);
    (notes.digital, notes.physical) = (("", ""), ("", ""));
    let recording =
        File::of(vec![Signal::of("C3", "uV", &[1, 2, 3, 4]), notes]).open(&OpenOptions::default());
    assert_eq!(recording.unwrap().events.len(), 1);
    // Both limits the other way round are the same straight line.
    let mut swapped = Signal::of("C3", "uV", &[1, -2]);
    (swapped.digital, swapped.physical) = (("1000", "-1000"), ("1000", "-1000"));
    let mut recording = File::of(vec![swapped]).open(&OpenOptions::default()).unwrap();
    assert_eq!(rows(&mut recording), [1.0, -2.0]);
    assert_eq!(recording.outside_range(), [0]);
}

#[test]
fn channels_by_the_names_that_convert_writes() {
    let file = File::of(vec![
        Signal::of("T8-P8", "uV", &[10, 10]),
        Signal::of("T8-P8", "uV", &[20, 20]),
        Signal::of("EEG A1,A2", "uV", &[30, 30]),
        Signal::of("EEG C3", "uV", &[40, 40]),
        Signal::of("C3", "uV", &[50, 50]),
    ]);
    let all = file.open(&OpenOptions::default()).unwrap();
    assert_eq!(all.channel_names, ["T8-P8", "T8-P8-2", "A1,A2", "EEG C3", "C3"]);
    for (index, name) in all.channel_names.iter().enumerate() {
        let mut one = file.open(&channels(&[name])).unwrap();
        let value = 10.0 * (index as f32 + 1.0);
        assert_eq!((rows(&mut one), &one.channel_names[..]), (vec![value; 2], &[name.clone()][..]));
    }
    let some = file.open(&channels(&["C3, A1,A2 ,T8-P8"])).unwrap();
    assert_eq!(some.channel_names, ["C3", "A1,A2", "T8-P8"]);
    let error = file.open(&channels(&["T8-P8,T8-P8"])).unwrap_err();
    assert!(error.contains("named twice"), "{error}");
}

#[test]
fn starts_in_odd_separators() {
    for (date, time, start) in [
        ("01.02.20", "10.11.12", "20200201101112000000"),
        ("01-02-20", "10:11:12", "20200201101112000000"),
        ("01/02/20", "10 11 12", "20200201101112000000"),
        ("1.2.99", "1.1.1", "19990201010101000000"),
    ] {
        let mut file = File::of(vec![Signal::of("C3", "uV", &[1, 2])]);
        file.start = (date, time);
        let recording = file.open(&OpenOptions::default()).unwrap();
        assert_eq!(recording.start.as_deref(), Some(start), "{date} {time}");
        assert!(recording.notes.is_empty(), "{:?}", recording.notes);
    }
    for (date, time) in [("2020", "10.11.12"), ("01.02.20", "25.00.00"), ("31.02.20", "10.11.12")] {
        let mut file = File::of(vec![Signal::of("C3", "uV", &[1, 2])]);
        file.start = (date, time);
        let recording = file.open(&OpenOptions::default()).unwrap();
        assert_eq!(recording.start, None);
        assert!(recording.notes[0].contains("is no date and time"), "{:?}", recording.notes);
    }
}

#[test]
fn recordings_that_may_have_gaps() {
    let records = |onsets: &[&str]| -> Vec<String> {
        onsets.iter().map(|onset| format!("{onset}||\0")).collect()
    };
    let file = |onsets: &[&str]| {
        let lists = records(onsets);
        let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
        let mut file = File::of(vec![
            Signal::of("C3", "uV", &[1, 2, 3, 4, 5, 6]),
            Signal::annotations(&lists),
        ]);
        file.reserved = "EDF+D";
        file
    };
    // Two samples a second: a quarter of a second is half a sample.
    assert!(file(&["+0", "+1.2", "+1.8"]).open(&OpenOptions::default()).is_ok());
    for late in [["+0", "+1", "+2.5"], ["+0", "+1.3", "+2"], ["+0", "+60", "+61"]] {
        let error = file(&late).open(&OpenOptions::default()).unwrap_err();
        assert!(error.contains("EDF+D, a recording with gaps"), "{late:?}: {error}");
    }
    let mut silent = File::of(vec![Signal::of("C3", "uV", &[1, 2, 3, 4])]);
    silent.reserved = "EDF+D";
    let error = silent.open(&OpenOptions::default()).unwrap_err();
    assert!(error.contains("nothing in it says when its records begin"), "{error}");

    let made = BrainVision::new("eeg", "INT_16", ["", ""]);
    made.markers(
        "Mk1=New Segment,,1,1,0,20200102030405000000\nMk2=New Segment,,3,1,0,20200102040405000000\n",
    );
    let recording = made.open("a.vhdr").unwrap();
    assert!(recording.notes[0].contains("after a pause of 3599.992 s"), "{:?}", recording.notes);
    assert_eq!(recording.events[0].label, "New Segment");
    made.write_header(
        &made
            .header
            .replace("NumberOf", "SegmentationType=MARKERBASED\nSegmentDataPoints=2\nNumberOf"),
    );
    let notes = made.open("a.vhdr").unwrap().notes;
    assert!(notes[0].contains("segments of 2 samples"), "{notes:?}");
}

#[test]
fn what_a_conversion_cannot_keep_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    let mut lists = Signal::annotations(&["+0||\0+0.5~-1|a|\0+9|late|\0", "+1||\0"]);
    // "é" in Latin-1.
    let position = lists.records[0].iter().position(|byte| *byte == b'a').unwrap();
    lists.records[0][position] = 0xe9;
    let file = File::of(vec![Signal::of("C3", "uV", &[1, 2, 3, 4]), lists]);
    fs::write(here("a.edf"), file.bytes()).unwrap();
    let convert = |more: &[&str]| {
        let mut command = cortex_host();
        command.arg("convert").args(more).current_dir(&folder);
        command.output().unwrap()
    };
    let told = stderr_of(&convert(&["a.edf", "a.float32"]), 0);
    for part in ["not in UTF-8", "duration below 0", "1 of 2 events lie outside the samples"] {
        assert!(told.contains(part), "{told}");
    }
    let events = fs::read_to_string(here("a_events.tsv")).unwrap();
    assert_eq!(events, "onset\tduration\ttrial_type\n0.5\tn/a\té\n9\tn/a\tlate\n");

    let npy = |name: &str, values: &[f32]| {
        let mut bytes = cortex_host::recording::npy::header_bytes(&[values.len() as u64, 1]);
        bytes.extend(floats(values));
        fs::write(here(name), bytes).unwrap();
    };
    npy("big.npy", &[3e33, 1.0]);
    let told = stderr_of(&convert(&["big.npy", "big.float32", "--rate", "10", "--unit", "V"]), 0);
    assert!(told.contains("1 samples of E0001 are beyond the range of float32"), "{told}");
    let eeg_v: Vec<f32> = (0..100).map(|n| 5e-6 * ((n % 20) as f32 - 9.5)).collect();
    npy("volts.npy", &eeg_v);
    let told = stderr_of(&convert(&["volts.npy", "v.float32", "--rate", "100"]), 0);
    assert!(told.contains("taken as microvolts") && told.contains("--unit"), "{told}");
    let told = stderr_of(&convert(&["volts.npy", "w.float32", "--rate", "100", "--unit", "V"]), 0);
    assert!(!told.contains("warning"), "{told}");
}

#[test]
fn nothing_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    let cortex =
        |arguments: &[&str]| cortex_host().args(arguments).current_dir(&folder).output().unwrap();
    let file = File::of(vec![Signal::of("C3", "uV", &[1, 2, 3, 4])]);
    fs::write(here("a.edf"), file.bytes()).unwrap();
    let generate = ["generate", "sine_wave", "2", "100", "1", "x.float32", "--npy"];
    let convert = ["convert", "a.edf", "x.float32", "--npy"];
    let beside =
        ["x.float32", "x.vhdr", "x.vmrk", "x_events.tsv", "x.float32.manifest.yaml", "x.npy"];
    for command in [&generate, &convert[..]] {
        for name in beside {
            fs::write(here(name), "mine").unwrap();
            let told = stderr_of(&cortex(command), 2);
            assert!(
                told.contains(&format!("{name} exists already")) && told.contains("--force"),
                "{told}"
            );
            assert_eq!(fs::read_to_string(here(name)).unwrap(), "mine");
            assert_eq!(
                fs::read_dir(&folder).unwrap().count(),
                2,
                "{name}: nothing else was written"
            );
            fs::remove_file(here(name)).unwrap();
        }
    }
    for name in beside {
        fs::write(here(name), "mine").unwrap();
    }
    stdout_of(&cortex(&[&convert[..], &["--force"]].concat()), 0);
    assert!(!here("x.float32.manifest.yaml").exists() && !here("x_events.tsv").exists());
    stdout_of(&cortex(&["inspect", "x.float32", "--plot", "x.svg"]), 0);
    let told = stderr_of(&cortex(&["inspect", "x.float32", "--plot", "x.svg"]), 2);
    assert!(told.contains("x.svg exists already"), "{told}");

    // A name says the format: it is written, or refused.
    for name in ["b.csv", "b.yaml", "b.float"] {
        let told = stderr_of(&cortex(&["generate", "sine_wave", "2", "100", "1", name]), 2);
        assert!(told.contains("no format that is written has the extension"), "{told}");
        assert!(!here(name).exists());
    }
    for name in ["b.csv", "b.yaml", "b.float"] {
        let told = stderr_of(&cortex(&["convert", "a.edf", name]), 2);
        assert!(told.contains("no format that is written has the extension"), "{told}");
        assert!(!here(name).exists());
    }
    for (name, begins) in [("b.npy", "\u{93}NUMPY"), ("b.edf", "0   "), ("b.vhdr", "Brain Vision")]
    {
        stdout_of(&cortex(&["convert", "a.edf", name]), 0);
        let bytes = fs::read(here(name)).unwrap();
        let begins: Vec<u8> = begins.chars().map(|c| c as u8).collect();
        assert!(bytes.starts_with(&begins), "{name}");
        let told = stderr_of(&cortex(&["convert", "a.edf", name]), 2);
        assert!(told.contains("--force"), "{told}");
    }
    // What is read is never written, whatever is allowed.
    let made = BrainVision::new("eeg", "INT_16", ["", ""]);
    let convert = ["convert", "a.eeg", "a.float32", "--force"];
    let output = cortex_host().args(convert).current_dir(made.folder.path()).output().unwrap();
    assert!(stderr_of(&output, 2).contains("overwrite its own input"));
    assert_eq!(fs::read_to_string(made.path("a.vhdr")).unwrap(), made.header);
}

/// A run of `noop` on `dataset` (its lines of YAML) in `folder`: exit code, what it says, outputs.
fn run(folder: &Path, dataset: &str) -> (i32, String, Vec<u8>) {
    let config = format!(
        "dataset: {{{dataset}}}\nkernels: [{{name: noop, window: 1, hop: 1}}]\n\
         execution: {{pace: max}}\noutput: {{directory: r, include_raw_data: true}}\n"
    );
    let _ = fs::remove_dir_all(folder.join("r"));
    let ran = runs::experiment(folder, &config, &Options::default());
    let code = |failure: &Failure| i32::from(failure.code().code());
    let (code, said) = match ran {
        Ok(ran) => (ran.outcome.failure.as_ref().map_or(0, code), ran.said),
        Err(failure) => (code(&failure), failure.to_string()),
    };
    let outputs = find(&folder.join("r"), "outputs.npy")
        .map(|path| fs::read(path).unwrap()[128..].to_vec())
        .unwrap_or_default();
    (code, said, outputs)
}

/// The file called `name` below `folder`.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) }
    })
}

#[test]
fn a_run_takes_every_format_through_the_same_reader() {
    let made = BrainVision::new("eeg", "INT_16", ["0.5,µV", "1,mV"]);
    let folder = made.folder.path();
    let values: Vec<f32> = VALUES.iter().flat_map(|[a, b]| [0.5 * a, 1000.0 * b]).collect();
    made.markers("Mk1=Stimulus,S 1,3,1,0\n");
    for name in ["a.vhdr", "a.eeg"] {
        let (code, told, outputs) =
            run(folder, &format!("path: {name}, channels: 2, sample_rate_hz: 250"));
        assert_eq!((code, outputs), (0, floats(&values)), "{name}: {told}");
        let events = fs::read_to_string(find(folder, "events.tsv").unwrap()).unwrap();
        assert!(events.ends_with("\n0.008\t0.004\tStimulus/S 1\n"), "{events}");
    }
    let mut file = File::of(vec![Signal::of("C3", "mV", &[1, 2, 3, 4])]);
    fs::write(made.path("b.edf"), file.bytes()).unwrap();
    let edf = "path: b.edf, channels: 1, sample_rate_hz: 2";
    let (code, told, outputs) = run(folder, edf);
    assert_eq!((code, outputs), (0, floats(&[1e3, 2e3, 3e3, 4e3])), "{told}");
    let mut npy = cortex_host::recording::npy::header_bytes(&[4, 2]);
    npy.extend(floats(&VALUES.concat()));
    fs::write(made.path("b.npy"), npy).unwrap();
    let npy = "path: b.npy, channels: 2, sample_rate_hz: 100";
    let (code, told, outputs) = run(folder, &format!("{npy}, unit: uV"));
    assert_eq!((code, outputs), (0, floats(&VALUES.concat())), "{told}");

    file.record_count = "3".into();
    fs::write(made.path("cut.edf"), file.bytes()).unwrap();
    fs::write(made.path("x.float32"), file.bytes()).unwrap();
    fs::write(made.path("c.csv"), "1.5,2.5\n").unwrap();
    for (dataset, code, part) in [
        (npy, 2, "give dataset.unit"),
        (&format!("{npy}, unit: kV"), 2, "dataset.unit must be one of"),
        (&format!("{edf}, format: float32"), 2, "the file is edf"),
        (
            "path: b.edf, channels: 2, sample_rate_hz: 2",
            2,
            "the configuration says 2 channels, but the file says 1",
        ),
        ("path: b.edf, channels: 1, sample_rate_hz: 250", 2, "the configuration says 250 Hz"),
        ("path: cut.edf, channels: 1, sample_rate_hz: 2", 3, "is truncated"),
        ("path: x.float32, channels: 1, sample_rate_hz: 2", 3, "it is EDF by its first bytes"),
        ("path: c.csv, channels: 1, sample_rate_hz: 2", 3, "unknown kind of file"),
        ("path: a.eeg, channels: 1, sample_rate_hz: 250", 2, "says 1 channels, but a.vhdr says 2"),
    ] {
        let (got, told, outputs) = run(folder, dataset);
        assert_eq!(got, code, "{dataset}: {told}");
        assert!(told.contains(part) && outputs.is_empty(), "{dataset}: {told}");
        assert!(told.contains("config.yaml:1:"), "{told}");
    }
}

#[test]
fn a_run_on_a_generated_file_keeps_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let cortex =
        |arguments: &[&str]| cortex_host().args(arguments).current_dir(&folder).output().unwrap();
    stdout_of(&cortex(&["generate", "pink_noise", "2", "100", "1", "g.float32", "--seed", "7"]), 0);
    let dataset = "path: g.float32, channels: 2, sample_rate_hz: 100";
    let (code, told, _) = run(folder.path(), dataset);
    assert_eq!(code, 0, "{told}");
    let kept = find(&folder.path().join("r"), "generation_manifest.yaml").unwrap();
    stdout_of(&cortex(&["reproduce", kept.to_str().unwrap()]), 0);
    // The run's folder makes the data again, and shows it.
    let run_folder = kept.parent().unwrap().parent().unwrap().to_str().unwrap();
    stdout_of(&cortex(&["generate", "--from", run_folder, "again.float32"]), 0);
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("again.float32") == read("g.float32"));
    let shown = stdout_of(&cortex(&["inspect", run_folder]), 0);
    assert!(shown.contains("2 channels × 100 samples at 100 Hz"), "{shown}");

    // Cut short, and of the right length but changed.
    let whole = read("g.float32");
    fs::write(folder.path().join("g.float32"), &whole[..400]).unwrap();
    let (code, told, _) = run(folder.path(), dataset);
    assert!(
        code == 3 && told.contains("50 samples per channel, but g.vhdr says 100"),
        "{code} {told}"
    );
    let mut changed = whole;
    changed[5] ^= 1;
    fs::write(folder.path().join("g.float32"), &changed).unwrap();
    let (code, told, _) = run(folder.path(), dataset);
    assert!(code == 3 && told.contains("generate --from"), "{code} {told}");
}

#[test]
fn missing_recordings_name_the_command_that_fetches_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = "primitives/datasets/v1/physionet-motor-imagery/converted/S001R03.float32";
    let (code, told, _) =
        run(folder.path(), &format!("path: {path}, channels: 64, sample_rate_hz: 160"));
    assert_eq!(code, 3);
    let expected = format!(
        "there is no dataset \"{path}\"; fetch it with: cortex-host download physionet --recording S001R03"
    );
    assert!(told.ends_with(&expected), "{told}");
    let output = cortex_host().args(["inspect", path]).current_dir(&folder).output().unwrap();
    assert!(stderr_of(&output, 3).trim_end().ends_with(&expected));
}
