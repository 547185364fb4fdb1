//! Samples in memory that begin at a cache line: a 64-byte vector that straddles two lines costs twice.

use std::ops::{Deref, DerefMut};

const LINE_BYTES: usize = 64;
const LINE_SAMPLES: usize = LINE_BYTES / size_of::<f32>();

/// A fixed number of samples that begin at a cache line.
#[derive(Debug)]
pub struct AlignedSamples {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl AlignedSamples {
    /// `len` zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        let values = vec![0.0; len + LINE_SAMPLES - 1];
        let start = values.as_ptr().align_offset(LINE_BYTES).min(LINE_SAMPLES - 1);
        Self { values, start, len }
    }
}

impl Deref for AlignedSamples {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..][..self.len]
    }
}

impl DerefMut for AlignedSamples {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_begin_at_a_cache_line() {
        for len in [0, 1, 15, 16, 1000] {
            let samples = AlignedSamples::zeros(len);
            assert_eq!(samples.len(), len);
            assert_eq!(samples.as_ptr() as usize % LINE_BYTES, 0);
        }
    }
}
