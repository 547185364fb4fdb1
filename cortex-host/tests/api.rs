//! The library's own interface: datasets, kernels and runs by name.

use std::fs;

use cortex_host::base::digest::sha256_of;
use cortex_host::{Dataset, Error, ExitCode, Progress, Value};

/// A dataset of pink noise, 328 samples.
fn noise(channels: u64) -> Dataset {
    small("pink_noise", channels).unwrap()
}

fn small(signal: &str, channels: u64) -> Result<Dataset, Error> {
    cortex_host::generate(signal)
        .channels(channels)
        .sample_rate_hz(160.0)
        .set("duration_s", 2.05)
        .set("seed", 7)
        .build()
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn every_way_out_gives_the_same_bytes() {
    // More than one channel group, a partly filled group, a partly filled block.
    let dataset = noise(67);
    assert_eq!((dataset.channels(), dataset.samples(), dataset.len()), (67, 328, 67 * 328));
    let whole = dataset.to_vec().unwrap();

    let mut slice = vec![f32::NAN; dataset.len()];
    let manifest = dataset.fill_slice_with_manifest(&mut slice).unwrap();
    assert_eq!(bytes(&slice), bytes(&whole));

    let blocks: Vec<Vec<f32>> = dataset.blocks(100).unwrap().map(Result::unwrap).collect();
    assert_eq!(blocks.iter().map(Vec::len).collect::<Vec<_>>(), [6700, 6700, 6700, 28 * 67]);
    assert_eq!(bytes(&blocks.concat()), bytes(&whole));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.float32");
    let written = dataset.write(&file).unwrap();
    assert_eq!(fs::read(&file).unwrap(), bytes(&whole));
    assert_eq!(written.digest(), manifest.digest());

    let beside = folder.path().join("data.float32.manifest.yaml");
    let reproduced = cortex_host::reproduce(&beside, &Progress::new()).unwrap();
    assert!(reproduced.reproduced, "{reproduced:?}");
    assert_eq!(reproduced.data_file.as_deref(), Some("data.float32"));
}

#[test]
fn a_golden_dataset_has_its_golden_bytes() {
    let spec = include_str!("../../primitives/datasets/v1/synthetic/spec.yaml");
    let dataset = cortex_host::generate("pink_noise")
        .channels(8)
        .sample_rate_hz(160.0)
        .set("duration_s", 4096.0 / 160.0)
        .build()
        .unwrap();
    let mut samples = vec![0.0; dataset.len()];
    dataset.fill_slice(&mut samples).unwrap();
    let sha256 = sha256_of(&bytes(&samples)[..]).unwrap();
    assert!(spec.contains(&sha256), "{sha256}");
}

#[test]
fn exactly_normalised_channels_have_the_rms_asked_for() {
    let dataset = cortex_host::generate("pink_noise")
        .channels(3)
        .sample_rate_hz(160.0)
        .set("duration_s", 10)
        .set("amplitude_uv_rms", 50.0)
        .set("normalize", "exact")
        .threads(1)
        .build()
        .unwrap();
    let samples = dataset.to_vec().unwrap();
    for channel in 0..3 {
        let squares: f64 =
            samples.iter().skip(channel).step_by(3).map(|x| f64::from(*x) * f64::from(*x)).sum();
        let rms = (squares / dataset.samples() as f64).sqrt();
        assert!((rms - 50.0).abs() < 1e-4, "{rms}");
    }
}

#[test]
fn mistakes_are_the_command_lines_sentences() {
    let sentence = |dataset: Result<Dataset, Error>| {
        let error = dataset.unwrap_err();
        assert_eq!(error.code(), ExitCode::Usage);
        error.to_string()
    };
    assert_eq!(
        sentence(small("pink_nose", 1)),
        "generate: unknown signal_type \"pink_nose\"; generator v1 has sine_wave, pink_noise; \
         did you mean \"pink_noise\"?"
    );
    assert!(
        sentence(small("pink_noise", 0)).starts_with("generate: dataset.channels must"),
        "{}",
        sentence(small("pink_noise", 0))
    );
    let dataset = noise(2);
    let short = dataset.fill_slice(&mut [0.0; 3]).unwrap_err();
    assert_eq!(
        short.to_string(),
        "the slice holds 3 values, but the dataset has 656; make room for channels x samples"
    );
    assert!(dataset.blocks(0).is_err());
    let unknown = cortex_host::kernel("cra").channels(1).sample_rate_hz(1.0).build().unwrap_err();
    assert!(unknown.to_string().ends_with("did you mean \"car\"?"), "{unknown}");
}

#[test]
fn a_set_larger_than_memory_is_an_error_and_its_first_blocks_are_there() {
    let dataset = cortex_host::generate("pink_noise")
        .channels(65_536)
        .sample_rate_hz(30_000.0)
        .set("duration_s", 3600)
        .build()
        .unwrap();
    assert!(dataset.to_vec().unwrap_err().to_string().starts_with("no memory for 28311552000000"));
    let first = dataset.blocks(1).unwrap().next().unwrap().unwrap();
    assert_eq!(first.len(), 65_536);
}

#[test]
fn a_cancelled_generation_ends() {
    let progress = Progress::new();
    progress.cancel();
    let dataset = cortex_host::generate("sine_wave")
        .channels(1)
        .sample_rate_hz(160.0)
        .set("duration_s", 1)
        .progress(&progress)
        .build()
        .unwrap();
    assert_eq!(dataset.to_vec().unwrap_err().code(), ExitCode::Interrupted);
}

#[test]
fn a_kernel_gives_one_row_a_row_or_one_result_a_window() {
    let samples = noise(4).to_vec().unwrap();
    let mut filter = cortex_host::kernel("bandpass_fir")
        .channels(4)
        .sample_rate_hz(160.0)
        .set("taps", 33)
        .build()
        .unwrap();
    assert!(!filter.is_windowed());
    assert_eq!(filter.output_sizes(), [4]);
    let whole = filter.process(&samples).unwrap();
    filter.reset();
    let parts: Vec<f32> =
        samples.chunks(4 * 50).flat_map(|rows| filter.process(rows).unwrap()).collect();
    assert_eq!(bytes(&parts), bytes(&whole));

    let mut psd = cortex_host::kernel("welch_psd")
        .channels(4)
        .sample_rate_hz(160.0)
        .window(128)
        .hop(64)
        .set("nperseg", 64)
        .build()
        .unwrap();
    assert_eq!(psd.output_sizes(), [33, 4]);
    // 328 rows: (328 - 128) / 64 + 1 windows.
    let windows = psd.windows(&samples).unwrap();
    assert_eq!((windows.count, windows.values.len()), (4, 4 * 33 * 4));
    assert_eq!(psd.windows(&samples[..4]).unwrap().count, 0);
    assert!(psd.process(&samples[..5]).is_err());
}

#[test]
fn a_run_leaves_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let text = |text: &str| Value::from(text);
    let table = |entries: Vec<(&str, Value)>| {
        Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let params = table(vec![("signal_type", text("sine_wave")), ("duration_s", 2.into())]);
    let dataset = table(vec![
        ("path", text("primitives/datasets/v1/synthetic")),
        ("channels", 2.into()),
        ("sample_rate_hz", 250.into()),
        ("params", params),
    ]);
    let kernels = Value::List(vec![table(vec![("name", text("car"))])]);
    let experiment = cortex_host::experiment()
        .table(table(vec![("dataset", dataset), ("kernels", kernels)]))
        .set("execution.pace", "max")
        .directory(folder.path())
        .name("mine");
    let finished = experiment.clone().run().unwrap();
    assert_eq!(finished.folder, folder.path().join("mine"));
    assert!(finished.failure.is_none());
    assert!(finished.folder.join("report.html").exists());

    let unknown = experiment.set("dataset.chanels", 3).run().unwrap_err();
    assert!(unknown.to_string().starts_with("config: unknown key"), "{unknown}");
}

#[test]
fn the_quickstarts_dataset_can_be_had_alone() {
    let dataset = cortex_host::quickstart_dataset().set("seed", 7).build().unwrap();
    assert_eq!(dataset.channels(), 64);
    assert_ne!(dataset.to_vec().unwrap(), {
        let other = cortex_host::quickstart_dataset().set("seed", 8).build().unwrap();
        other.to_vec().unwrap()
    });
}
