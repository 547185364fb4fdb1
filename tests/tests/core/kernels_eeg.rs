//! Every kernel over a real EEG recording (64 channels, 160 Hz, two minutes), compared with SciPy by
//! tests/oracle/eeg_kernels.py.

use std::ffi::OsStr;
use std::fs;

use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_host::recording::npy::header_bytes;
use cortex_tests::kernels::run_windows;
use cortex_tests::{oracle, real_recordings, stdout_of};

const SHAPE: KernelShape =
    KernelShape { channels: 64, window: 160, hop: 80, sample_rate_hz: 160.0 };

#[test]
fn kernels_match_scipy_on_real_eeg() {
    let Some(folder) = real_recordings() else { return };
    let recording = folder.join("S001R03.float32");
    let bytes = fs::read(&recording).expect("the recording can be read");
    let input: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|&sample| f32::from_le_bytes(sample)).collect();
    let windows = (input.len() / SHAPE.channels - SHAPE.window) / SHAPE.hop + 1;
    assert_eq!(windows, 249);
    let kernel_data = tempfile::tempdir().expect("a temporary folder");
    for name in KernelName::ALL {
        let spec = KernelSpec::with_defaults(name);
        let outputs = run_windows(&spec, SHAPE, windows, &input);
        assert!(outputs.iter().all(|y| y.is_finite()), "{name}");
        let folder = kernel_data.path().join(name.as_str());
        fs::create_dir(&folder).expect("a folder for the kernel");
        let mut bytes = header_bytes(&[outputs.len() as u64]);
        bytes.extend(outputs.iter().flat_map(|y| y.to_le_bytes()));
        fs::write(folder.join("outputs.npy"), bytes).expect("the outputs are written");
    }
    let shape = "--channels 64 --sample-rate-hz 160 --window 160 --hop 80 --windows 249";
    let mut arguments: Vec<&OsStr> = shape.split(' ').map(OsStr::new).collect();
    arguments.extend([OsStr::new("--recording"), recording.as_os_str()]);
    arguments.extend([OsStr::new("--kernel-data"), kernel_data.path().as_os_str()]);
    let Some(output) = oracle("eeg_kernels.py", &arguments) else { return };
    let report = stdout_of(&output, 0);
    println!("{report}");
    assert_eq!(report.lines().count(), KernelName::ALL.len());
    assert!(report.lines().all(|line| line.contains("\"ok\": true")), "{report}");

    // The script can say no: one value off by a thousandth of the channel's RMS is found.
    let path = kernel_data.path().join("notch_iir/outputs.npy");
    let mut bytes = fs::read(&path).expect("just written");
    let value = f32::from_le_bytes([bytes[4_000], bytes[4_001], bytes[4_002], bytes[4_003]]) + 0.1;
    bytes[4_000..4_004].copy_from_slice(&value.to_le_bytes());
    fs::write(&path, bytes).expect("written again");
    arguments.push(OsStr::new("notch_iir"));
    if let Some(output) = oracle("eeg_kernels.py", &arguments) {
        stdout_of(&output, 1);
    }
}
