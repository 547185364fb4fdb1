//! Renewal processes: what happens now and then, each time for the same length.

use crate::math;
use crate::parameter::{ParameterError, within};
use crate::random::{StreamKey, exponential};

/// One occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first sample.
    pub sample: u64,
    /// Its length in samples.
    pub samples: u64,
}

/// A renewal process of intervals of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub key: StreamKey,
    pub length: u64,
    /// Least gap between the starts, and the mean of what exceeds it, in samples.
    pub least: u64,
    pub mean: f32,
}

/// The intervals of one stream in order, without end.
#[derive(Clone, Copy, Debug)]
pub struct Occurrences {
    process: Option<Process>,
    stream: u32,
    number: u64,
    next: u64,
}

impl Process {
    /// `per_min` intervals of `seconds` a minute; starts are at least `least` lengths apart.
    pub(super) fn new(
        key: StreamKey,
        parameter: &'static str,
        per_min: f64,
        most: f64,
        seconds: f64,
        rate_hz: f64,
    ) -> Result<Option<Self>, ParameterError> {
        let per_min = within(parameter, per_min, 0.0, most.min(60.0 / seconds))?;
        if per_min == 0.0 {
            return Ok(None);
        }
        let length = (math::round(seconds * rate_hz) as u64).max(1);
        let mean = 60.0 / per_min * rate_hz - length as f64;
        Ok(Some(Self { key, length, least: length, mean: mean.max(0.0) as f32 }))
    }
}

impl Occurrences {
    pub(super) const NONE: Self = Self { process: None, stream: 0, number: 0, next: 0 };

    pub(super) fn new(process: Option<Process>, stream: u32) -> Self {
        let mut occurrences = Self { process, stream, number: 0, next: 0 };
        occurrences.step(0);
        occurrences
    }

    /// Moves on to the next start, at least `least` samples later.
    pub(super) fn step(&mut self, least: u64) {
        if let Some(process) = &self.process {
            let word =
                process.key.chunk(self.stream, self.number / 16)[(self.number % 16) as usize];
            self.next += least + (exponential(word) * process.mean) as u64;
            self.number += 1;
        }
    }

    /// The interval at hand: the first that ends after `sample`, which never goes back.
    pub(super) fn at(&mut self, sample: u64) -> Option<Interval> {
        let process = self.process?;
        while self.next + process.length <= sample {
            self.step(process.least);
        }
        Some(Interval { sample: self.next, samples: process.length })
    }
}

impl Iterator for Occurrences {
    type Item = Interval;

    fn next(&mut self) -> Option<Interval> {
        let process = self.process?;
        let interval = Interval { sample: self.next, samples: process.length };
        self.step(process.least);
        Some(interval)
    }
}
