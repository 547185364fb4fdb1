//! The disturbance of one direction: seeded, logged, a function of the bytes alone.

use std::fmt;

use super::FaultSpec;
use crate::base::SplitMix64;
use crate::device::Direction;

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
            out.extend((0..count).map(|_| self.random.next_bits() as u8));
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

#[cfg(test)]
mod tests {
    use super::*;

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
