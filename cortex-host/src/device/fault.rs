//! Faults on purpose: a seeded, logged disturbance of the bytes on a line.
//!
//! [`FaultSpec`] says what happens how often, [`FaultInjector`] does it to one direction, and
//! [`Fault`] wraps a [`Link`] with one injector each way. The same seed does the same to the
//! same bytes and leaves the same log. Frames are what ends with 0x00.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use super::{Link, LinkError};

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultSpec {
    /// Probability that a bit is flipped.
    pub bit_error_rate: f64,
    /// Probability that a byte is dropped.
    pub drop_byte: f64,
    /// Probability that a frame is dropped.
    pub drop_frame: f64,
    /// Probability that a frame comes twice.
    pub duplicate: f64,
    /// Probability that a frame is held back and comes after the next one.
    pub reorder: f64,
    /// Probability that a frame is cut short at a random place.
    pub truncate: f64,
    /// Probability that up to 64 random bytes come before a frame.
    pub noise: f64,
    /// Probability that up to 64 bytes 0x00 come before a frame.
    pub zeros: f64,
    /// Probability that 5,000 bytes without 0x00 come before a frame.
    pub oversize: f64,
}

impl FaultSpec {
    /// Names of the rates, as [`FaultSpec::from_str`] takes them.
    pub const NAMES: [&'static str; 9] =
        ["ber", "drop-byte", "drop", "dup", "reorder", "truncate", "noise", "zeros", "oversize"];

    fn rate_mut(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name {
            "ber" => &mut self.bit_error_rate,
            "drop-byte" => &mut self.drop_byte,
            "drop" => &mut self.drop_frame,
            "dup" => &mut self.duplicate,
            "reorder" => &mut self.reorder,
            "truncate" => &mut self.truncate,
            "noise" => &mut self.noise,
            "zeros" => &mut self.zeros,
            "oversize" => &mut self.oversize,
            _ => return None,
        })
    }
}

/// Why a fault specification was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultSpecError {
    /// Not `name=rate`.
    #[error("fault \"{0}\" is not NAME=RATE, such as ber=1e-5 or drop=0.01")]
    Form(String),
    /// No such fault.
    #[error(
        "unknown fault \"{0}\"; use ber, drop-byte, drop, dup, reorder, truncate, noise, zeros or oversize"
    )]
    Name(String),
    /// Not a probability.
    #[error("fault rate \"{0}\" is not a number from 0 to 1")]
    Rate(String),
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spec = *self;
        let mut first = true;
        for name in Self::NAMES {
            let Some(rate) = spec.rate_mut(name).filter(|rate| **rate > 0.0) else { continue };
            write!(f, "{}{name}={rate:?}", if first { "" } else { "," })?;
            first = false;
        }
        Ok(())
    }
}

impl FromStr for FaultSpec {
    type Err = FaultSpecError;

    /// Reads `NAME=RATE[,NAME=RATE...]` with the names of [`FaultSpec::NAMES`].
    fn from_str(text: &str) -> Result<Self, FaultSpecError> {
        let mut spec = FaultSpec::default();
        for part in text.split(',') {
            let (name, rate) =
                part.split_once('=').ok_or_else(|| FaultSpecError::Form(part.to_owned()))?;
            let slot = spec
                .rate_mut(name.trim())
                .ok_or_else(|| FaultSpecError::Name(name.trim().to_owned()))?;
            *slot = rate
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|rate| (0.0..=1.0).contains(rate))
                .ok_or_else(|| FaultSpecError::Rate(rate.trim().to_owned()))?;
        }
        Ok(spec)
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host to the device.
    ToDevice,
    /// From the device to the host.
    ToHost,
}

/// One fault that was done, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// Which way.
    pub direction: Direction,
    /// Number of the frame on its way, from 0.
    pub frame: u64,
    /// What was done.
    pub what: &'static str,
    /// Where in the frame, or how many bytes.
    pub detail: usize,
}

impl fmt::Display for FaultRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.direction {
            Direction::ToDevice => "to device",
            Direction::ToHost => "to host",
        };
        write!(f, "{way} frame {}: {} {}", self.frame, self.what, self.detail)
    }
}

/// Disturbs the bytes of one direction.
#[derive(Clone, Debug)]
pub struct FaultInjector {
    spec: FaultSpec,
    direction: Direction,
    random: SplitMix64,
    partial: Vec<u8>,
    held: Option<Vec<u8>>,
    frames: u64,
    log: Vec<FaultRecord>,
}

impl FaultInjector {
    /// An injector whose deeds depend on `spec`, `seed`, `direction` and the bytes alone.
    #[must_use]
    pub fn new(spec: FaultSpec, seed: u64, direction: Direction) -> Self {
        let lane = match direction {
            Direction::ToDevice => 0x746F_2064_6576_6963,
            Direction::ToHost => 0x746F_2068_6F73_7400,
        };
        Self {
            spec,
            direction,
            random: SplitMix64(seed ^ lane),
            partial: Vec::new(),
            held: None,
            frames: 0,
            log: Vec::new(),
        }
    }

    /// Takes bytes and returns what arrives: whole frames as soon as they end.
    pub fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 64);
        for &byte in bytes {
            self.partial.push(byte);
            if byte == 0 {
                let frame = std::mem::take(&mut self.partial);
                self.frame(frame, &mut out);
            }
        }
        out
    }

    /// Everything done so far.
    #[must_use]
    pub fn log(&self) -> &[FaultRecord] {
        &self.log
    }

    fn frame(&mut self, mut frame: Vec<u8>, out: &mut Vec<u8>) {
        let spec = self.spec;
        if self.happens(spec.noise) {
            let count = 1 + self.below(64);
            out.extend((0..count).map(|_| self.random.next() as u8));
            self.note("noise before", count);
        }
        if self.happens(spec.zeros) {
            let count = 1 + self.below(64);
            out.resize(out.len() + count, 0);
            self.note("zeros before", count);
        }
        if self.happens(spec.oversize) {
            out.resize(out.len() + 5_000, 0xA5);
            self.note("oversize before", 5_000);
        }
        self.flip_bits(&mut frame);
        if spec.drop_byte > 0.0 {
            let mut at = 0;
            frame.retain(|_| {
                let drop = self.random.unit() < spec.drop_byte;
                if drop {
                    self.log.push(FaultRecord {
                        direction: self.direction,
                        frame: self.frames,
                        what: "byte dropped at",
                        detail: at,
                    });
                }
                at += 1;
                !drop
            });
        }
        if self.happens(spec.truncate) {
            let keep = self.below(frame.len().max(1));
            frame.truncate(keep);
            self.note("cut to", keep);
        }
        if self.happens(spec.drop_frame) {
            self.note("frame dropped of", frame.len());
            frame.clear();
        }
        if self.held.is_none() && self.happens(spec.reorder) {
            self.note("held back", frame.len());
            self.held = Some(frame);
        } else {
            out.extend_from_slice(&frame);
            if self.happens(spec.duplicate) {
                self.note("sent twice", frame.len());
                out.extend_from_slice(&frame);
            }
            if let Some(held) = self.held.take() {
                out.extend_from_slice(&held);
            }
        }
        self.frames += 1;
    }

    /// Flips bits at geometric distances, so that small rates cost little.
    fn flip_bits(&mut self, frame: &mut [u8]) {
        let rate = self.spec.bit_error_rate;
        if rate <= 0.0 {
            return;
        }
        let bits = frame.len() * 8;
        let mut at = self.gap(rate);
        while at < bits {
            if let Some(byte) = frame.get_mut(at / 8) {
                *byte ^= 1 << (at % 8);
            }
            self.note("bit flipped at", at);
            at = at.saturating_add(1).saturating_add(self.gap(rate));
        }
    }

    fn gap(&mut self, rate: f64) -> usize {
        if rate >= 1.0 {
            return 0;
        }
        let unit = 1.0 - self.random.unit();
        let gap = cortex_core::math::ln(unit) / cortex_core::math::ln_1p(-rate);
        if gap < 1e15 { gap as usize } else { usize::MAX }
    }

    fn happens(&mut self, rate: f64) -> bool {
        rate > 0.0 && self.random.unit() < rate
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.random.unit() * limit as f64) as usize
    }

    fn note(&mut self, what: &'static str, detail: usize) {
        let record = FaultRecord { direction: self.direction, frame: self.frames, what, detail };
        self.log.push(record);
    }
}

/// A [`Link`] with faults in both directions.
pub struct Fault<L> {
    inner: L,
    to_device: FaultInjector,
    to_host: FaultInjector,
    pending: Vec<u8>,
    log_file: Option<LogFile>,
}

/// Where faults are written down, and how many are written already.
struct LogFile {
    file: File,
    path: PathBuf,
    written: [usize; 2],
}

impl<L: Link> Fault<L> {
    /// Disturbs `inner`; see [`FaultInjector::new`].
    #[must_use]
    pub fn new(inner: L, spec: FaultSpec, seed: u64) -> Self {
        Self {
            inner,
            to_device: FaultInjector::new(spec, seed, Direction::ToDevice),
            to_host: FaultInjector::new(spec, seed, Direction::ToHost),
            pending: Vec::new(),
            log_file: None,
        }
    }

    /// Writes each fault to a new file `path` as it happens, one a line.
    ///
    /// # Errors
    /// [`LinkError::Trace`] when the file cannot be made.
    pub fn logging_to(mut self, path: &Path) -> Result<Self, LinkError> {
        let file = File::create(path)
            .map_err(|error| LinkError::Trace { path: path.to_owned(), error })?;
        self.log_file = Some(LogFile { file, path: path.to_owned(), written: [0, 0] });
        Ok(self)
    }

    fn write_log(&mut self) -> Result<(), LinkError> {
        let Some(log) = &mut self.log_file else { return Ok(()) };
        for (injector, written) in
            [&self.to_device, &self.to_host].into_iter().zip(&mut log.written)
        {
            for record in injector.log().iter().skip(*written) {
                writeln!(log.file, "{record}")
                    .map_err(|error| LinkError::Trace { path: log.path.clone(), error })?;
            }
            *written = injector.log().len();
        }
        Ok(())
    }

    /// Everything done so far, first what went to the device.
    pub fn log(&self) -> impl Iterator<Item = &FaultRecord> {
        self.to_device.log().iter().chain(self.to_host.log())
    }
}

impl<L: Link> Link for Fault<L> {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), LinkError> {
        let disturbed = self.to_device.apply(bytes);
        self.write_log()?;
        self.inner.send(&disturbed, deadline)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        if self.pending.is_empty() {
            let count = self.inner.recv(buffer, deadline)?;
            let arrived = buffer.get(..count).unwrap_or(&[]);
            self.pending = self.to_host.apply(arrived);
            self.write_log()?;
        }
        let count = self.pending.len().min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(self.pending.drain(..count)) {
            *slot = byte;
        }
        Ok(count)
    }

    fn describe(&self) -> String {
        format!("{} with faults", self.inner.describe())
    }

    fn instruction_ns(&self) -> Option<u64> {
        self.inner.instruction_ns()
    }
}

/// SplitMix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_is_read_and_mistakes_are_named() {
        let spec: FaultSpec = "ber=1e-5,drop=0.25".parse().expect("valid");
        assert_eq!(
            spec,
            FaultSpec { bit_error_rate: 1e-5, drop_frame: 0.25, ..FaultSpec::default() }
        );
        for (text, word) in [("ber", "NAME=RATE"), ("bre=1", "\"bre\""), ("drop=2", "\"2\"")] {
            let error = text.parse::<FaultSpec>().expect_err("wrong");
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(spec.to_string(), "ber=1e-5,drop=0.25");
        let names = FaultSpec::NAMES.map(|name| format!("{name}=0.5")).join(",");
        assert!(names.parse::<FaultSpec>().is_ok());
    }

    #[test]
    fn the_same_seed_does_the_same_and_another_does_not() {
        let spec: FaultSpec =
            "ber=1e-3,drop=0.1,dup=0.1,reorder=0.1,truncate=0.1,noise=0.1".parse().expect("valid");
        let bytes: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
        let run = |seed| {
            let mut injector = FaultInjector::new(spec, seed, Direction::ToDevice);
            let out = injector.apply(&bytes);
            (out, injector.log().to_vec())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
        assert!(run(1).1.len() > 20);
    }
}
