//! The original system's own libraries, when a folder of them is given: `CORTEX_ORIGINAL_KERNELS` names
//! one with `NAME/f32/libNAME.so` and `NAME/q15/libNAME.so` below it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cortex_host::foreign::{Dtype, Feed, KernelProcess, KernelSetup, Parameters, describe};
use cortex_host::harness::{Device, Monotonic};
use cortex_tests::libraries::{compiled_program, launcher, setup};
use cortex_tests::skip::{Need, skip};

const WINDOWS: usize = 10;
const STEP_UV: f64 = 0.01;

fn libraries(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            libraries(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "so") {
            found.push(path);
        }
    }
}

#[test]
fn ten_windows_of_each_library_of_the_original_are_those_of_calling_it_directly() {
    let Some(folder) = std::env::var_os("CORTEX_ORIGINAL_KERNELS") else {
        // Opt-in: the libraries are of another project and not built here.
        skip(Need::OriginalKernels, &"CORTEX_ORIGINAL_KERNELS names no folder");
        return;
    };
    let mut found = Vec::new();
    libraries(Path::new(&folder), &mut found);
    found.sort();
    assert!(!found.is_empty(), "no libraries in {}", folder.display());
    let work = tempfile::tempdir().unwrap();
    let direct = compiled_program("direct", work.path());
    for library in &found {
        let output = compare(library, &direct, work.path());
        eprintln!("{}: {WINDOWS} windows, {output} values equal", library.display());
    }
    eprintln!("{} libraries", found.len());
}

/// Compares a library's outputs here with those of the program that calls it directly; their number.
fn compare(library: &Path, direct: &Path, work: &Path) -> usize {
    let name = describe(library, &launcher()).unwrap().kernels[0].name.clone();
    let fixed = library.parent().is_some_and(|folder| folder.ends_with("q15"));
    let state =
        library.ancestors().nth(2).map(|kernel| kernel.join("f32/calibration.cortex_state"));
    let setup = KernelSetup {
        channels: 64,
        window: 160,
        hop: 80,
        sample_rate_hz: 160.0,
        feed: Feed::Windows,
        dtype: if fixed { Dtype::Q15 } else { Dtype::F32 },
        scale_uv: if fixed { STEP_UV } else { 1.0 },
        parameters: Parameters::Text(String::new()),
        state: state.filter(|state| state.is_file()),
        ..setup(library, &name, &[])
    };
    // Noise of ±60 µV, in whole steps so that both dtypes hold it.
    let mut noise = 1_u32;
    let steps: Vec<i16> = (0..(160 + 9 * 80) * 64)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((noise >> 16) % 12_001) as i16 - 6_000
        })
        .collect();
    let samples: Vec<f32> = steps.iter().map(|step| (f64::from(*step) * STEP_UV) as f32).collect();
    let bytes: Vec<u8> = if fixed {
        steps.iter().flat_map(|step| step.to_le_bytes()).collect()
    } else {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    };
    let (input, output) = (work.join("input"), work.join("output"));
    fs::write(&input, bytes).unwrap();
    let run = Command::new(direct)
        .arg(library)
        .args([if fixed { "2" } else { "1" }, "64", "160", "80", "160", "10"])
        .arg(setup.state.as_deref().unwrap_or(Path::new("-")))
        .args([&input, &output])
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}: {}",
        library.display(),
        String::from_utf8_lossy(&run.stderr)
    );
    let expected = fs::read(&output).unwrap();
    let expected: Vec<u32> = if fixed {
        let steps = expected.as_chunks::<2>().0.iter().map(|step| i16::from_le_bytes(*step));
        steps.map(|step| ((f64::from(step) * STEP_UV) as f32).to_bits()).collect()
    } else {
        expected.as_chunks::<4>().0.iter().map(|bits| u32::from_le_bytes(*bits)).collect()
    };

    let mut device = KernelProcess::open(&setup, Duration::from_secs(30), &launcher()).unwrap();
    device.reset().unwrap();
    let mut values = vec![0.0; device.max_output_len()];
    let mut outputs: Vec<u32> = Vec::new();
    for window in 0..WINDOWS {
        let input = match window {
            0 => &samples[..160 * 64],
            _ => &samples[(160 + (window - 1) * 80) * 64..][..80 * 64],
        };
        let done = device.run_window(window as u64, input, &mut values, &Monotonic).unwrap();
        outputs.extend(values[..done.output_len].iter().map(|value| value.to_bits()));
    }
    assert!(outputs == expected, "{}: outputs differ", library.display());
    outputs.len()
}
