//! The bytes of a generated file are those of its channels, one by one, whatever the threads,
//! vector instructions, tiles, passes, or way of writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cortex_core::signal::eeg::ParadigmName;
use cortex_core::signal::front_end::{ConverterName, FrontEndParams};
use cortex_core::signal::{
    BLOCK_SAMPLES, EegParams, Effects, Generator, GeneratorVersion, LineNoise, PinkNoise,
    PowerLawNoise, Scratch, Signal, SineWave, SourceSpec, SpikeParams,
};
use cortex_host::base::Progress;
use cortex_host::base::digest::{Algorithm, FileDigester};
use cortex_host::generate::{
    FileOptions, GenerateError, IoMode, Recipe, Settings, digest_only, write_file, write_stream,
};
use cortex_host::platform::simd::SimdPath;

const PINK: Signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 });
const SINE: Signal = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 50.0 });

fn recipe(signal: Signal, channels: u32, samples: u64) -> Recipe {
    let spec = SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    Recipe { channels, samples, ..Recipe::one(spec) }
}

/// Dense enough that spikes meet in every block, through a front end that loses some.
fn spikes() -> Signal {
    let front_end = FrontEndParams {
        converter: ConverterName::IntanRhd,
        packet_samples: 9,
        loss_rate: 0.1,
        burst_packets: 3.0,
        ..FrontEndParams::default()
    };
    Signal::SpikeParams(SpikeParams {
        units_per_electrode: 2,
        firing_rate_hz: 80.0,
        columns: 6,
        bad_channel_rate: 0.1,
        front_end: Some(front_end),
        ..SpikeParams::default()
    })
}

/// With everything that may be in it.
fn eeg() -> Signal {
    Signal::EegParams(EegParams {
        paradigm: ParadigmName::Ssvep,
        trial_s: Some(0.7),
        cue_s: 0.1,
        task_s: 0.5,
        blinks_per_min: 60.0,
        emg_per_min: 30.0,
        ecg_per_min: 200.0,
        pops_per_min: 30.0,
        wander_uv: 20.0,
        mains_uv: 5.0,
        bad_channel_rate: 0.2,
        ..EegParams::default()
    })
}

/// Both signals of v3.
fn with_truth() -> [Recipe; 2] {
    [(spikes(), 8_000.0), (eeg(), 250.0)].map(|(signal, rate_hz)| {
        let spec = SourceSpec::new(GeneratorVersion::V3, signal, rate_hz, 3);
        Recipe { samples: 333, ..Recipe::one(spec) }
    })
}

/// One recipe of every kind of generator, odd in channels and samples.
fn recipes() -> Vec<Recipe> {
    let noisy = SourceSpec {
        effects: Effects {
            line_noise: Some(LineNoise { frequency_hz: 50.0, amplitude_uv: 20.0 }),
            dc_offset_uv: -3.0,
            saturation_level_uv: Some(150.0),
            nan_rate: 0.01,
        },
        ..SourceSpec::new(
            GeneratorVersion::V2,
            Signal::PowerLawNoise(PowerLawNoise {
                amplitude_uv_rms: 100.0,
                low_corner_hz: 0.05,
                exponent: 1.2,
            }),
            160.0,
            7,
        )
    };
    let [spikes, eeg] = with_truth();
    vec![
        Recipe { channels: 77, ..spikes },
        Recipe { channels: 45, samples: 300, ..eeg },
        recipe(PINK, 77, 333),
        recipe(SINE, 33, 200),
        Recipe { channels: 45, samples: 300, ..Recipe::one(noisy) },
        recipe(PINK, 1, 10_000),
    ]
}

/// The file made the slow and obvious way: one channel at a time, one lane wide.
fn by_hand(recipe: &Recipe) -> Vec<u8> {
    let generator = Generator::new(&recipe.spec).unwrap();
    let (channels, samples) = (recipe.channels as usize, recipe.samples as usize);
    let mut bytes = vec![0; channels * samples * 4];
    let mut scratch = Scratch::<1>::new();
    let mut block = [[0.0]; BLOCK_SAMPLES];
    for channel in 0..channels {
        let mut lanes = generator.start::<1>(channel as u32);
        for sample in 0..samples {
            if sample % BLOCK_SAMPLES == 0 {
                generator.fill(&mut lanes, &mut scratch, &mut block);
            }
            let place = (sample * channels + channel) * 4;
            bytes[place..place + 4]
                .copy_from_slice(&block[sample % BLOCK_SAMPLES][0].to_le_bytes());
        }
    }
    bytes
}

fn file_bytes(recipe: &Recipe, options: &FileOptions) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("data.float32");
    let mut digester = FileDigester::new(Algorithm::Blake3);
    write_file(recipe, &target, options, Some(&mut digester), &Progress::new()).unwrap();
    let bytes = std::fs::read(&target).unwrap();
    let mut whole = FileDigester::new(Algorithm::Blake3);
    whole.update(&bytes);
    assert_eq!(digester.finish(), whole.finish(), "the digest is that of the file");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    bytes
}

fn options(change: impl FnOnce(&mut FileOptions)) -> FileOptions {
    let mut options = FileOptions::automatic();
    change(&mut options);
    options
}

#[test]
fn any_number_of_threads_and_any_way_of_writing_give_the_same_file() {
    for recipe in recipes() {
        let expected = by_hand(&recipe);
        for threads in [1, 2, 7] {
            for io in [IoMode::Mmap, IoMode::Direct] {
                let options = options(|o| (o.settings.threads, o.io) = (threads, io));
                assert!(
                    file_bytes(&recipe, &options) == expected,
                    "{recipe:?}, {threads} threads, {io:?}"
                );
            }
        }
    }
}

#[test]
fn every_vector_path_of_this_processor_gives_the_same_file() {
    for recipe in recipes() {
        let expected = by_hand(&recipe);
        for path in SimdPath::available() {
            let options = options(|o| o.settings.path = path);
            assert!(file_bytes(&recipe, &options) == expected, "{recipe:?}, {}", path.level());
        }
    }
}

#[test]
fn tiles_and_column_passes_leave_no_trace() {
    for recipe in recipes() {
        let expected = by_hand(&recipe);
        for (pass_channels, tile_bytes, slots) in
            [(16, 256 * 1024, 8), (10, 1, 1), (33, 20_000, 2), (4096, 1, 3), (1, 300_000, 1)]
        {
            for io in [IoMode::Mmap, IoMode::Direct] {
                let options = options(|o| {
                    o.io = io;
                    o.settings =
                        Settings { pass_channels, tile_bytes, slots, threads: 3, ..o.settings };
                });
                assert!(
                    file_bytes(&recipe, &options) == expected,
                    "{recipe:?}, {io:?}, passes of {pass_channels}, tiles of {tile_bytes}, {slots} slots"
                );
            }
        }
    }
}

#[test]
fn a_stream_carries_the_bytes_of_the_file() {
    for recipe in recipes() {
        let expected = by_hand(&recipe);
        // Passes of 16 channels make most of these too wide to stream in one pass.
        for pass_channels in [4096, 16] {
            let settings = Settings { pass_channels, ..Settings::automatic() };
            let mut stream = Vec::new();
            let algorithm = Algorithm::default();
            let digest =
                write_stream(&recipe, &mut stream, &settings, algorithm, &Progress::new()).unwrap();
            assert!(stream == expected, "{recipe:?}, passes of {pass_channels}");
            let again = digest_only(&recipe, &settings, algorithm, &Progress::new()).unwrap();
            assert_eq!(again, digest);
        }
    }
}

#[test]
fn a_channel_is_the_same_in_a_narrow_and_in_a_wide_set() {
    let [spikes, eeg] = with_truth();
    for (recipe, channels, more) in [
        (recipe(PINK, 1, 150), 64, 1024),
        (recipe(SINE, 1, 150), 64, 1024),
        (spikes, 13, 200),
        (eeg, 19, 64),
    ] {
        let of = |channels| file_bytes(&Recipe { channels, ..recipe }, &FileOptions::automatic());
        let (narrow, wide) = (of(channels), of(more));
        let row = channels as usize * 4;
        for (narrow, wide) in narrow.chunks(row).zip(wide.chunks(more as usize * 4)) {
            assert!(narrow == &wide[..row], "{recipe:?}");
        }
    }
}

#[test]
fn the_first_minute_of_two_is_the_one_minute_set() {
    let [spikes, eeg] = with_truth();
    for recipe in [
        recipe(PINK, 9, 60 * 160),
        recipe(SINE, 9, 60 * 160),
        // Not at the end of a block, nor of a packet.
        Recipe { channels: 9, samples: 8_003, ..spikes },
        Recipe { channels: 9, samples: 60 * 250 + 1, ..eeg },
    ] {
        let one = file_bytes(&recipe, &FileOptions::automatic());
        let twice = Recipe { samples: 2 * recipe.samples, ..recipe };
        assert!(one == file_bytes(&twice, &FileOptions::automatic())[..one.len()], "{twice:?}");
    }
}

#[test]
fn interrupting_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("data.float32");
    for threads in [1, 3] {
        let options = options(|o| {
            o.settings = Settings { threads, tile_bytes: 1, ..o.settings };
        });
        let made = Arc::new(AtomicU64::new(0));
        let (cancelling, counted) = (Progress::new(), made.clone());
        let cancelled = cancelling.clone();
        let progress = cancelling.reporting(move |values| {
            if counted.fetch_add(values, Ordering::Relaxed) > 64 * 40 {
                cancelled.cancel();
            }
        });
        let recipe = recipe(PINK, 40, 100_000);
        let outcome = write_file(&recipe, &target, &options, None, &progress);
        assert!(matches!(outcome, Err(GenerateError::Interrupted)), "{outcome:?}");
        assert!(made.load(Ordering::Relaxed) < 40 * 100_000, "it stopped early");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_failing_reader_ends_all_threads_with_its_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let settings = Settings { threads: 4, tile_bytes: 1, ..Settings::automatic() };
    let recipe = recipe(PINK, 64, 10_000);
    let mut full = Full(100_000);
    let outcome =
        write_stream(&recipe, &mut full, &settings, Algorithm::default(), &Progress::new());
    let Err(GenerateError::Stdout(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn sizes_that_make_no_file_are_refused() {
    let too_long = (1 << 61) + 1;
    for (channels, samples, said) in [
        (0, 10, "channels"),
        (1 << 21, 10, "channels"),
        (8, 0, "no samples"),
        (8, too_long, "more"),
    ] {
        let error = recipe(SINE, channels, samples).bytes().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
