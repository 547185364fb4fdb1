//! What a recording front end does to a signal: noise, steps, saturation, lost packets, a clock of
//! its own. Generator v3's `front_end`, on any of its signals.
//!
//! A sample becomes a code: `round((x + noise) / step)`, halves to even, within the range of the
//! converter. The noise is white and Gaussian (domain "cortex/frontend/v3", stream = channel).
//!
//! # Losses
//! Packets are lost by the two-state chain of Gilbert (Bell Syst. Tech. J. 39, 1960): in the good
//! state none, in the bad state all. With the mean length B of a burst and the share L of lost
//! packets, bad turns good with probability `r = 1 / B`, good turns bad with
//! `p = L r / (1 - L)`; packet 0 is lost with probability L. Packet n draws word n of stream 0 of
//! the key (seed, "cortex/loss/v3").

use super::BLOCK_SAMPLES;
use crate::math;
use crate::parameter::{ParameterError, positive_within, within};
use crate::random::{self, CHUNK_WORDS, StreamKey};
use crate::signal::{LaneBlock, Scratch};

const NOISE_DOMAIN: &str = "cortex/frontend/v3";
const LOSS_DOMAIN: &str = "cortex/loss/v3";
const JITTER_DOMAIN: &str = "cortex/jitter/v3";
/// 2^32.
const WORDS: f64 = 4_294_967_296.0;

/// A converter: bits, step and noise at its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Converter {
    /// Bits of a code, 2 to 24, in two's complement.
    pub bits: u32,
    /// Microvolts of a step.
    pub step_uv: f64,
    /// Standard deviation of the noise in microvolts, referred to the input.
    pub noise_uv_rms: f64,
}

impl Converter {
    /// Texas Instruments ADS1299 at `gain` 1 to 24 with its reference of 4.5 V: a step is
    /// `2 Vref / gain / 2^24` (data sheet SBAS499C, section 9.3.2.5); 0.14 µV of noise at gain 24
    /// and 250 samples a second (table 1).
    #[must_use]
    pub fn ads1299(gain: f64) -> Self {
        Self { bits: 24, step_uv: 9e6 / gain / 16_777_216.0, noise_uv_rms: 0.14 }
    }

    /// Intan RHD2000: 16 bits of 0.195 µV, 2.4 µV of noise (data sheet of the RHD2000 series).
    pub const INTAN_RHD: Self = Self { bits: 16, step_uv: 0.195, noise_uv_rms: 2.4 };

    /// Neuralink's first chip: 10 bits over 7.2 mV, 5.9 µV of noise (Musk and Neuralink, J. Med.
    /// Internet Res. 21, 2019, table 1).
    pub const N1: Self = Self { bits: 10, step_uv: 7_200.0 / 1_024.0, noise_uv_rms: 5.9 };

    /// The code of `x_uv` microvolts. What is not a number becomes the most negative code.
    #[must_use]
    #[inline]
    pub fn code(&self, x_uv: f32) -> i32 {
        let (least, greatest) = self.codes();
        let steps = f64::from(x_uv) / self.step_uv;
        if steps >= f64::from(greatest) {
            greatest
        } else if steps >= f64::from(least) {
            let below = math::floor(steps);
            let part = steps - below;
            let code = below as i32;
            code + i32::from(part > 0.5 || (part == 0.5 && code & 1 != 0))
        } else {
            least
        }
    }

    /// Microvolts of `code`.
    #[must_use]
    #[inline]
    pub fn microvolts(&self, code: i32) -> f32 {
        (f64::from(code) * self.step_uv) as f32
    }

    /// The least and the greatest code.
    #[must_use]
    pub const fn codes(&self) -> (i32, i32) {
        let half = 1 << (self.bits - 1);
        (-half, half - 1)
    }

    fn check(&self) -> Result<(), ParameterError> {
        within("bits", f64::from(self.bits), 2.0, 24.0)?;
        positive_within("step_uv", self.step_uv, 1e-9, 1e9)?;
        within("noise_uv_rms", self.noise_uv_rms, 0.0, 1e9)?;
        Ok(())
    }
}

/// Packets on their way to the host, and the clock they are stamped by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// Rows of a packet, at least 1.
    pub packet_rows: u32,
    /// Share of packets that are lost, 0 to below 1.
    pub loss_rate: f64,
    /// Mean number of packets lost in a row, at least 1.
    pub burst_packets: f64,
    /// Bits of the packet counter, 1 to 32; it counts lost packets too, and wraps.
    pub counter_bits: u32,
    /// How much faster than nominal the device's clock runs, in parts per million, -1,000 to 1,000.
    pub clock_ppm: f64,
    /// Standard deviation of a row's time about the device's clock, in samples, 0 to 0.5.
    pub jitter_samples: f64,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            packet_rows: 1,
            loss_rate: 0.0,
            burst_packets: 1.0,
            counter_bits: 8,
            clock_ppm: 0.0,
            jitter_samples: 0.0,
        }
    }
}

/// A front end: converter and transport.
#[derive(Clone, Copy, Debug)]
pub struct FrontEnd {
    converter: Converter,
    transport: Transport,
    noise_key: StreamKey,
    jitter_key: StreamKey,
    loss_key: StreamKey,
    /// Words of 2^32 by which a packet after a received one, after a lost one, is lost.
    after_received: u64,
    after_lost: u64,
    first_lost: u64,
}

impl FrontEnd {
    /// Checks `converter` and `transport`.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter at fault and what is allowed.
    pub fn new(
        converter: Converter,
        transport: Transport,
        seed: u64,
    ) -> Result<Self, ParameterError> {
        converter.check()?;
        within("packet_rows", f64::from(transport.packet_rows), 1.0, 65_536.0)?;
        let lost = within("loss_rate", transport.loss_rate, 0.0, 0.99)?;
        // The chain cannot be bad more often than its bursts and at least one good packet allow.
        let most = 1e6_f64;
        let least = (lost / (1.0 - lost)).max(1.0);
        let burst = within("burst_packets", transport.burst_packets, least, most)?;
        within("counter_bits", f64::from(transport.counter_bits), 1.0, 32.0)?;
        within("clock_ppm", transport.clock_ppm, -1e3, 1e3)?;
        within("jitter_samples", transport.jitter_samples, 0.0, 0.5)?;
        let words = |probability: f64| (probability * WORDS + 0.5) as u64;
        let recovers = 1.0 / burst;
        Ok(Self {
            converter,
            transport,
            noise_key: StreamKey::new(seed, NOISE_DOMAIN),
            jitter_key: StreamKey::new(seed, JITTER_DOMAIN),
            loss_key: StreamKey::new(seed, LOSS_DOMAIN),
            after_received: words(lost * recovers / (1.0 - lost)),
            after_lost: words(1.0 - recovers),
            first_lost: words(lost),
        })
    }

    /// The converter.
    #[must_use]
    pub fn converter(&self) -> &Converter {
        &self.converter
    }

    /// Passes block `block` of the channels from `first_channel` on through the converter:
    /// microvolts in, the microvolts of their codes out.
    #[inline(always)]
    pub fn convert<const N: usize>(
        &self,
        first_channel: u32,
        block: u64,
        scratch: &mut Scratch<N>,
        samples: &mut LaneBlock<N>,
    ) {
        let noise_uv = self.converter.noise_uv_rms as f32;
        let mut noise = [[0.0; N]; BLOCK_SAMPLES];
        if noise_uv > 0.0 {
            self.noise_key.words(first_channel, block, &mut scratch.words);
            random::normals(&scratch.words, &mut noise);
        }
        for (row, noise) in samples.iter_mut().zip(&noise) {
            for lane in 0..N {
                let code = self.converter.code(row[lane] + noise_uv * noise[lane]);
                row[lane] = self.converter.microvolts(code);
            }
        }
    }

    /// The packets in order, without end: whether each arrives.
    #[must_use]
    pub fn packets(&self) -> Packets<'_> {
        Packets { front_end: self, number: 0, lost: false }
    }

    /// What the counter of packet `number` shows.
    #[must_use]
    pub fn counter(&self, number: u64) -> u32 {
        (number & ((1_u64 << self.transport.counter_bits) - 1)) as u32
    }

    /// Time at which row `row` was sampled, in nominal sample periods since row 0 should have been.
    ///
    /// A clock that is fast by e ppm takes row n at `n / (1 + e 1e-6)`; the jitter is independent
    /// from row to row.
    #[must_use]
    pub fn time_samples(&self, row: u64) -> f64 {
        let ideal = row as f64 / (1.0 + self.transport.clock_ppm * 1e-6);
        if self.transport.jitter_samples == 0.0 {
            return ideal;
        }
        // One word pair a row.
        let words = self.jitter_key.chunk(0, row / (CHUNK_WORDS as u64 / 2));
        let at = (row % (CHUNK_WORDS as u64 / 2)) as usize * 2;
        ideal
            + self.transport.jitter_samples * f64::from(random::normal([words[at], words[at + 1]]))
    }
}

/// See [`FrontEnd::packets`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    front_end: &'a FrontEnd,
    number: u64,
    lost: bool,
}

impl Iterator for Packets<'_> {
    /// True for a packet that arrives.
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        let front_end = self.front_end;
        let words = front_end.loss_key.chunk(0, self.number / CHUNK_WORDS as u64);
        let word = u64::from(words[(self.number % CHUNK_WORDS as u64) as usize]);
        let threshold = match (self.number, self.lost) {
            (0, _) => front_end.first_lost,
            (_, false) => front_end.after_received,
            (_, true) => front_end.after_lost,
        };
        self.lost = word < threshold;
        self.number += 1;
        Some(!self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes worked out by hand from the data sheets' steps: exact multiples, halves (to even),
    /// both ends of the range and beyond.
    #[test]
    fn codes_are_those_of_the_data_sheets() {
        let ads = Converter::ads1299(24.0);
        // 4.5 V / 24 / 2^23 = 22.352 nV.
        assert!((ads.step_uv - 0.022_351_741_790_771_484).abs() < 1e-18);
        for (uv, code) in [
            (0.0, 0),
            (0.0223, 1),
            (0.0111, 0),
            (0.0112, 1),
            (-0.0112, -1),
            (1.0, 45),
            (-1.0, -45),
            (10.0, 447),
            (50.0, 2_237),
            (100.0, 4_474),
            (-100.0, -4_474),
            (250.5, 11_207),
            (1_000.0, 44_739),
            (10_000.0, 447_392),
            (100_000.0, 4_473_924),
            (187_499.0, 8_388_563),
            (187_500.0, 8_388_607),
            (1e6, 8_388_607),
            (-187_500.0, -8_388_608),
            (-1e6, -8_388_608),
        ] {
            assert_eq!(ads.code(uv), code, "{uv} uV");
        }
        for (uv, code) in [
            (0.0, 0),
            (0.195, 1),
            (0.0975, 0),
            (0.098, 1),
            (0.29, 1),
            (0.293, 2),
            (-0.195, -1),
            (-0.29, -1),
            (1.0, 5),
            (-1.0, -5),
            (10.0, 51),
            (50.0, 256),
            (100.0, 513),
            (-100.0, -513),
            (500.0, 2_564),
            (1_000.0, 5_128),
            (5_000.0, 25_641),
            (6_389.5, 32_767),
            (7_000.0, 32_767),
            (-7_000.0, -32_768),
        ] {
            assert_eq!(Converter::INTAN_RHD.code(uv), code, "{uv} uV");
        }
        for (uv, code) in [
            (0.0, 0),
            (7.031_25, 1),
            (3.515_625, 0),
            (3.6, 1),
            (10.546_875, 2),
            (-3.515_625, 0),
            (-10.546_875, -2),
            (17.578_125, 2),
            (-7.031_25, -1),
            (20.0, 3),
            (-20.0, -3),
            (50.0, 7),
            (100.0, 14),
            (-100.0, -14),
            (500.0, 71),
            (1_000.0, 142),
            (3_000.0, 427),
            (3_592.968_8, 511),
            (5_000.0, 511),
            (-5_000.0, -512),
        ] {
            assert_eq!(Converter::N1.code(uv), code, "{uv} uV");
        }
        assert_eq!(Converter::N1.code(f32::NAN), -512);
        assert_eq!(Converter::N1.microvolts(2), 14.0625);
    }

    /// Share and bursts of lost packets against the chain's. Over n packets the share has the
    /// variance L (1-L) (1+c) / ((1-c) n) with the chain's correlation c = 1 - p - r, the mean
    /// burst of m bursts (1 - r) / (r² m); 3 standard errors each (false alarm 0.5 %, fixed seed).
    #[test]
    fn losses_follow_the_chain() {
        let (rate, burst) = (0.05, 8.0);
        let transport = Transport { loss_rate: rate, burst_packets: burst, ..Transport::default() };
        let front_end = FrontEnd::new(Converter::N1, transport, 5).expect("valid");
        let n = 400_000;
        let (mut lost, mut bursts, mut last) = (0.0, 0.0, true);
        for arrives in front_end.packets().take(n) {
            if !arrives {
                lost += 1.0;
                bursts += f64::from(u8::from(last));
            }
            last = arrives;
        }
        let r = 1.0 / burst;
        let p = rate * r / (1.0 - rate);
        let c = 1.0 - p - r;
        let error = math::sqrt(rate * (1.0 - rate) * (1.0 + c) / (1.0 - c) / n as f64);
        assert!((lost / n as f64 - rate).abs() < 3.0 * error);
        let error = math::sqrt((1.0 - r) / (r * r) / bursts);
        assert!((lost / bursts - burst).abs() < 3.0 * error);
        assert_eq!((front_end.counter(255), front_end.counter(256)), (255, 0));
    }

    #[test]
    fn times_drift_and_jitter_as_asked() {
        let transport = Transport { clock_ppm: 50.0, jitter_samples: 0.1, ..Transport::default() };
        let front_end = FrontEnd::new(Converter::N1, transport, 5).expect("valid");
        let n = 20_000_u64;
        let (mut sum, mut squares) = (0.0, 0.0);
        for row in 0..n {
            let off = front_end.time_samples(row) - row as f64 / 1.000_05;
            sum += off;
            squares += off * off;
        }
        // Mean within 3 standard errors, variance within 3 of sqrt(2/n).
        assert!((sum / n as f64).abs() < 3.0 * 0.1 / math::sqrt(n as f64));
        assert!((squares / n as f64 / 0.01 - 1.0).abs() < 3.0 * math::sqrt(2.0 / n as f64));
    }
}
