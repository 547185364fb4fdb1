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

mod converter;

pub use converter::{Converter, ConverterName};

use super::{BLOCK_SAMPLES, LaneBlock, Lanes, Scratch};
use crate::math;
use crate::parameter::{
    ParameterError, choice, count, count_within, number, optional_count, optional_number,
    parameters, positive_within, within,
};
use crate::random::{self, CHUNK_WORDS, StreamKey};

const NOISE_DOMAIN: &str = "cortex/frontend/v3";
const LOSS_DOMAIN: &str = "cortex/loss/v3";
const JITTER_DOMAIN: &str = "cortex/jitter/v3";
/// Gain of the ADS1299's amplifier after a reset (data sheet, register CHnSET).
const ADS1299_GAIN: f64 = 24.0;
/// 2^32.
const WORDS: f64 = 4_294_967_296.0;

parameters! {
    /// The converter and the link behind the electrodes.
    #[derive(Copy)]
    pub struct FrontEndParams {
        /// Which converter.
        pub converter: ConverterName = choice(
            ConverterName::Custom,
            "custom",
            &["ads1299", "intan_rhd", "n1", "custom"],
        ),
        /// Gain of the ADS1299's amplifier.
        pub gain: Option<f64> =
            optional_number("ads1299 24", "", 1.0, 24.0).limit("for converter ads1299 only"),
        /// Bits of a code, in two's complement.
        pub bits: Option<usize> =
            optional_count("ads1299 24, intan_rhd and custom 16, n1 10", "", 2, 24),
        /// Microvolts of a step.
        pub step_uv: Option<f64> =
            optional_number("the converter's, custom 0.1", "µV", 1e-9, 1e9),
        /// Standard deviation of the noise, referred to the input.
        pub noise_uv_rms: Option<f64> =
            optional_number("the converter's, custom 0", "µV", 0.0, 1e9),
        /// Samples beyond plus or minus this stay at it, before they become codes.
        pub saturation_uv: Option<f64> =
            optional_number("the range of the codes", "µV", 1e-9, 1e12),
        /// Samples of each channel in a packet.
        pub packet_samples: usize = count(1, "", 1, 65_536),
        /// Share of packets that are lost; their samples are NaN.
        pub loss_rate: f64 = number(0.0, "", 0.0, 0.99),
        /// Mean number of packets lost in a row.
        pub burst_packets: f64 =
            number(1.0, "", 1.0, 1e6).limit("at least loss_rate / (1 - loss_rate)"),
        /// Bits of the packet counter, which counts lost packets too, and wraps.
        pub counter_bits: usize = count(8, "", 1, 32),
        /// How much faster than nominal the device's clock runs, in parts per million.
        pub clock_ppm: f64 = number(0.0, "", -1e3, 1e3),
        /// Standard deviation of a sample's time about the device's clock.
        pub jitter_samples: f64 = number(0.0, "samples", 0.0, 0.5),
    }
}

impl FrontEndParams {
    /// The converter that the parameters describe.
    #[must_use]
    pub fn converter(&self) -> Converter {
        let preset = match self.converter {
            ConverterName::Ads1299 => Converter::ads1299(self.gain.unwrap_or(ADS1299_GAIN)),
            ConverterName::IntanRhd => Converter::INTAN_RHD,
            ConverterName::N1 => Converter::N1,
            ConverterName::Custom => Converter { bits: 16, step_uv: 0.1, noise_uv_rms: 0.0 },
        };
        Converter {
            bits: self.bits.map_or(preset.bits, |bits| bits as u32),
            step_uv: self.step_uv.unwrap_or(preset.step_uv),
            noise_uv_rms: self.noise_uv_rms.unwrap_or(preset.noise_uv_rms),
        }
    }

    /// Gain of the converter's amplifier, where it can be set.
    #[must_use]
    pub fn amplifier_gain(&self) -> Option<f64> {
        (self.converter == ConverterName::Ads1299).then(|| self.gain.unwrap_or(ADS1299_GAIN))
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter at fault and what is allowed.
    pub fn check(&self) -> Result<(), ParameterError> {
        FrontEnd::new(self, 0).map(drop)
    }
}

/// A front end: converter and transport.
#[derive(Clone, Copy, Debug)]
pub struct FrontEnd {
    converter: Converter,
    params: FrontEndParams,
    limit_uv: f32,
    noise_key: StreamKey,
    jitter_key: StreamKey,
    loss_key: StreamKey,
    /// Words of 2^32 by which a packet after a received one, after a lost one, is lost.
    after_received: u64,
    after_lost: u64,
    first_lost: u64,
}

impl FrontEnd {
    /// Checks `params`.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter at fault and what is allowed.
    pub fn new(params: &FrontEndParams, seed: u64) -> Result<Self, ParameterError> {
        if let Some(gain) = params.gain {
            within("front_end.gain", gain, 1.0, 24.0)?;
            if params.converter != ConverterName::Ads1299 {
                let used_by = "the converter ads1299";
                return Err(ParameterError::Unused { parameter: "front_end.gain", used_by });
            }
        }
        let converter = params.converter();
        converter.check()?;
        let limit_uv = params.saturation_uv.unwrap_or(1e12);
        positive_within("front_end.saturation_uv", limit_uv, 1e-9, 1e12)?;
        count_within("front_end.packet_samples", params.packet_samples, 1, 65_536)?;
        let lost = within("front_end.loss_rate", params.loss_rate, 0.0, 0.99)?;
        // The chain cannot be bad more often than its bursts and at least one good packet allow.
        let most = 1e6_f64;
        // Rounded down: nine in a row are as long as it takes for a loss of 0.9.
        let least = math::floor(lost / (1.0 - lost) * 1e6) / 1e6;
        let least = least.max(1.0);
        let burst = within("front_end.burst_packets", params.burst_packets, least, most)?;
        count_within("front_end.counter_bits", params.counter_bits, 1, 32)?;
        within("front_end.clock_ppm", params.clock_ppm, -1e3, 1e3)?;
        within("front_end.jitter_samples", params.jitter_samples, 0.0, 0.5)?;
        let words = |probability: f64| (probability * WORDS + 0.5) as u64;
        let recovers = 1.0 / burst;
        Ok(Self {
            converter,
            params: *params,
            limit_uv: limit_uv as f32,
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

    /// What the parameters are.
    #[must_use]
    pub fn params(&self) -> &FrontEndParams {
        &self.params
    }

    /// Passes the block that `lanes` is about to leave through the converter and the link:
    /// microvolts in, the microvolts of their codes out, and NaN where a packet was lost.
    #[inline(always)]
    pub(super) fn apply<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        self.convert(lanes.first_channel, lanes.next_block, scratch, out);
        if self.params.loss_rate > 0.0 {
            self.lose(&mut lanes.losses, lanes.next_block, out);
        }
    }

    /// Takes what lost packets carried out of block `block`.
    #[inline(never)]
    fn lose<const N: usize>(&self, state: &mut LossState, block: u64, out: &mut LaneBlock<N>) {
        let rows = self.params.packet_samples as u64;
        let first = block * BLOCK_SAMPLES as u64;
        for (row, sample) in out.iter_mut().zip(first..) {
            while state.next_row <= sample {
                state.lost = u8::from(self.is_lost(state.number, state.lost != 0));
                state.number += 1;
                state.next_row += rows;
            }
            if state.lost != 0 {
                *row = [super::CANONICAL_NAN; N];
            }
        }
    }

    /// Whether packet `number` is lost, given whether the one before it was.
    fn is_lost(&self, number: u64, before: bool) -> bool {
        let words = self.loss_key.chunk(0, number / CHUNK_WORDS as u64);
        let word = u64::from(words[(number % CHUNK_WORDS as u64) as usize]);
        word < match (number, before) {
            (0, _) => self.first_lost,
            (_, false) => self.after_received,
            (_, true) => self.after_lost,
        }
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
        let Some(noise) = scratch.noise.first_chunk_mut() else { return };
        if noise_uv > 0.0 {
            self.noise_key.words(first_channel, block, &mut scratch.words);
            random::normals(&scratch.words, noise);
        } else {
            noise.as_flattened_mut().fill(0.0);
        }
        let limit_uv = self.limit_uv;
        for (row, noise) in samples.iter_mut().zip(noise.iter()) {
            for lane in 0..N {
                let input = (row[lane] + noise_uv * noise[lane]).clamp(-limit_uv, limit_uv);
                let code = self.converter.code(input);
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
        (number & ((1_u64 << self.params.counter_bits) - 1)) as u32
    }

    /// Time at which row `row` was sampled, in nominal sample periods since row 0 should have been.
    ///
    /// A clock that is fast by e ppm takes row n at `n / (1 + e 1e-6)`; the jitter is independent
    /// from row to row.
    #[must_use]
    pub fn time_samples(&self, row: u64) -> f64 {
        let ideal = row as f64 / (1.0 + self.params.clock_ppm * 1e-6);
        if self.params.jitter_samples == 0.0 {
            return ideal;
        }
        // One word pair a row.
        let words = self.jitter_key.chunk(0, row / (CHUNK_WORDS as u64 / 2));
        let at = (row % (CHUNK_WORDS as u64 / 2)) as usize * 2;
        ideal + self.params.jitter_samples * f64::from(random::normal([words[at], words[at + 1]]))
    }
}

/// Where lanes are in the stream of packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct LossState {
    /// Number of the next packet and its first row.
    number: u64,
    next_row: u64,
    /// 1 when the packet at hand is lost. No `bool`: the state of no lanes is to be all zeros, so
    /// that a board's memory takes no flash, and a `bool` would lend it its unused values.
    lost: u8,
}

impl LossState {
    pub(super) const START: Self = Self { number: 0, next_row: 0, lost: 0 };
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
        self.lost = self.front_end.is_lost(self.number, self.lost);
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

    /// A gain is the ADS1299's: 24 unless it is given; beside another converter it is refused.
    #[test]
    fn a_gain_belongs_to_its_converter() {
        let of = |converter, gain| FrontEndParams { converter, gain, ..FrontEndParams::default() };
        let ads = of(ConverterName::Ads1299, Some(1.0));
        assert_eq!(ads.converter(), Converter::ads1299(1.0));
        assert_eq!(of(ConverterName::Ads1299, None).converter(), Converter::ads1299(24.0));
        for converter in [ConverterName::IntanRhd, ConverterName::N1, ConverterName::Custom] {
            of(converter, None).check().unwrap();
            let error = of(converter, Some(24.0)).check().unwrap_err();
            assert_eq!(error.parameter(), "front_end.gain");
        }
    }

    /// Share and bursts of lost packets against the chain's. Over n packets the share has the
    /// variance L (1-L) (1+c) / ((1-c) n) with the chain's correlation c = 1 - p - r, the mean
    /// burst of m bursts (1 - r) / (r² m); 3 standard errors each (false alarm 0.5 %, fixed seed).
    #[test]
    fn losses_follow_the_chain() {
        let (rate, burst) = (0.05, 8.0);
        let params =
            FrontEndParams { loss_rate: rate, burst_packets: burst, ..FrontEndParams::default() };
        let front_end = FrontEnd::new(&params, 5).expect("valid");
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

    /// The shortest bursts that a share of losses allows, as a user works them out.
    #[test]
    fn bursts_may_be_as_short_as_losses_allow() {
        for (loss_rate, least) in [(0.9, 9.0), (0.8, 4.0), (0.5, 1.0), (0.99, 99.0)] {
            let params = FrontEndParams { loss_rate, burst_packets: least, ..Default::default() };
            assert_eq!(params.check(), Ok(()), "{loss_rate}");
            if least > 1.0 {
                let short = FrontEndParams { burst_packets: least - 0.01, ..params };
                assert!(short.check().is_err(), "{loss_rate}");
            }
        }
    }

    #[test]
    fn times_drift_and_jitter_as_asked() {
        let params =
            FrontEndParams { clock_ppm: 50.0, jitter_samples: 0.1, ..FrontEndParams::default() };
        let front_end = FrontEnd::new(&params, 5).expect("valid");
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
