//! Whether bytes can be samples of float32: integers and compressed data seldom can.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::DatasetError;

/// What is looked at of a file, in bytes.
const HEAD_BYTES: u64 = 4096;

/// What part of raw samples is like no recording.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Implausible {
    /// Numbers looked at, zeros aside.
    numbers: usize,
    /// Beyond 1e13, or a NaN with something in it.
    large: usize,
    /// Below 1e-18.
    small: usize,
    /// Below 1e-30.
    vanishing: usize,
}

impl Implausible {
    /// Looks at the beginning of the file `path` of float32.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn of(path: &Path) -> Result<Self, DatasetError> {
        let mut head = Vec::new();
        let file = File::open(path).map_err(DatasetError::io("read", path))?;
        file.take(HEAD_BYTES).read_to_end(&mut head).map_err(DatasetError::io("read", path))?;
        let mut seen = Self::default();
        for bytes in head.as_chunks().0 {
            let bits = u32::from_le_bytes(*bytes);
            let value = f32::from_bits(bits).abs();
            let plain_nan = bits & 0x7fff_ffff == 0x7fc0_0000;
            seen.numbers += usize::from(value != 0.0);
            seen.large +=
                usize::from((value.is_nan() && !plain_nan) || (value > 1e13 && value.is_finite()));
            seen.small += usize::from(value > 0.0 && value < 1e-18);
            seen.vanishing += usize::from(value > 0.0 && value < 1e-30);
        }
        Ok(seen)
    }

    /// Whether these are no samples of float32. Integers of 16 or 32 bits and bytes of a
    /// compressed file make large numbers and small ones, six of ten; unsigned integers make
    /// small ones only. A response that dies away has no large ones and begins with others.
    pub(super) fn is_no_recording(&self) -> bool {
        (16 * self.large >= self.numbers.max(1) && 4 * (self.large + self.small) >= self.numbers)
            || (self.numbers > 0 && 10 * self.vanishing >= 9 * self.numbers)
    }

    /// "312 of the first 1024 numbers": those that no amplifier gives.
    pub(super) fn told(&self) -> Option<String> {
        let odd = self.large + self.small;
        (32 * odd >= self.numbers.max(1)).then(|| {
            format!("{odd} of its first {} numbers are above 1e13 or below 1e-18", self.numbers)
        })
    }
}
