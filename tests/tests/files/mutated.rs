//! Damaged recordings: whatever bytes are changed, a file is refused in one sentence, or read as
//! edfio, MNE and NumPy read it where they do.

use std::fs;
use std::path::Path;

use cortex_host::base::Failure;
use cortex_host::recording::{OpenOptions, Recording, npy};
use cortex_tests::{oracle, stdout_of};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::edf_reader::{File, Signal};

/// Damaged copies of each format.
const COPIES: usize = 150;

/// Something that happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    Change(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Double(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Bytes that mean something in headers, among all others.
    let byte = || prop_oneof![3 => prop::sample::select(b"0123456789-+.,= \n\0EVu".to_vec()), 1 => any::<u8>()];
    prop_oneof![
        6 => (any::<Index>(), byte()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        1 => (any::<Index>(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => any::<Index>().prop_map(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Double(from, to)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match damage {
        Damage::Change(at, byte) => bytes[at.index(length)] = *byte,
        Damage::Insert(at, byte) => bytes.insert(at.index(length), *byte),
        Damage::Remove(at) => drop(bytes.remove(at.index(length))),
        Damage::Cut(at) => bytes.truncate(at.index(length)),
        Damage::Double(from, to) => {
            let (from, to) = (from.index(length), to.index(length));
            let part = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(from.min(to)..from.min(to), part);
        }
    }
}

/// Opens `path` and keeps what is read beside it; whether it could be opened.
fn read(path: &Path, options: &OpenOptions) -> bool {
    let mut recording = match Recording::open(path, options) {
        Ok(recording) => recording,
        Err(error) => {
            let message = Failure::from(error).to_string();
            assert!(message.lines().count() == 1 && message.len() < 2000, "{message}");
            return false;
        }
    };
    let shape = (recording.channels(), recording.samples);
    let mut samples = Vec::new();
    recording
        .read_tiles(|bytes, _| {
            samples.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
    assert_eq!(samples.len() as u64, shape.0 as u64 * shape.1 * 4);
    fs::write(path.with_extension("ours"), samples).unwrap();
    fs::write(path.with_extension("shape"), format!("[{}, {}]", shape.0, shape.1)).unwrap();
    true
}

fn undamaged(kind: &str) -> Vec<(&'static str, Vec<u8>)> {
    let values: Vec<u8> = (0..12).flat_map(|n| (n as f32 * 10.0 - 55.0).to_le_bytes()).collect();
    match kind {
        "edf" => {
            let mut file = File::of(vec![
                Signal::of("EEG C3", "uV", &[1, -2, 3, -4]),
                Signal::of("Cz", "mV", &[5, 6, -7, 8]),
                Signal::annotations(&["+0||\0+0.5|T1|\0", "+1||\0"]),
            ]);
            file.reserved = "EDF+C";
            vec![("a.edf", file.bytes())]
        }
        "npy" => {
            let mut bytes = npy::header_bytes(&[4, 3]);
            bytes.extend(values);
            vec![("a.npy", bytes)]
        }
        _ => vec![
            (
                "a.vhdr",
                "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n\
                 DataFile=a.eeg\nMarkerFile=a.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n\
                 NumberOfChannels=3\nSamplingInterval=4000\n\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n\
                 [Channel Infos]\nCh1=Fp1,,0.5,µV\nCh2=Cz,,1,µV\nCh3=Pz,,2,mV\n"
                    .into(),
            ),
            ("a.eeg", values),
            (
                "a.vmrk",
                "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n\
                 DataFile=a.eeg\n\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200102030405000000\n\
                 Mk2=Stimulus,S  1,3,1,0\n"
                    .into(),
            ),
        ],
    }
}

#[test]
fn a_damaged_file_is_refused_or_read_as_others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    // Fixed: the same damage in every run.
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(damage(), 0..3);
    for kind in ["edf", "npy", "vhdr"] {
        let mut read_files = 0;
        for copy in 0..COPIES {
            let damages = strategy.new_tree(&mut runner).unwrap().current();
            let place = folder.path().join(format!("{kind}{copy}"));
            fs::create_dir(&place).unwrap();
            let mut files = undamaged(kind);
            let (name, bytes) = &mut files[0];
            damages.iter().for_each(|damage| apply(bytes, damage));
            let path = place.join(*name);
            for (name, bytes) in &files {
                fs::write(place.join(name), bytes).unwrap();
            }
            let rate = (kind == "npy").then_some(100.0);
            let options = OpenOptions { sample_rate_hz: rate, ..OpenOptions::default() };
            read_files += u32::from(read(&path, &options));
        }
        assert!(read_files > 30, "only {read_files} {kind} files could be read");
    }
    let Some(run) = oracle("mutated.py", &[folder.path().as_os_str()]) else { return };
    let equal: serde_json::Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    for kind in ["edf", "npy", "vhdr"] {
        assert!(equal[kind].as_u64().is_some_and(|count| count > 20), "{equal}");
    }
}
