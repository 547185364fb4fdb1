//! Recordings made to hurt: the real binary, its address space capped at 100 MB and its processor
//! time at one second, and nothing left behind.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Output};

use cortex_tests::{cortex_host, stderr_of};
use tempfile::TempDir;

/// `convert` on `name` in `folder` under `ulimit`.
fn convert(folder: &TempDir, name: &str) -> Output {
    let binary = cortex_host();
    Command::new("sh")
        .args(["-c", "ulimit -v 100000; ulimit -t 1; exec \"$0\" convert \"$1\" out.float32"])
        .arg(binary.get_program())
        .arg(name)
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// `name` is refused with one sentence that holds `part`, and only the input remains.
#[track_caller]
fn refused(name: &str, content: &[u8], part: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    let message = stderr_of(&convert(&folder, name), 3);
    assert!(message.starts_with(&format!("error: {name}: ")), "{message}");
    assert!(message.contains(part), "no {part:?} in: {message}");
    assert!(message.len() < 500 && message.lines().count() == 1, "{message}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

/// An EDF file of one record: the signals' labels and samples per record, then `data`.
fn edf(signals: &[(&str, usize)], data: &[u8]) -> Vec<u8> {
    let mut file = format!("{:<8}{:<80}{:<80}{:<8}{:<8}", "0", "", "", "01.01.20", "00.00.00");
    let count = signals.len();
    file += &format!("{:<8}{:<44}{:<8}{:<8}{:<4}", 256 * (count + 1), "EDF+C", 1, 1, count);
    let mut column = |width: usize, text: &dyn Fn(&(&str, usize)) -> String| {
        for signal in signals {
            file += &format!("{:<width$}", text(signal));
        }
    };
    column(16, &|(label, _)| (*label).to_owned());
    column(80, &|_| String::new());
    for text in ["uV", "-100", "100", "-32768", "32767"] {
        column(8, &|_| text.to_owned());
    }
    column(80, &|_| String::new());
    column(8, &|(_, samples)| samples.to_string());
    column(32, &|_| String::new());
    [file.as_bytes(), data].concat()
}

#[test]
fn annotations_without_end_are_refused() {
    // A million texts in a record of 1 MB, and sixteen million in one of 16 MB.
    for (samples, part) in [(520_000, "more than 250000 annotations"), (8_000_000, "no recorder")] {
        let mut data = vec![0x14; 2 + 2 * samples];
        data[2..4].copy_from_slice(b"+0");
        refused("x.edf", &edf(&[("A", 1), ("EDF Annotations", samples)], &data), part);
    }
}

#[test]
fn ten_thousand_channels_of_one_name_get_names_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = edf(&[("A", 1); 9_999], &[1; 2 * 9_999]);
    fs::write(folder.path().join("x.edf"), file).unwrap();
    stderr_of(&convert(&folder, "x.edf"), 0);
    let header = fs::read_to_string(folder.path().join("out.vhdr")).unwrap();
    assert!(header.contains("\nCh1=A,") && header.contains("\nCh9999=A-9999,"));
}

/// A header of `lines` in its first section.
fn vhdr(lines: &str) -> Vec<u8> {
    let common = "DataFile=x.dat\nNumberOfChannels=1\nSamplingInterval=1000\n";
    format!(
        "Brain Vision\n[Common Infos]\n{common}{lines}\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=A\n"
    )
    .into_bytes()
}

#[test]
fn headers_without_end_are_refused() {
    let keys: String = (0..900_000).map(|key| format!("{key:x}=\n")).collect();
    refused("x.vhdr", &vhdr(&keys), "more than 100000 keys");
    refused("x.vhdr", &vhdr(&"x".repeat(9_000_000)), "too large for a header");
    // Every line of an unknown section with a long name once kept that name.
    let (name, lines) = ("s".repeat(1_000_000), "a=b\n".repeat(1_000_000));
    refused("x.vhdr", format!("Brain Vision\n[{name}]\n{lines}").as_bytes(), "BinaryFormat");
    refused("x.vhdr", &vhdr(&format!("DataPoints={}", "9".repeat(1_000_000))), "DataPoints");
}

#[test]
fn a_data_file_that_is_no_file_is_refused_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("x.dat");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(folder.path().join("x.vhdr"), vhdr("")).unwrap();
    let message = stderr_of(&convert(&folder, "x.vhdr"), 3);
    assert!(message.contains("DataFile \"x.dat\" is no regular file"), "{message}");
}

#[test]
fn arrays_wider_than_any_dataset_are_refused() {
    let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4000000), }";
    let head = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header].concat();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.npy"), [head, vec![0; 16_000_000]].concat()).unwrap();
    let binary = cortex_host();
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -v 100000; ulimit -t 1; exec \"$0\" convert x.npy out.float32 --rate 100",
        ])
        .arg(binary.get_program())
        .env("NO_COLOR", "1")
        .current_dir(&folder)
        .output()
        .unwrap();
    let message = stderr_of(&output, 3);
    assert!(message.contains("at most 65536"), "{message}");
}
