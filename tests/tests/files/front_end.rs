//! What a generated front end leaves: codes as files, and packets whose losses, counter and times
//! are those of its parameters and of the samples.

use std::fs;
use std::path::Path;

use cortex_host::recording::{OpenOptions, Recording};
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

fn host(arguments: &str, folder: &Path) -> std::process::Output {
    let mut command = cortex_host();
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

fn samples(path: &Path) -> (Recording, Vec<f32>) {
    let mut recording = Recording::open(path, &OpenOptions::default()).unwrap();
    let mut all = vec![0.0; recording.samples as usize * recording.channels()];
    assert_eq!(recording.read(&mut all).unwrap() as u64, recording.samples);
    (recording, all)
}

/// One packet as `OUT.packets.npy` has it.
struct Packet {
    sample: u64,
    counter: u32,
    received: bool,
    time_s: f64,
}

fn packets(path: &Path) -> Vec<Packet> {
    let bytes = fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let packet = |row: &[u8]| Packet {
        sample: u64::from_le_bytes(row[..8].try_into().unwrap()),
        counter: u32::from_le_bytes(row[8..12].try_into().unwrap()),
        received: row[12] != 0,
        time_s: f64::from_le_bytes(row[13..21].try_into().unwrap()),
    };
    bytes[header..].chunks_exact(21).map(packet).collect()
}

/// The number at `index` of a file of codes of `size` bytes.
fn code(bytes: &[u8], size: usize, index: usize) -> i32 {
    let mut wide = [0; 4];
    wide[4 - size..].copy_from_slice(&bytes[index * size..][..size]);
    i32::from_le_bytes(wide) >> (32 - 8 * size)
}

/// The files of codes against the float32 file of the same dataset: every sample is its code times
/// the step, to the bit, and NaN where the code is that of a missing sample. The codes themselves
/// against the data sheets' steps.
#[test]
fn files_of_codes_hold_what_the_converter_gave() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    let loss = "--front-end-loss-rate=0.05 --front-end-burst-packets=3";
    for (dataset, converter, extension, bits, step_uv) in [
        ("spikes 5 30000 0.2", "intan_rhd", "i16", 16, 0.195),
        ("spikes 5 30000 0.2", "n1", "i16", 10, 7.031_25),
        ("spikes 5 30000 0.2", "n1", "i24", 10, 7.031_25),
        ("eeg 8 250 4", "ads1299", "i24", 24, 4.5e6 / 24.0 / 8_388_608.0),
    ] {
        let made = |name: &str| {
            let (signal, rest) = dataset.split_once(' ').unwrap();
            let command = format!(
                "generate {signal} {rest} {name} --front-end-converter={converter} {loss} --json \
                 --force"
            );
            let made = stdout_of(&host(&command, folder.path()), 0);
            serde_json::from_str::<Value>(&made).unwrap()
        };
        let (raw, file) = (made("raw.float32"), format!("codes.{extension}"));
        let codes = made(&file);
        assert_eq!((&codes["format"], &codes["blake3"]), (&extension.into(), &raw["blake3"]));
        let (_, expected) = samples(&here("raw.float32"));
        let (recording, found) = samples(&here(&file));
        assert_eq!(recording.sample_rate_hz, if bits == 24 { 250.0 } else { 30_000.0 });
        let bits_of = |all: &[f32]| all.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits_of(&found) == bits_of(&expected), "{converter}, {extension}");
        let missing = expected.iter().filter(|value| value.is_nan()).count();
        assert!(missing > 0 && missing < expected.len() / 4, "{missing}");

        let text = fs::read_to_string(here(&format!("{file}.json"))).unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        let size = if extension == "i24" { 3 } else { 2 };
        assert_eq!(told["dtype"], format!("<i{size}"));
        assert_eq!((&told["bits"], &told["offset_uv"]), (&bits.into(), &0.0.into()));
        assert_eq!(told["gain"], if bits == 24 { Value::from(24.0) } else { Value::Null });
        assert_eq!(told["step_uv"].as_f64(), Some(step_uv));
        assert_eq!(told["missing_code"], -(1 << (8 * size - 1)));
        let bytes = fs::read(here(&file)).unwrap();
        assert_eq!(bytes.len(), size * expected.len());
        for (index, value) in expected.iter().enumerate() {
            let code = code(&bytes, size, index);
            if value.is_nan() {
                assert_eq!(told["missing_code"], code);
            } else {
                assert_eq!((f64::from(code) * step_uv) as f32, *value);
            }
        }
        let again = stdout_of(&host(&format!("reproduce {file}.manifest.yaml"), folder.path()), 0);
        assert!(again.ends_with("reproduced\n"), "{again}");
        // Codes become codes again, and anything else.
        stdout_of(&host(&format!("convert {file} copy.i24 --force"), folder.path()), 0);
        assert!(bits_of(&samples(&here("copy.i24")).1) == bits_of(&expected));
        stdout_of(&host(&format!("convert {file} copy.float32 --force"), folder.path()), 0);
        assert!(fs::read(here("copy.float32")).unwrap() == fs::read(here("raw.float32")).unwrap());
    }
}

#[test]
fn what_is_no_code_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &str, code: i32, words: &str| {
        let error = stderr_of(&host(arguments, folder.path()), code);
        assert!(error.contains(words), "{error}");
    };
    let ads = "--front-end-converter=ads1299";
    refused("generate eeg 2 250 1 x.i16", 2, "generate them with --front-end-converter");
    refused("generate pink_noise 2 250 1 x.i24", 2, "have none");
    refused(&format!("generate eeg 2 250 1 x.i16 {ads}"), 2, "24 bits, but .i16 holds 16");
    refused(&format!("generate eeg 2 250 1 x {ads} --format i24"), 2, "end it in .i24");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was left");
    stdout_of(&host(&format!("generate eeg 2 250 1 x.i24 {ads}"), folder.path()), 0);
    refused(&format!("generate eeg 2 250 1 x.i24 {ads}"), 2, "--force");
    let sidecar = folder.path().join("x.i24.json");
    let text = fs::read_to_string(&sidecar).unwrap();
    let inspected = |from: &str, to: &str, code: i32, words: &str| {
        fs::write(&sidecar, text.replace(from, to)).unwrap();
        refused("inspect x.i24", code, words);
    };
    inspected("\"samples\": 250", "\"samples\": 251", 3, "the file is not whole");
    inspected("<i3", "<i2", 3, "its dtype cannot be");
    inspected("\"bits\": 24", "\"bits\": 25", 3, "its bits cannot be");
    inspected("\"step_uv\": 0", "\"step_uv\": -0", 3, "its step_uv cannot be");
    inspected("{", "", 3, "x.i24.json");
    fs::remove_file(&sidecar).unwrap();
    refused("inspect x.i24", 3, "there is no x.i24.json beside it");
}

/// The packets of 200 s: the rows that are NaN are those of the packets that were lost, their share
/// and bursts are the chain's, the counter of 6 bits wraps, and the times have the clock's rate and
/// jitter.
///
/// Over n packets the share of losses L has the variance L (1-L) (1+c) / ((1-c) n), c = 1 - p - r
/// being the chain's correlation; the mean of m bursts (1-r) / (r² m). The slope of n times of
/// jitter s fitted by least squares has the standard error s sqrt(12 / n³). 3 standard errors each
/// (false alarm 0.3 %, fixed seed).
#[test]
fn packets_tell_what_was_lost_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let (loss, burst, rows) = (0.1, 5.0, 10_u64);
    let made = "generate eeg 3 250 200 x.float32 --front-end-converter=custom --front-end-step-uv=0.5 \
                --front-end-loss-rate=0.1 --front-end-burst-packets=5 \
                --front-end-packet-samples=10 --front-end-counter-bits=6 \
                --front-end-clock-ppm=-200 --front-end-jitter-samples=0.25 --seed=9";
    stdout_of(&host(made, folder.path()), 0);
    let (_, samples) = samples(&folder.path().join("x.float32"));
    let packets = packets(&folder.path().join("x.packets.npy"));
    assert_eq!(packets.len(), 5_000);
    let (mut lost, mut bursts, mut before) = (0.0, 0.0, true);
    for (number, packet) in packets.iter().enumerate() {
        assert_eq!((packet.sample, packet.counter), (number as u64 * rows, number as u32 % 64));
        let first = packet.sample as usize * 3;
        let values = &samples[first..first + rows as usize * 3];
        assert!(values.iter().all(|value| value.is_nan() != packet.received), "packet {number}");
        if !packet.received {
            lost += 1.0;
            bursts += f64::from(u8::from(before));
        }
        before = packet.received;
    }
    let n = packets.len() as f64;
    let r = 1.0 / burst;
    let c = 1.0 - loss * r / (1.0 - loss) - r;
    let share_error = (loss * (1.0 - loss) * (1.0 + c) / (1.0 - c) / n).sqrt();
    assert!((lost / n - loss).abs() < 3.0 * share_error, "{lost} of {n}");
    let burst_error = ((1.0 - r) / (r * r) / bursts).sqrt();
    assert!((lost / bursts - burst).abs() < 3.0 * burst_error, "{lost} in {bursts} bursts");

    let times: Vec<f64> = packets.iter().map(|packet| packet.time_s * 250.0).collect();
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
    let middle = (n - 1.0) / 2.0;
    let centre = mean(&mut times.iter().copied());
    let square = |x: f64| x * x;
    let spread: f64 = (0..packets.len()).map(|k| square(k as f64 - middle)).sum();
    let slope = times
        .iter()
        .enumerate()
        .map(|(k, time)| (k as f64 - middle) * (time - centre))
        .sum::<f64>()
        / spread
        / rows as f64;
    // A packet is ten samples; a clock slow by 200 ppm takes row k at k / (1 - 2e-4).
    let slope_error = 0.25 * (12.0 / (n * n * n)).sqrt() / rows as f64;
    assert!((slope - 1.0 / (1.0 - 2e-4)).abs() < 3.0 * slope_error, "{slope}");
    let jitter = mean(
        &mut times
            .iter()
            .enumerate()
            .map(|(k, time)| square(time - centre - (k as f64 - middle) * slope * rows as f64)),
    );
    assert!((jitter / (0.25 * 0.25) - 1.0).abs() < 3.0 * (2.0 / n).sqrt(), "{jitter}");
}

/// A run's kernels count as missing what the front end lost: the samples of the lost packets, in
/// every channel, here and behind a link on which the converter's codes cross as they are.
#[test]
fn kernels_miss_what_the_front_end_lost() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = "--front-end-loss-rate=0.2 --front-end-burst-packets=4 \
                      --front-end-packet-samples=7";
    let made = format!("generate eeg 4 250 4 x.float32 {parameters} --seed=5");
    stdout_of(&host(&made, folder.path()), 0);
    let rows: u64 = packets(&folder.path().join("x.packets.npy"))
        .iter()
        .filter(|packet| !packet.received)
        .map(|packet| (1_000 - packet.sample).min(7))
        .sum();
    assert!(rows > 20, "{rows}");
    // 200 and 8 times 100 rows are all 1,000 of them.
    let config = "
dataset:
  path: primitives/datasets/v3/synthetic
  params:
    signal_type: eeg
    duration_s: 4
    seed: 5
    front_end: { loss_rate: 0.2, burst_packets: 4.0, packet_samples: 7 }
  channels: 4
  sample_rate_hz: 250
kernels:
  - { name: car, window: 200, hop: 100 }
  - { name: notch_iir, window: 200, hop: 100 }
  - { name: bandpass_fir, window: 200, hop: 100 }
  - { name: goertzel, window: 200, hop: 100 }
  - { name: welch_psd, window: 200, hop: 100 }
  - { name: fft, window: 200, hop: 100 }
execution: { warmup_windows: 0, pace: max }
";
    let run = |config: &str| {
        fs::write(folder.path().join("config.yaml"), config).unwrap();
        let summary = stdout_of(&host("--quiet run --config config.yaml --json", folder.path()), 0);
        let summary: Value = serde_json::from_str(&summary).unwrap();
        let kernels = summary["kernels"].as_array().unwrap();
        assert_eq!(kernels.len(), 6);
        for kernel in kernels {
            assert_eq!(kernel["missing_samples"], 4 * rows, "{}", kernel["kernel"]);
        }
        summary
    };
    run(config);
    let linked = config.replace("loss_rate: 0.2", "converter: intan_rhd, loss_rate: 0.2");
    let summary = run(&(linked + "device: loopback\nencoding: i16\n"));
    assert_eq!((&summary["encoding"], &summary["scale_uv"]), (&"i16".into(), &0.195.into()));
    for kernel in summary["kernels"].as_array().unwrap() {
        assert_eq!(kernel["outputs"]["different"], 0, "{kernel}");
        assert_eq!(kernel["link"]["saturated_samples"], 0, "{kernel}");
    }
}
