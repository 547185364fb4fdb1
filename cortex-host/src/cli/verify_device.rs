//! `cortex-host verify --device D`: does a device generate and compute the bytes of this program?
//!
//! The device generates every golden dataset of every generator version and returns a digest,
//! which must be the golden one. A device with room for fewer channels than the golden datasets
//! have generates as many as it can, beside this program: channels do not depend on their number.

use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_core::link::engine::{generator_digest, kernel_digest};
use cortex_core::link::{Encoding, ErrorCode};

use super::Console;
use crate::base::Failure;
use crate::base::Progress;
use crate::device::DeviceAddress;
use crate::device::{Connection, KernelSettings, LinkError, OpenOptions, compare_seeded, open};
use crate::generate::{DigestComparison, GoldenDataset, golden_datasets};
use crate::primitive::{Dataset, Library};

/// Values that the kernels' digest needs for work, with room to spare.
const DIGEST_VALUES: usize = 1 << 14;

/// Opens `device` and compares it with the golden digests of the generator primitive at
/// `primitive`, or of all.
pub(super) fn verify(
    device: &str,
    primitive: Option<&str>,
    console: &Console,
) -> Result<Vec<DigestComparison>, Failure> {
    let device: DeviceAddress =
        device.parse().map_err(|error| Failure::usage(format!("--device: {error}")))?;
    let library = Library::new(None);
    let paths = match primitive {
        Some(path) => vec![path.to_owned()],
        None => library.datasets().into_iter().map(|listing| listing.path).collect(),
    };
    let progress = Progress::cancelled_by_signals()?;
    console.say(&format!("Opening {device}..."));
    let options =
        OpenOptions { progress, notice: Some(console.notice()), ..OpenOptions::default() };
    let mut connection = open(&device, &options)?;
    let board = connection.info().board.as_str().to_owned();
    let mut comparisons = Vec::new();
    match connection.info().kernel_digest {
        // What 0 means in HELLO_ACK.
        0 => console.say(&format!(
            "{board} tells no digest of all kernels (it has too little memory, or an image of one's \
             own), which is left out; every run compares the outputs of its kernels"
        )),
        found => comparisons.push(compared(
            format!("{board}: digest of all kernels"),
            kernel_digest(&mut vec![0.0; DIGEST_VALUES]),
            found,
        )),
    }
    for path in &paths {
        let Ok(Dataset::Generator { primitive, spec }) = library.dataset(path) else { continue };
        for golden in golden_datasets(&primitive, &spec, &library)? {
            let version = golden.dataset.spec.version;
            let known = connection.info().generator_digest(version);
            if known == 0 {
                console
                    .say(&format!("{board} has no generator {version:?}: {primitive} is left out"));
                break;
            }
            if known != generator_digest(version) {
                let what = format!("{board}: generator {version:?}");
                comparisons.push(compared(what, generator_digest(version), known));
                break;
            }
            console.say(&format!("{primitive} {}...", golden.dataset.signal_type));
            comparisons.push(generated(&mut connection, &board, &primitive, &golden)?);
        }
    }
    // The digests are in; how the device takes the good-bye changes nothing.
    let _ = connection.close();
    Ok(comparisons)
}

/// Has the device generate one golden dataset, with as many of its channels as it can hold.
fn generated(
    connection: &mut Connection,
    board: &str,
    primitive: &str,
    golden: &GoldenDataset,
) -> Result<DigestComparison, Failure> {
    let dataset = &golden.dataset;
    let mut channels = dataset.channels;
    loop {
        let shape = KernelShape {
            channels,
            window: golden.block_samples,
            hop: golden.block_samples,
            sample_rate_hz: dataset.spec.sample_rate_hz,
        };
        let job = KernelSettings {
            kernel: KernelSpec::with_defaults(KernelName::Noop).into(),
            shape,
            input: Encoding::F32,
            output: Encoding::DigestOnly,
        };
        let what = format!(
            "{board}: {primitive} {}, {channels} channels × {} samples",
            dataset.signal_type, dataset.samples
        );
        match compare_seeded(connection, &job, &dataset.spec, 0..golden.blocks) {
            Ok(both) if channels == dataset.channels => {
                let found = format!("{:08x}", both.device.input_crc);
                let equal = golden.crc32 == found && both.identical();
                return Ok(DigestComparison { what, expected: golden.crc32.clone(), found, equal });
            }
            Ok(both) => return Ok(compared(what, both.host.input_crc, both.device.input_crc)),
            Err(LinkError::Refused { error, .. })
                if channels > 1
                    && matches!(error.code, ErrorCode::TooLarge | ErrorCode::TooManyChannels) =>
            {
                channels /= 2;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn compared(what: String, expected: u32, found: u32) -> DigestComparison {
    let equal = expected == found;
    DigestComparison {
        what,
        expected: format!("{expected:08x}"),
        found: format!("{found:08x}"),
        equal,
    }
}
