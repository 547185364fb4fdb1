//! Whether bytes can be samples of float32: integers and compressed data seldom can.

use std::path::Path;

use super::DatasetError;
use super::signature::head;

/// Numbers at the start among which a header of another format shows.
const HEADER_NUMBERS: usize = 16;

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
    /// One of the first numbers, where a header would stand, is below 1e-30 or no number.
    begins: bool,
    /// The first of each pair of numbers is 0, the second is not.
    halves: bool,
}

impl Implausible {
    /// Looks at the beginning of the file `path` of float32.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn of(path: &Path) -> Result<Self, DatasetError> {
        let head = head(path)?;
        let numbers: Vec<u32> =
            head.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let mut seen = Self::default();
        let pairs = numbers.as_chunks::<2>().0;
        let zero = |bits: u32| bits & 0x7fff_ffff == 0;
        let filled = pairs.iter().filter(|pair| !zero(pair[1])).count();
        seen.halves =
            pairs.iter().all(|pair| zero(pair[0])) && filled >= 4 && 2 * filled > pairs.len();
        for (index, bits) in numbers.into_iter().enumerate() {
            let value = f32::from_bits(bits).abs();
            let plain_nan = bits & 0x7fff_ffff == 0x7fc0_0000;
            seen.numbers += usize::from(value != 0.0);
            seen.large +=
                usize::from((value.is_nan() && !plain_nan) || (value > 1e13 && value.is_finite()));
            seen.small += usize::from(value > 0.0 && value < 1e-18);
            let vanishing = value > 0.0 && value < 1e-30;
            seen.vanishing += usize::from(vanishing);
            seen.begins |= index < HEADER_NUMBERS && (vanishing || value.is_nan() && !plain_nan);
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
        if 32 * odd >= self.numbers.max(1) {
            let numbers = self.numbers;
            Some(format!("{odd} of its first {numbers} numbers are above 1e13 or below 1e-18"))
        } else if self.halves {
            Some("every second number is 0, as in float64 of whole numbers".to_owned())
        } else if self.begins {
            Some(format!(
                "there are numbers below 1e-30 among its first {HEADER_NUMBERS}, as a header makes them"
            ))
        } else {
            None
        }
    }
}
