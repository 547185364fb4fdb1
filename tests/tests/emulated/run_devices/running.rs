//! What a run on a device computes: the same bits, streamed, quantised, as digests, or seeded.

use std::fs;

use cortex_host::base::ExitCode;
use cortex_host::config::Source;
use cortex_host::run::Options;
use cortex_tests::runs::{Experiment, experiment};
use cortex_tests::{cortex_host, stderr_of, stdout_of};

use super::*;

/// Runs `config` on `device` to its end.
fn on_device(folder: &Path, config: &str, device: &str) -> Experiment {
    let config = format!("{config}device: {device}\n");
    let ran = experiment(folder, &config, &Options::default());
    let ran = ran.unwrap_or_else(|failure| panic!("{device}: {failure}"));
    assert_eq!(ran.outcome.code(), ExitCode::Success, "{device}: {}", ran.said);
    ran
}

/// Streamed, then seeded, on `device`: every window equal to the host's, and seeded digests equal
/// to those that loopback finds.
fn streams_and_generates(device: &str, emulated: bool) {
    let folder = tempfile::tempdir().unwrap();
    let table = on_device(folder.path(), CONFIG, device).table;
    let equal = format!("outputs equal to the host's, bit for bit: {} windows", 3 * WINDOWS);
    assert!(table.contains(&equal), "{table}");
    let found = summary(folder.path());
    assert_eq!(found["device"], device);
    assert_eq!(found["device_facts"]["emulated"], emulated);
    for kernel in found["kernels"].as_array().unwrap() {
        assert_eq!(kernel["outputs"]["equal"], WINDOWS, "{kernel}");
        assert_eq!(kernel["outputs"]["different"], 0);
        assert_eq!(kernel["kernel_instructions"].is_object(), emulated);
        assert_eq!(kernel["kernel_time_us"].is_object(), !emulated);
        // 64 rows and 8 hops of 32, 2 channels of 4 bytes: 2,560 bytes out, and the results.
        assert!(number(&kernel["link"]["sample_bytes"]) >= 2_560, "{kernel}");
        let efficiency = kernel["link"]["line_efficiency"].as_f64().unwrap();
        assert!(efficiency > 0.3 && efficiency < 1.0, "{efficiency}");
        assert!(kernel["link"]["latency_us"].as_f64().unwrap() > 0.0);
    }
    for row in rows(folder.path(), "car") {
        let stamps = ["tin", "tstart", "tend", "tfirst_tx", "tlast_tx"];
        for unit in ["ns", "ticks"] {
            let stamp = stamps.map(|name| number(&row[format!("device_{name}_{unit}")]));
            assert!(stamp.is_sorted() && stamp[0] > 0, "{row}");
        }
        assert_eq!(row["device_instructions"].is_u64(), emulated, "{row}");
    }
    let page = fs::read_to_string(results(folder.path()).join("SUMMARY.md")).unwrap();
    for word in ["Device against host", "## Link", "retransmissions", "CRC errors"] {
        assert!(page.contains(word), "{word} in {page}");
    }

    let digests = |device: &str| -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let seeded = format!("{CONFIG}transfer: seeded\n");
        let table = on_device(folder.path(), &seeded, device).table;
        assert!(table.contains("bit for bit: 24 windows"), "{table}");
        let found = summary(folder.path());
        let kernels = found["kernels"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        kernels
            .map(|kernel| &kernel["seeded"])
            .map(|seeded| (text(&seeded["input_crc32"]), text(&seeded["output_crc32"])))
            .collect()
    };
    assert_eq!(digests(device), digests("loopback"));
}

#[test]
fn loopback_streams_and_generates() {
    streams_and_generates("loopback", false);
}

#[test]
fn cortex_m4f_streams_and_generates() {
    if available("mps2-an386") {
        streams_and_generates("qemu:mps2-an386", true);
    }
}

#[test]
fn cortex_m3_streams_and_generates() {
    if available("mps2-an385") {
        streams_and_generates("qemu:mps2-an385", true);
    }
}

#[test]
fn stm32f405_streams_and_generates() {
    if available("netduinoplus2") {
        streams_and_generates("qemu:netduinoplus2", true);
    }
}

#[test]
fn cortex_m0_streams_and_generates() {
    if available("microbit") {
        streams_and_generates("qemu:microbit", true);
    }
}

#[test]
fn rv32_streams_and_generates() {
    if available("sifive-e") {
        streams_and_generates("qemu:sifive-e", true);
    }
}

#[test]
fn a_noisy_line_changes_nothing_but_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("link.pcap");
    let faults = "ber=1e-4,drop=0.02".parse().unwrap();
    let options =
        Options { fault: Some((faults, 3)), trace: Some(trace.clone()), ..Options::default() };
    let config = format!("{CONFIG}device: loopback\n");
    let ran =
        experiment(folder.path(), &config, &options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ran.outcome.code(), ExitCode::Success, "{}", ran.said);
    assert!(ran.table.contains("bit for bit: 27 windows"), "{}", ran.table);
    let found = summary(folder.path());
    assert_eq!(found["faults"], "ber=0.0001,drop=0.02, seed 3");
    assert!(number(&found["link"]["retransmissions"]) > 0, "{}", found["link"]);
    assert!(number(&found["link"]["crc_errors"]) > 0, "{}", found["link"]);
    let decoded = cortex_host().args(["link", "decode"]).arg(&trace).output().unwrap();
    let text = stdout_of(&decoded, 0);
    assert!(text.contains("HELLO_ACK") && text.contains("damaged"), "{text}");
}

/// `encoding: i16`: half the bytes cross, both ends compute on the rounded samples, and what
/// does not fit the scale is counted and told.
#[test]
fn quantised_input_is_compared_and_named() {
    let find = |device: &str, lines: &str| {
        let folder = tempfile::tempdir().unwrap();
        let Experiment { table, said: talk, .. } =
            on_device(folder.path(), &format!("{CONFIG}{lines}"), device);
        assert!(table.contains("bit for bit: 27 windows"), "{table}");
        let page = fs::read_to_string(results(folder.path()).join("SUMMARY.md")).unwrap();
        let report = fs::read_to_string(results(folder.path()).join("report.html")).unwrap();
        let config = fs::read_to_string(results(folder.path()).join("config.yaml")).unwrap();
        (summary(folder.path()), [table, page, report, config, talk])
    };
    let (exact, [table, ..]) = find("loopback", "");
    assert_eq!((&exact["encoding"], &exact["scale_uv"]), (&"f32".into(), &Value::Null));
    assert!(!table.contains("quantised"), "{table}");
    let devices = ["loopback", "qemu:mps2-an386"];
    for device in devices.into_iter().filter(|name| *name == "loopback" || available(&name[5..])) {
        // 8 x 100 uV over 32767 is 0.024 uV; the power of two above is 1/32.
        let (found, [table, page, report, config, talk]) = find(device, "encoding: i16\n");
        assert_eq!((&found["encoding"], &found["scale_uv"]), (&"i16".into(), &0.03125.into()));
        let words = "i16 in steps of 0.03125 µV, 0 samples saturated";
        assert!(table.contains(words) && page.contains(words), "{table}{page}");
        assert!(report.contains("0.03125"), "the report names the step");
        assert!(config.contains("encoding: i16\nscale_uv: 0.03125\n"), "{config}");
        assert!(!talk.contains("saturated") && !talk.contains("lie beyond"), "{talk}");
        // 320 rows of 2 channels go to each of three kernels: 2 bytes a sample are spared.
        let bytes = |found: &Value| number(&found["link"]["sample_bytes"]);
        assert_eq!(bytes(&exact) - bytes(&found), 3 * 320 * 2 * 2);
    }
    // ±32.767 uV hold about a quarter of a signal of 100 uV RMS.
    let (found, [_, page, _, _, talk]) = find("loopback", "encoding: i16\nscale_uv: 0.001\n");
    let saturated = number(&found["kernels"][0]["link"]["saturated_samples"]);
    assert!((100..640).contains(&saturated), "{saturated}");
    assert_eq!(number(&found["link"]["saturated_samples"]), 3 * saturated);
    assert!(page.contains(&format!("{} samples saturated", 3 * saturated)), "{page}");
    assert!(
        talk.contains(&format!("car: {saturated} samples lie beyond the ±32.767 µV")),
        "{talk}"
    );
}

/// `dtype: q15`: whole steps cross the line in 2 bytes, a board without a floating-point unit computes
/// on them bit for bit as this program does, and what does not fit the scale is counted and told.
#[test]
fn kernels_in_fixed_point_run_anywhere_with_the_same_results() {
    let find = |device: &str, scale_uv: f64| {
        let folder = tempfile::tempdir().unwrap();
        let steps = format!("hop: 32, dtype: q15, scale_uv: {scale_uv}");
        let config = CONFIG.replace("hop: 32", &steps) + "output: { include_raw_data: true }\n";
        let ran = on_device(folder.path(), &config, device);
        let outputs = ["car", "notch_iir", "fft"].map(|kernel| {
            let path = results(folder.path()).join("kernel-data").join(kernel).join("outputs.npy");
            fs::read(path).unwrap()
        });
        (summary(folder.path()), ran, outputs, folder)
    };
    let (native, _, expected, _) = find("native", 0.1);
    assert_eq!(native["kernels"][0]["fixed_point"]["dtype"], "q15");
    assert_eq!(native["kernels"][0]["fixed_point"]["saturated_samples"], 0);
    let devices = ["loopback", "qemu:mps2-an385"];
    for device in devices.into_iter().filter(|name| *name == "loopback" || available(&name[5..])) {
        let (found, Experiment { table, .. }, outputs, folder) = find(device, 0.1);
        assert!(table.contains("bit for bit: 27 windows"), "{table}");
        assert!(outputs == expected, "{device}: the same as natively");
        // Input of three kernels and output of two in 2 bytes a value, 33 complex bins in 4.
        let spectra = 9 * 33 * 2 * 2 * 4;
        let bytes = number(&found["link"]["sample_bytes"]);
        assert_eq!(bytes, (3 + 2) * 320 * 2 * 2 + spectra);
        let config = fs::read_to_string(results(folder.path()).join("config.yaml")).unwrap();
        assert!(config.contains("dtype: q15") && config.contains("scale_uv: 0.1"), "{config}");
    }
    // ±32.767 uV hold about a quarter of a signal of 100 uV RMS.
    let (found, Experiment { said, .. }, _, folder) = find("loopback", 0.001);
    let facts = &found["kernels"][2]["fixed_point"];
    let saturated = number(&facts["saturated_samples"]);
    assert!((100..640).contains(&saturated), "{saturated}");
    assert!(said.contains(&format!("fft: {saturated} samples or outputs lie beyond")), "{said}");
    let page = fs::read_to_string(results(folder.path()).join("SUMMARY.md")).unwrap();
    let line = format!("- fft: q15 in steps of 0.001 µV, {saturated} samples saturated");
    assert!(page.contains(&line), "{page}");
    // Seeded, the board rounds what it generates.
    let folder = tempfile::tempdir().unwrap();
    let steps = "hop: 32, dtype: q31, scale_uv: 0.000001";
    let config = CONFIG.replace("hop: 32", steps) + "transfer: seeded\n";
    let table = on_device(folder.path(), &config, "loopback").table;
    assert!(table.contains("bit for bit"), "{table}");
}

/// `results: digests`: no output crosses the line, and all are compared all the same.
#[test]
fn digests_alone_come_back_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}results: digests\n");
    let table = on_device(folder.path(), &config, "loopback").table;
    assert!(table.contains("bit for bit: 27 windows"), "{table}");
    let found = summary(folder.path());
    assert_eq!(found["results"], "digests");
    // The input only: 320 rows of 2 channels for each of three kernels.
    assert_eq!(number(&found["link"]["sample_bytes"]), 3 * 320 * 2 * 4);
}

/// Signals with truth where the board's RAM holds what they keep; elsewhere one sentence that names
/// the signal and the board, and no run.
#[test]
fn signals_with_truth_are_seeded_where_they_fit_and_refused_by_name_elsewhere() {
    let config = |signal: &str, more: &str| {
        let dataset = CONFIG
            .replace("v1/synthetic", "v3/synthetic")
            .replace("signal_type: pink_noise", signal)
            .replace("duration_s: 2", "duration_s: 1");
        dataset + "transfer: seeded\n" + more
    };
    let spikes = |more: &str| config("signal_type: spikes", more).replace("_hz: 160", "_hz: 8000");
    let eeg = |more: &str| config("signal_type: eeg", more).replace("_hz: 160", "_hz: 250");
    let folder = tempfile::tempdir().unwrap();
    if available("mps2-an386") {
        on_device(folder.path(), &eeg(""), "qemu:mps2-an386");
    }
    let folder = tempfile::tempdir().unwrap();
    let refused = |config: &str, sentence: &str| {
        let talk = stderr_of(&run(folder.path(), config, &["-q"]), 4);
        assert!(talk.contains(sentence), "{talk}");
        assert!(!folder.path().join("results").exists());
    };
    for board in ["microbit", "sifive-e"] {
        if available(board) {
            let device = format!("device: qemu:{board}\n");
            let sentence = |signal| {
                format!(
                    "the firmware of {board} has no generator v3, and so no {signal}; use \
                     transfer: streamed"
                )
            };
            refused(&spikes(&device), &sentence("spikes"));
            refused(&eeg(&device), &sentence("eeg"));
        }
    }
    if available("mps2-an386") {
        let more = "device: qemu:mps2-an386\n";
        refused(&eeg(more).replace("channels: 2", "channels: 17"), "mps2-an386 can generate 16");
        let units = spikes(more).replace("_type: spikes", "_type: spikes, units_per_electrode: 2");
        refused(
            &units,
            "mps2-an386 cannot generate the dataset: its memory sets units_per_electrode",
        );
    }
}

/// The M0 board has 3,584 bytes for state, input and output: what does not fit is named with that limit
/// and fails the run, the others still run; when nothing fits nothing is started.
#[test]
fn kernels_that_do_not_fit_are_refused_with_the_limit() {
    if !available("microbit") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let large = CONFIG
        .replace("{ name: car, window: 64", "{ name: welch_psd, window: 320")
        .replace("duration_s: 2", "duration_s: 4");
    let device = "device: qemu:microbit\n";
    let ran = experiment(folder.path(), &(large + device), &Options::default()).unwrap();
    assert_eq!(ran.outcome.code(), ExitCode::CheckFailed);
    let talk = ran.said;
    assert!(talk.contains("welch_psd will not run"), "{talk}");
    assert!(talk.contains("microbit has 3584"), "{talk}");
    let found = summary(folder.path());
    assert_eq!(found["status"], "failed");
    assert!(found["kernels"][0]["error"].as_str().unwrap().contains("3584"));
    // (640 - 64) / 32 + 1.
    assert_eq!(found["kernels"][1]["windows"]["run"], 19);

    let folder = tempfile::tempdir().unwrap();
    let wide = CONFIG.replace("channels: 2", "channels: 64");
    let failure = experiment(folder.path(), &(wide + device), &Options::default()).err().unwrap();
    assert_eq!(failure.code(), ExitCode::Device);
    let talk = failure.to_string();
    assert!(talk.contains("no kernel of this configuration fits"), "{talk}");
    assert!(!folder.path().join("results").exists());
}

/// Without a configuration a board gets one of its size: all seven kernels run on the smallest of the
/// boards with 64 KB for samples.
#[test]
fn a_board_without_a_configuration_gets_one_of_its_size() {
    if !available("netduinoplus2") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "--device", "qemu:netduinoplus2"];
    let output = cortex_host().args(arguments).current_dir(folder.path()).output().unwrap();
    stdout_of(&output, 0);
    let found = summary(folder.path());
    let kernels = found["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), 7);
    for kernel in kernels {
        assert_eq!(kernel["outputs"]["different"], 0, "{kernel}");
        assert_eq!(number(&kernel["outputs"]["equal"]), 9, "{kernel}");
    }
}

/// The quickstart as it is shipped: all of its kernels and channels fit the emulated board, and
/// give the host's outputs.
#[test]
fn the_quickstart_runs_on_an_emulated_board() {
    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Streamed, the emulated serial port would take a minute or two.
    let quickstart = Source::read(None).unwrap().text;
    let seeded = format!("{quickstart}\ntransfer: seeded\n");
    on_device(folder.path(), &seeded, "qemu:mps2-an386");
    let found = summary(folder.path());
    let kernels = found["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), 7);
    for kernel in kernels {
        assert_eq!(kernel["channels"], 64);
        assert_eq!(kernel["outputs"]["different"], 0, "{kernel}");
        assert!(number(&kernel["outputs"]["equal"]) > 0, "{kernel}");
    }
}

/// The capacity of an emulated board is exact: with so many instructions a second that the deadline
/// has time for those of `n` channels and no more, the answer is `n`; and what does not fit into its
/// memory is named.
#[test]
fn the_capacity_of_an_emulated_board_is_exact() {
    if !available("microbit") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = "dataset: { path: primitives/datasets/v1/synthetic, channels: 1, \
        sample_rate_hz: 250, params: { signal_type: pink_noise, duration_s: 0.3 } }\n\
        kernels: [{ name: car, window: 50, hop: 25 }]\n\
        execution: { pace: max }\nresults: digests\ndevice: qemu:microbit\n";
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let capacity = |rate: &str| -> Value {
        let arguments = ["capacity", "--config", "c.yaml", "--vary", "channels", "--json"];
        let output = cortex_host()
            .current_dir(folder.path())
            .args(arguments)
            .args(["--out", "cap", "--instructions-per-s", rate])
            .output()
            .unwrap();
        serde_json::from_str::<Value>(&stdout_of(&output, 0)).unwrap()["kernels"][0].clone()
    };
    let instructions = |channels: u64| {
        let run = folder.path().join(format!("cap/car,dataset.channels={channels}"));
        let text = fs::read_to_string(run.join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        summary["kernels"][0]["kernel_instructions"]["max"].as_f64().unwrap()
    };
    // Far too quick a board: its memory ends the search, at neighbouring values.
    let most = capacity("1e12");
    let (holds, fails) = (number(&most["holds"]), number(&most["fails"]));
    assert_eq!(fails, holds + 1, "{most}");
    assert!(most["limit"].as_str().unwrap().contains("bytes"), "{most}");
    // A hop is 100 ms: ten times the instructions of a call a second are just enough.
    let enough = instructions(2) * 10.0;
    let tight = capacity(&format!("{enough}"));
    assert_eq!((number(&tight["holds"]), number(&tight["fails"])), (2, 3), "{tight}");
    assert!(tight["limit"].as_str().unwrap().contains("instructions"), "{tight}");
}
