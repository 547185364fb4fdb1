//! What v3 says of its data against what other programs find in them: NumPy, SciPy, MNE.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use cortex_core::signal::Signal;
use cortex_host::primitive::Library;
use cortex_host::synthetic::Manifest;
use cortex_tests::{cortex_host, oracle, stderr_of, stdout_of};
use serde_json::{Value, json};

fn host(arguments: &str, folder: &Path) -> std::process::Output {
    let mut command = cortex_host();
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

/// Generates `NAME.float32` in `folder`, with every parameter of it in `NAME.json`.
fn generate(folder: &Path, name: &str, arguments: &str) -> (PathBuf, PathBuf) {
    let data = folder.join(name).with_extension("float32");
    stdout_of(&host(&format!("generate {arguments} {name}.float32 --quiet"), folder), 0);
    let manifest = folder.join(format!("{name}.float32.manifest.yaml"));
    let spec = Manifest::read(&manifest, &Library::new(None)).expect("a manifest").dataset.spec;
    let mut parameters = match spec.signal {
        Signal::SpikeParams(params) => serde_json::to_value(params),
        Signal::EegParams(params) => serde_json::to_value(params),
        other => panic!("{other:?}"),
    }
    .expect("plain data");
    parameters["seed"] = spec.seed.into();
    let path = folder.join(name).with_extension("json");
    fs::write(&path, parameters.to_string()).unwrap();
    (data, path)
}

/// Sixteen sparse units without noise: what template matching finds is the truth, to the sample and
/// the unit; and the shapes of all units, filtered as spikes are, end below 1 % of their peak.
#[test]
fn template_matching_finds_the_true_spikes() {
    let folder = tempfile::tempdir().unwrap();
    let noiseless = "--noise-uv-rms=0 --far-rate-hz=0 --columns=4 --firing-rate-hz=2";
    let (data, parameters) =
        generate(folder.path(), "spikes", &format!("spikes 16 30000 10 {noiseless}"));
    let arguments =
        [data.as_os_str(), "16".as_ref(), "30000".as_ref(), "10".as_ref(), parameters.as_ref()];
    let Some(run) = oracle("v3_spikes.py", &arguments) else { return };
    println!("{}", stdout_of(&run, 0));
}

/// Covariance, averages, fall of power, accuracy and signal-to-noise ratio, each from a dataset that
/// makes it large beside its standard error: the oracle says how large that is, and how often a
/// right generator would fail.
#[test]
fn mne_and_scipy_find_the_parameters_of_an_eeg() {
    let folder = tempfile::tempdir().unwrap();
    let no_rhythm = "--mu-uv-rms=0 --beta-uv-rms=0 --alpha-uv-rms=0";
    let mut arguments: Vec<OsString> = Vec::new();
    for (check, dataset) in [
        ("covariance", format!("eeg 21 250 240 --background-exponent=0.01 {no_rhythm}")),
        (
            "rhythm",
            "eeg 59 250 300 --background-uv-rms=1e-4 --mu-uv-rms=0 --beta-uv-rms=0".to_owned(),
        ),
        (
            "p300",
            "eeg 21 250 550 --paradigm=p300 --trial-s=1.2 --target-probability=0.5".to_owned(),
        ),
        (
            "erd",
            format!(
                "eeg 12 100 3400 --paradigm=motor_imagery --cue-s=60 --task-s=60 --trial-s=121.5 \
                 --mu-hz=30 --mu-bandwidth-hz=10 --erd-depth=0.5 --background-uv-rms=0.01 \
                 {no_rhythm} --mu-uv-rms=50"
            ),
        ),
        (
            "csp",
            format!(
                "eeg 12 100 4200 --paradigm=motor_imagery --cue-s=0 --task-s=2 --trial-s=3.5 \
                 --mu-hz=12 --mu-bandwidth-hz=4 --erd-depth=0.8 {no_rhythm} --snr-db=-6"
            ),
        ),
        ("ssvep", format!("eeg 21 250 1600 --paradigm=ssvep --snr-db=-3 {no_rhythm}")),
    ] {
        // The last of an option's values counts.
        let dataset = match dataset.split_once("--mu-uv-rms=0 ") {
            Some((start, end)) if end.contains("--mu-uv-rms") => format!("{start}{end}"),
            _ => dataset,
        };
        let (data, parameters) = generate(folder.path(), check, &dataset);
        let files = [data.with_extension("vhdr").into_os_string(), parameters.into_os_string()];
        arguments.push(check.into());
        arguments.extend(files);
        arguments.push("+".into());
    }
    let arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let Some(run) = oracle("v3_eeg.py", &arguments) else { return };
    println!("{}", stdout_of(&run, 0));
}

fn inspected(target: &str, folder: &Path) -> Value {
    serde_json::from_str(&stdout_of(&host(&format!("inspect {target} --json"), folder), 0)).unwrap()
}

/// The rows of a table of tab-separated values: label to how often.
fn labels_of(events: &Path) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(events).unwrap().lines().skip(1) {
        *counts.entry(line.split('\t').nth(2).unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// What a format has no place for lies in the tables beside it, and goes with the data.
#[test]
fn events_and_names_of_the_tables_go_with_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let eeg = "eeg 4 250 20 --paradigm=p300 --blinks-per-min=30";
    for (name, more) in
        [("e.npy", ""), ("g.i16", "--front-end-converter=intan_rhd"), ("h.float32", "")]
    {
        stdout_of(&host(&format!("generate {eeg} {name} {more} --quiet"), at), 0);
        let converted = host(&format!("convert {name} {name}.edf"), at);
        let told = stderr_of(&converted, 0);
        assert!(!told.contains("warning"), "{name}: {told}");
        let found = inspected(&format!("{name}.edf"), at);
        let events = found["events"].as_array().unwrap().iter();
        let counts: BTreeMap<String, u64> = events
            .map(|event| {
                (event["label"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap())
            })
            .collect();
        let (stem, _) = name.split_once('.').unwrap();
        assert_eq!(counts, labels_of(&at.join(format!("{stem}_events.tsv"))), "{name}");
        let table = fs::read_to_string(at.join(format!("{stem}_channels.tsv"))).unwrap();
        let names: Vec<&str> =
            table.lines().skip(1).map(|line| line.split('\t').next().unwrap()).collect();
        let header = fs::read(at.join(format!("{name}.edf"))).unwrap();
        let labels = String::from_utf8_lossy(&header[256..256 + 4 * 16]).into_owned();
        let labels: Vec<&str> = labels.split_whitespace().collect();
        assert_eq!(labels, names, "{name}");
    }

    // A table that is none is told, and the samples are there.
    fs::write(at.join("e_events.tsv"), "onset\tduration\ttrial_type\nsoon\t0\tgo\n").unwrap();
    let told = stderr_of(&host("convert e.npy bad.edf", at), 0);
    assert!(told.contains("e_events.tsv:2: onset is \"soon\", not a number"), "{told}");
}

#[test]
fn inspect_counts_events_and_units() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let artefacts = "--blinks-per-min=30 --mains-uv=5 --wander-uv=20";
    stdout_of(
        &host(&format!("generate eeg 4 250 20 e.float32 --paradigm=p300 {artefacts}"), at),
        0,
    );
    let found = inspected("e.float32", at);
    let counts: BTreeMap<String, u64> = found["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (event["label"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(counts, labels_of(&at.join("e_events.tsv")));
    assert_eq!(counts["standard"] + counts["target"], 20);
    // What goes on throughout has a mask as long as the recording.
    assert_eq!((counts["mains"], counts["drift"]), (1, 1));
    let mains = found["events"].as_array().unwrap().iter().find(|e| e["label"] == "mains").unwrap();
    assert_eq!((&mains["first_s"], &mains["total_s"]), (&json!(0.0), &json!(20.0)));
    assert_eq!(found["units"], json!([]));

    stdout_of(&host("generate spikes 4 30000 2 s.float32 --columns=2", at), 0);
    let found = inspected("s.float32", at);
    assert_eq!(found["events"], json!([]));
    let units = found["units"].as_array().unwrap();
    let spikes: u64 = units.iter().map(|unit| unit["spikes"].as_u64().unwrap()).sum();
    let bytes = fs::metadata(at.join("s.spikes.npy")).unwrap().len();
    assert_eq!(spikes, (bytes - 256) / 20);
    let first = &units[0];
    assert_eq!((&first["unit"], &first["channel"]), (&json!(0), &json!("E0001")));
    assert_eq!(first["rate_hz"].as_f64(), Some(first["spikes"].as_f64().unwrap() / 2.0));
    // From the manifest alone, drawn and printed.
    let again = inspected("s.float32.manifest.yaml", at);
    assert_eq!(again["units"], found["units"]);
    let table = stdout_of(&host("inspect s.float32 --plot s.html", at), 0);
    let page = fs::read_to_string(at.join("s.html")).unwrap();
    assert!(page.contains(&format!("<td>E0001</td><td>{}</td>", first["spikes"])));
    stdout_of(&host("inspect e.float32 --plot e.svg", at), 0);
    assert!(fs::read_to_string(at.join("e.svg")).unwrap().contains(">events<"));
    let row = table.lines().find(|line| line.starts_with("unit 0 ")).expect("a row of unit 0");
    let cells: Vec<&str> = row.split_whitespace().collect();
    let spikes = first["spikes"].to_string();
    assert_eq!(cells[..4], ["unit", "0", "E0001", &spikes], "{table}");

    fs::write(at.join("s.spikes.npy"), "no table").unwrap();
    let broken = host("inspect s.float32 --json", at);
    let found: Value = serde_json::from_str(&stdout_of(&broken, 0)).unwrap();
    assert_eq!(found["units"], json!([]));
    assert!(found["notes"][0].as_str().unwrap().ends_with("is no table of spikes"), "{found}");
}

/// The bytes of an array behind its header, whose description must have `kind` in it.
fn array(path: &Path, kind: &str) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = String::from_utf8_lossy(&bytes[10..10 + length]).into_owned();
    assert!(header.contains(kind), "{header}");
    bytes[10 + length..].to_vec()
}

/// The truth of a shorter set, and of one of fewer channels, is that of a larger one as far as it
/// goes. Only units beyond the last row have an electrode that depends on how many there are, and
/// what goes on throughout is as long as the recording.
#[test]
fn the_truth_of_a_larger_set_begins_with_that_of_a_smaller_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let rows = |name: &str, size: &str| -> Vec<(u64, u32, [u8; 8])> {
        let busy = "--units-per-electrode=2 --burst-probability=0.3 --columns=4";
        stdout_of(&host(&format!("generate spikes {size} {name}.float32 {busy}"), at), 0);
        let bytes = array(&at.join(format!("{name}.spikes.npy")), "'electrode'");
        let rows = bytes.as_chunks::<20>().0.iter().map(|row| {
            let sample = u64::from_le_bytes(row[..8].try_into().unwrap());
            let unit = u32::from_le_bytes(row[8..12].try_into().unwrap());
            (sample, unit, row[12..].try_into().unwrap())
        });
        rows.collect()
    };
    let (all, short, few) =
        (rows("all", "24 8000 2"), rows("short", "24 8000 1.1"), rows("few", "8 8000 2"));
    let until = all.iter().take_while(|(sample, ..)| *sample < 8_800).count();
    assert!(until > 100 && short == all[..until], "{} and {until}", short.len());
    // Eight units an electrode; a row of four more beyond the last of two is seen.
    let within = |rows: &[(u64, u32, [u8; 8])]| -> Vec<_> {
        rows.iter().filter(|(_, unit, _)| unit / 8 < 4).copied().collect()
    };
    assert!(within(&few).len() > 50 && within(&few) == within(&all));

    let events = |name: &str, seconds: &str| -> Vec<String> {
        let artefacts = "--paradigm=p300 --blinks-per-min=30 --pops-per-min=20 --emg-per-min=20";
        let command = format!("generate eeg 4 250 {seconds} {name}.float32 {artefacts}");
        stdout_of(&host(&command, at), 0);
        let table = fs::read_to_string(at.join(format!("{name}_events.tsv"))).unwrap();
        table.lines().map(str::to_owned).collect()
    };
    let (all, short) = (events("long", "40"), events("brief", "20.5"));
    assert!(short.len() > 30 && short.len() < all.len() && short == all[..short.len()]);
}

/// The folder that SpikeInterface loads (tests/slow.sh spikeinterface does): its parts agree with
/// each other and with the truth of the same dataset elsewhere.
#[test]
fn the_folder_for_spikeinterface_holds_the_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let dataset = "spikes 6 30000 1 --columns=3 --pitch-um=40";
    stdout_of(&host(&format!("generate {dataset} --spikeinterface si"), at), 0);
    stdout_of(&host("generate spikes 6 30000 1 x.float32 --columns=3 --pitch-um=40", at), 0);
    let si = at.join("si");
    let samples = si.join("recording/recording.float32");
    assert_eq!(fs::read(&samples).unwrap(), fs::read(at.join("x.float32")).unwrap());
    stdout_of(&host("reproduce si/recording/recording.float32.manifest.yaml", at), 0);
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(si.join(name)).unwrap()).unwrap()
    };
    let binary = read("recording/binary.json");
    assert_eq!(binary["kwargs"]["file_paths"], json!(["recording.float32"]));
    assert_eq!(binary["kwargs"]["num_channels"], 6);
    assert_eq!(binary["kwargs"]["channel_ids"][5], "E0006");
    let probe = read("recording/probe.json");
    assert_eq!(probe["probes"][0]["contact_positions"][4], json!([40.0, 40.0]));

    let ids = read("sorting/numpysorting_info.json")["unit_ids"].as_array().unwrap().clone();
    let sorted = array(&si.join("sorting/spikes.npy"), "'unit_index', '<i8'");
    let truth = array(&at.join("x.spikes.npy"), "'unit', '<u4'");
    let (sorted, _) = sorted.as_chunks::<24>();
    let (truth, _) = truth.as_chunks::<20>();
    assert!(truth.len() > 30 && sorted.len() == truth.len());
    for (sorted, truth) in sorted.iter().zip(truth) {
        assert_eq!(sorted[..8], truth[..8], "sample");
        let index = usize::from(sorted[8]) + 256 * usize::from(sorted[9]);
        let unit = u32::from_le_bytes([truth[8], truth[9], truth[10], truth[11]]);
        assert_eq!(ids[index], unit);
        assert_eq!(sorted[16..], [0; 8], "segment");
    }
    let locations = array(&si.join("sorting/properties/gt_unit_locations.npy"), "'<f8'");
    assert_eq!(locations.len(), ids.len() * 24);
    for name in ["amplitude_uv", "electrode"] {
        let values = array(&si.join(format!("sorting/properties/{name}.npy")), "8'");
        assert_eq!(values.len(), ids.len() * 8, "{name}");
    }

    // Nothing is replaced unasked, a manifest makes it again, and what has no units is refused.
    let taken = stderr_of(&host(&format!("generate {dataset} --spikeinterface si"), at), 2);
    assert!(taken.contains("--force"), "{taken}");
    let from = "generate --from x.float32.manifest.yaml --spikeinterface again";
    stdout_of(&host(from, at), 0);
    for file in ["recording/si_folder.json", "recording/recording.float32", "sorting/spikes.npy"] {
        let again = fs::read(at.join("again").join(file)).unwrap();
        assert_eq!(again, fs::read(si.join(file)).unwrap(), "{file}");
    }
    stdout_of(&host(&format!("{from} --force"), at), 0);
    let refused = stderr_of(&host("generate eeg 4 250 1 --spikeinterface eeg", at), 2);
    assert!(refused.contains("--spikeinterface writes spikes with the units"), "{refused}");
    assert!(!at.join("eeg").exists());
    let nowhere = stderr_of(&host("generate --from x.float32.manifest.yaml", at), 2);
    assert!(nowhere.contains("there is no OUT"), "{nowhere}");
    let twice = stderr_of(&host(&format!("{from} y.float32"), at), 2);
    assert!(twice.contains("does not go together with --spikeinterface"), "{twice}");
}

/// `score` on tables written by hand, as its users call it.
#[test]
fn scores_worked_out_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let write = |name: &str, text: &str| fs::write(at.join(name), text).unwrap();
    let score = |arguments: &str| -> Value {
        let found = host(&format!("score {arguments} --json"), at);
        serde_json::from_str(&stdout_of(&found, 0)).unwrap()
    };
    // Five trials and a blink; four answers, one of them wrong and one to nothing. Late by 200, 300
    // and 400 ms.
    let truth = "onset\tduration\ttrial_type\n1\t0\ta\n2\t0\tb\n3\t0\ta\n3.1\t0.4\tblink\n4\t0\tb\n5\t0\ta\n";
    write("truth.tsv", truth);
    write("answers.tsv", "onset\ttrial_type\n1.2\ta\n2.3\tb\n3.4\tb\n7\ta\n");
    let found = score("truth.tsv answers.tsv --tolerance-ms 500");
    assert_eq!(
        (&found["truth"], &found["output"], &found["matched"]),
        (&json!(5), &json!(4), &json!(3))
    );
    assert_eq!((&found["precision"], &found["recall"]), (&json!(0.75), &json!(0.6)));
    assert_eq!(found["f1"].as_f64(), Some(6.0 / 9.0));
    for (key, expected) in [("median", 300.0), ("mean", 300.0), ("sd", (20_000.0_f64 / 3.0).sqrt())]
    {
        let value = found["latency_ms"][key].as_f64().unwrap();
        assert!((value - expected).abs() < 1e-6, "{key}: {value}");
    }
    // Two of five are right. Known 3 a and 2 b, answered 1 a and 2 b: chance agrees on
    // (3 * 1 + 2 * 2) / 25 = 0.28, and kappa is (0.4 - 0.28) / 0.72.
    let classes = &found["classes"];
    assert_eq!(
        (&classes["names"], &classes["confusion"]),
        (&json!(["a", "b"]), &json!([[1, 1], [0, 1]]))
    );
    assert_eq!((&classes["unanswered"], &classes["accuracy"]), (&json!(2), &json!(0.4)));
    assert!((classes["kappa"].as_f64().unwrap() - 0.12 / 0.72).abs() < 1e-12, "{classes}");

    // A detector that finds every spike two samples late, on its electrode; then on another one.
    stdout_of(&host("generate spikes 4 30000 2 s.float32 --columns=2 --firing-rate-hz=5", at), 0);
    let spikes = array(&at.join("s.spikes.npy"), "'electrode'");
    let table = |shift: u32| {
        let mut text = "onset\telectrode\n".to_owned();
        for row in spikes.as_chunks::<20>().0 {
            let sample = u64::from_le_bytes(row[..8].try_into().unwrap());
            let electrode = u32::from_le_bytes(row[12..16].try_into().unwrap());
            text += &format!("{}\t{}\n", (sample + 2) as f64 / 3e4, electrode + shift);
        }
        text
    };
    write("found.tsv", &table(0));
    let found = score("s.spikes.npy found.tsv --sample-rate-hz=30000 --tolerance-ms=0.5");
    assert_eq!((&found["precision"], &found["recall"]), (&json!(1.0), &json!(1.0)));
    assert!((found["latency_ms"]["median"].as_f64().unwrap() - 2.0 / 30.0).abs() < 1e-9);
    assert_eq!(found["classes"], Value::Null);
    write("found.tsv", &table(100));
    let found = score("s.spikes.npy found.tsv --sample-rate-hz=30000 --tolerance-ms=0.5");
    assert_eq!(found["matched"], 0);
    let refused = stderr_of(&host("score s.spikes.npy found.tsv", at), 3);
    assert!(refused.contains("give --sample-rate-hz"), "{refused}");
}
