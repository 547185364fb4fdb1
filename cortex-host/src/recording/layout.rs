//! Where the numbers stand in a file: EDF records, interleaved and channel-after-channel files.
//!
//! A file is a run of equal records; in a record each channel has a run of consecutive
//! samples. EDF says so itself; interleaved samples are records of one sample, a planar file
//! is one record.

use super::Unit;

/// How one stored number is encoded, all little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// Two's complement, 16 bits.
    I16,
    /// Two's complement, 24 bits (BDF).
    I24,
    /// Two's complement, 32 bits.
    I32,
}

impl Element {
    /// Size of one number in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::I16 => 2,
            Self::I24 => 3,
            Self::F32 | Self::I32 => 4,
            Self::F64 => 8,
        }
    }
}

/// From a stored number to a physical one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleScale {
    /// The stored number itself.
    Stored,
    /// `stored * gain`.
    Gain(f64),
    /// `stored * step + offset`, but not a number where `missing` is stored.
    Code {
        /// Stands for a missing sample.
        missing: f64,
        /// Physical units per step.
        step: f64,
        /// Physical units of 0.
        offset: f64,
    },
    /// `(stored + offset) * gain`, in this order: the one EDF readers agree on.
    OffsetGain {
        /// Added first, in digital steps.
        offset: f64,
        /// Physical units per digital step.
        gain: f64,
    },
}

/// One channel in the layout.
#[derive(Clone, Debug)]
pub struct Plane {
    /// Where its run begins in a record, in bytes.
    pub offset: u64,
    /// Its scaling.
    pub scale: SampleScale,
    /// Unit after scaling.
    pub unit: Unit,
    /// Least and greatest stored number the header allows, if it says.
    pub digital_range: Option<(f64, f64)>,
}

impl Layout {
    /// Keeps only the channels with these indices, in their order.
    pub(super) fn keep(&mut self, channels: &[usize]) {
        self.planes =
            channels.iter().filter_map(|index| self.planes.get(*index).cloned()).collect();
    }
}

/// A binary layout. All sizes must have been checked against the file's own size.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Where the first record begins, in bytes.
    pub start: u64,
    /// Bytes from one record to the next.
    pub record_bytes: u64,
    /// Number of records.
    pub records: u64,
    /// Samples per channel in a record, at least 1.
    pub record_samples: u64,
    /// Encoding of every number.
    pub element: Element,
    /// The channels to read, in output order.
    pub planes: Vec<Plane>,
}

/// The layout of interleaved samples that begin `start` bytes into a file.
pub(super) fn interleaved(
    start: u64,
    channels: usize,
    samples: u64,
    element: Element,
    unit: Unit,
) -> Layout {
    let size = element.bytes() as u64;
    Layout {
        start,
        record_bytes: size * channels as u64,
        records: samples,
        record_samples: 1,
        element,
        planes: planes(channels, size, unit),
    }
}

/// The layout of one channel after the other.
pub(super) fn planar(
    start: u64,
    channels: usize,
    samples: u64,
    element: Element,
    unit: Unit,
) -> Layout {
    let run = element.bytes() as u64 * samples;
    Layout {
        start,
        record_bytes: run * channels as u64,
        records: u64::from(samples > 0),
        record_samples: samples.max(1),
        element,
        planes: planes(channels, run, unit),
    }
}

fn planes(channels: usize, step: u64, unit: Unit) -> Vec<Plane> {
    (0..channels as u64)
        .map(|channel| Plane {
            offset: channel * step,
            scale: SampleScale::Stored,
            unit,
            digital_range: None,
        })
        .collect()
}
