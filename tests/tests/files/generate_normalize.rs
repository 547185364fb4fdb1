//! `normalize: exact`: exact moments in every channel, the same bytes however they are made, and
//! clear words where it cannot be.

use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::{cortex_host, stderr_of, stdout_of};

fn cortex(arguments: &str, folder: &Path) -> Output {
    cortex_host().args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

fn samples(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn every_channel_has_zero_mean_and_the_rms_asked_for_in_v1_and_v2() {
    let folder = tempfile::tempdir().unwrap();
    for (primitive, signal) in [("v1", "pink_noise"), ("v2", "pink_noise"), ("v2", "white_noise")] {
        let shared = format!(
            "generate {signal} 37 160 6.3 OUT --amplitude-uv-rms=50 --primitive primitives/datasets/{primitive}/synthetic --force"
        );
        let plain = shared.replace("OUT", "plain.float32");
        let exact = format!("{} --normalize exact", shared.replace("OUT", "exact.float32"));
        stderr_of(&cortex(&plain, folder.path()), 0);
        stderr_of(&cortex(&exact, folder.path()), 0);
        let plain = samples(&folder.path().join("plain.float32"));
        let exact = samples(&folder.path().join("exact.float32"));
        assert_eq!(exact.len(), 37 * 1008);
        for channel in 0..37 {
            let of = |all: &[f32]| -> Vec<f64> {
                all.iter().skip(channel).step_by(37).map(|x| f64::from(*x)).collect()
            };
            let (plain, exact) = (of(&plain), of(&exact));
            let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
            let centred_rms = |x: &[f64]| {
                let mean = mean(x);
                let squares = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
                libm::sqrt(squares / x.len() as f64)
            };
            // Rounding to f32 moves each of 1008 samples of about 50 uV by 2^-25 of it at the
            // most (1.5e-6): mean and RMS move by less.
            assert!(mean(&exact).abs() < 1.5e-6, "{primitive} {signal} {channel}");
            assert!((centred_rms(&exact) - 50.0).abs() < 3e-6, "{primitive} {signal} {channel}");
            // The shape is the plain file's: x = (plain - mean) * 50 / rms, from the plain bytes.
            let (m, gain) = (mean(&plain), 50.0 / centred_rms(&plain));
            for (plain, exact) in plain.iter().zip(&exact) {
                // Samples stay below 5 standard deviations: rounding 2^-24 of 250 uV = 1.5e-5.
                assert!(((plain - m) * gain - exact).abs() < 3e-5);
            }
        }
    }
}

#[test]
fn threads_vectors_streams_and_the_manifest_agree() {
    let folder = tempfile::tempdir().unwrap();
    let data =
        "pink_noise 70 160 3 OUT --normalize exact --primitive primitives/datasets/v2/synthetic";
    let to = |out: &str| format!("generate {}", data.replace("OUT", out));
    stderr_of(&cortex(&to("a.float32"), folder.path()), 0);
    let whole = fs::read(folder.path().join("a.float32")).unwrap();
    for how in ["--threads 1 --simd scalar", "--threads 7 --io mmap"] {
        stderr_of(&cortex(&format!("{} {how} --force", to("b.float32")), folder.path()), 0);
        assert!(fs::read(folder.path().join("b.float32")).unwrap() == whole, "{how}");
    }
    assert!(cortex(&to("-"), folder.path()).stdout == whole);
    let manifest = fs::read_to_string(folder.path().join("a.float32.manifest.yaml")).unwrap();
    assert!(manifest.contains("normalize: exact"), "{manifest}");
    let again = cortex("reproduce a.float32.manifest.yaml", folder.path());
    assert!(stdout_of(&again, 0).ends_with("reproduced\n"));
    // Channels stay independent of the channel count.
    stderr_of(&cortex(&to("few.float32").replace(" 70 ", " 3 "), folder.path()), 0);
    let few = samples(&folder.path().join("few.float32"));
    let all = samples(&folder.path().join("a.float32"));
    for (few, all) in few.chunks(3).zip(all.chunks(70)) {
        assert_eq!(few, &all[..3]);
    }
}

#[test]
fn what_cannot_be_exact_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let v2 = "--primitive primitives/datasets/v2/synthetic";
    let cases = [
        (format!("sine_wave 1 160 1 x --normalize exact {v2}"), "takes no normalize"),
        (format!("chirp 1 160 1 x --end-hz 70 --normalize exact {v2}"), "takes no normalize"),
        (format!("pink_noise 1 160 1 x --nan-rate 0.1 --normalize exact {v2}"), "takes no effects"),
        (format!("pink_noise 1 160 0.00625 x --normalize exact {v2}"), "at least two samples"),
        ("pink_noise 1 160 1 x --normalize yes".to_owned(), "normalize must be one of none, exact"),
    ];
    for (arguments, reason) in cases {
        let output = cortex(&format!("generate {arguments}"), folder.path());
        let message = stderr_of(&output, 2);
        assert!(message.contains(reason), "{arguments}: {message}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
