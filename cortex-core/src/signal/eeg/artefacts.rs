//! What spoils an EEG, each with a mask that says where: blinks, muscle bursts, the heart, popping
//! electrodes, drift and mains.
//!
//! Everything that happens now and then is a renewal process ([`Occurrences`]): gaps of a least
//! length plus an exponential variate, from words of a stream of its own, so that occurrence n is
//! known from those before it and from nothing else. Its waveform is compact, and its mask is the
//! interval in which it is not zero.

use serde::Serialize;

use super::occurrences::{Interval, Occurrences, Process};
use crate::math;
use crate::parameter::{ParameterError, positive_within, within};
use crate::random::{self, CHUNK_WORDS, StreamKey};
use crate::signal::spec::check_harmonics;

const DOMAIN: &str = "cortex/artefact/v3";
/// Streams of the kinds; wander and pops have a stream a channel, from here on.
const BLINK_STREAM: u32 = 0;
const MUSCLE_STREAM: u32 = 1;
const HEART_STREAM: u32 = 2;
const MUSCLE_NOISE_STREAM: u32 = 3;
/// Streams of the channels' wander, and of their pops.
const WANDER_STREAM: u32 = 1 << 30;
const POP_STREAM: u32 = 64;
/// Lengths of a blink and of a heart beat's complex in seconds.
const BLINK_S: f64 = 0.4;
const HEART_S: f64 = 0.1;
/// A pop has died away after this many time constants: to e^-8, a third of a thousandth.
const POP_CONSTANTS: f64 = 8.0;

/// 2^64.
const TURN: f64 = 18_446_744_073_709_551_616.0;

/// Columns of artefacts that all channels share.
pub(super) const SHARED: usize = 4;
/// Electrodes at which each shared column is largest: blinks, muscle left and right, heart.
pub(super) const SITES: [&str; SHARED] = ["Fpz", "T7", "T8", "P9"];

/// Rates and sizes of artefacts. A rate or a size of 0 leaves one out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ArtefactParams {
    /// Blinks a minute, 0 to 60.
    pub blinks_per_min: f64,
    /// Peak of a blink at Fpz in microvolts.
    pub blink_uv: f64,
    /// Bursts of muscle activity a minute, 0 to 30.
    pub muscle_per_min: f64,
    /// Standard deviation of a burst at T7 or T8, in microvolts.
    pub muscle_uv_rms: f64,
    /// Length of a burst in seconds, 0.1 to 10.
    pub muscle_s: f64,
    /// Heart beats a minute, 0 to 240.
    pub heart_per_min: f64,
    /// Peak of the heart's complex at P9, in microvolts.
    pub heart_uv: f64,
    /// Pops a minute and channel, 0 to 60.
    pub pops_per_min: f64,
    /// Step of a pop in microvolts.
    pub pop_uv: f64,
    /// Time constant of its decay in seconds, 0.01 to 10.
    pub pop_decay_s: f64,
    /// Greatest displacement of a channel by slow drift in microvolts.
    pub wander_uv: f64,
    /// Mean period of the drift in seconds, 1 to 10,000.
    pub wander_period_s: f64,
    /// Peak of the mains' fundamental in microvolts.
    pub mains_uv: f64,
    /// Nominal frequency of the mains in Hz.
    pub mains_hz: f64,
    /// Sines of the mains, 1 to 10: the h-th has the amplitude over h².
    pub mains_harmonics: usize,
    /// Greatest deviation of the mains' frequency in Hz, 0 to 0.5, over 60 s.
    pub mains_wander_hz: f64,
}

/// Coefficients of the artefacts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Artefacts {
    key: StreamKey,
    blinks: Option<Process>,
    muscle: Option<Process>,
    heart: Option<Process>,
    pops: Option<Process>,
    blink_uv: f32,
    muscle_uv: f32,
    heart_uv: f32,
    pop_uv: f32,
    /// Decay of a pop from one sample to the next.
    pop_decay: f32,
    wander_uv: f32,
    /// Phase step of the mean period, in 2^-64 turns a sample.
    wander_step: f64,
    mains: Option<Mains>,
}

#[derive(Clone, Copy, Debug)]
struct Mains {
    amplitude_uv: f32,
    harmonics: u32,
    /// Phase step of the nominal frequency, and of the wander, in 2^-64 turns a sample.
    step: u64,
    wander_step: u64,
    /// Greatest lead of the phase over the nominal one, in turns.
    lead: f64,
}

/// State of what all channels share.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedArtefacts {
    blinks: Occurrences,
    muscle: Occurrences,
    heart: Occurrences,
}

/// State of one channel's own artefacts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelState {
    pops: Occurrences,
    value: f32,
    /// Phase at sample 0 and its step, in 2^-64 turns.
    wander: [u64; 2],
}

impl SharedArtefacts {
    pub(super) const NONE: Self =
        Self { blinks: Occurrences::NONE, muscle: Occurrences::NONE, heart: Occurrences::NONE };
}

impl Artefacts {
    pub(super) const NONE: Self = Self {
        key: StreamKey::ZERO,
        blinks: None,
        muscle: None,
        heart: None,
        pops: None,
        blink_uv: 0.0,
        muscle_uv: 0.0,
        heart_uv: 0.0,
        pop_uv: 0.0,
        pop_decay: 0.0,
        wander_uv: 0.0,
        wander_step: 0.0,
        mains: None,
    };

    /// Whether some artefact is shared by the channels, whether there are mains, and whether a
    /// channel has some of its own.
    pub(super) fn kinds(&self) -> [bool; 3] {
        let shared = self.blinks.is_some() || self.muscle.is_some() || self.heart.is_some();
        [shared, self.mains.is_some(), self.pops.is_some() || self.wander_uv > 0.0]
    }

    pub(super) fn new(
        params: &ArtefactParams,
        rate_hz: f64,
        seed: u64,
    ) -> Result<Self, ParameterError> {
        let key = StreamKey::new(seed, DOMAIN);
        let size = |parameter, value| within(parameter, value, 0.0, 1e6).map(|uv| uv as f32);
        let muscle_s = if params.muscle_per_min > 0.0 {
            positive_within("emg_s", params.muscle_s, 0.1, 10.0)?
        } else {
            1.0
        };
        let decay_s = if params.pops_per_min > 0.0 {
            positive_within("pop_decay_s", params.pop_decay_s, 0.01, 10.0)?
        } else {
            1.0
        };
        let process =
            |name, per_min, most, seconds| Process::new(key, name, per_min, most, seconds, rate_hz);
        let heart = process("ecg_per_min", params.heart_per_min, 240.0, HEART_S)?.map(|beat| {
            // A heart keeps its time: nine tenths of the gap are fixed.
            let gap = beat.length as f32 + beat.mean;
            Process { least: (0.9 * gap) as u64, mean: 0.1 * gap, ..beat }
        });
        Ok(Self {
            key,
            blinks: process("blinks_per_min", params.blinks_per_min, 60.0, BLINK_S)?,
            muscle: process("emg_per_min", params.muscle_per_min, 30.0, muscle_s)?,
            heart,
            pops: process("pops_per_min", params.pops_per_min, 60.0, POP_CONSTANTS * decay_s)?,
            blink_uv: size("blink_uv", params.blink_uv)?,
            muscle_uv: size("emg_uv_rms", params.muscle_uv_rms)?,
            heart_uv: size("ecg_uv", params.heart_uv)?,
            pop_uv: size("pop_uv", params.pop_uv)?,
            pop_decay: math::exp(-1.0 / (decay_s * rate_hz)) as f32,
            wander_uv: size("wander_uv", params.wander_uv)?,
            wander_step: if params.wander_uv > 0.0 {
                TURN / (rate_hz * within("wander_period_s", params.wander_period_s, 1.0, 1e4)?)
            } else {
                0.0
            },
            mains: mains(params, rate_hz)?,
        })
    }

    /// Blinks in order; none when they are left out.
    pub(super) fn blinks(&self) -> Occurrences {
        Occurrences::new(self.blinks, BLINK_STREAM)
    }

    /// Muscle bursts in order.
    pub(super) fn muscle_bursts(&self) -> Occurrences {
        Occurrences::new(self.muscle, MUSCLE_STREAM)
    }

    /// Heart beats in order.
    pub(super) fn heart_beats(&self) -> Occurrences {
        Occurrences::new(self.heart, HEART_STREAM)
    }

    /// Pops of `channel` in order.
    pub(super) fn pops(&self, channel: u32) -> Occurrences {
        Occurrences::new(self.pops, POP_STREAM + channel)
    }

    pub(super) fn start(&self) -> SharedArtefacts {
        SharedArtefacts {
            blinks: self.blinks(),
            muscle: self.muscle_bursts(),
            heart: self.heart_beats(),
        }
    }

    /// A channel's own artefacts before sample 0. Its wander draws phase and period, 0.5 to 1.5
    /// of the mean, from words 0 and 1 of its stream.
    pub(super) fn start_channel(&self, channel: u32) -> ChannelState {
        let mut wander = [0; 2];
        if self.wander_uv > 0.0 {
            let [phase, period, ..] = self.key.chunk(WANDER_STREAM + channel, 0);
            let factor = 0.5 + f64::from(period) / 4_294_967_296.0;
            wander = [u64::from(phase) << 32, (self.wander_step / factor) as u64];
        }
        ChannelState { pops: self.pops(channel), value: 0.0, wander }
    }

    /// A channel's own artefacts at `sample`.
    pub(super) fn own(&self, state: &mut ChannelState, sample: u64) -> f32 {
        let mut sum = self.popped(state, sample);
        if self.wander_uv > 0.0 {
            let [start, step] = state.wander;
            let phase = start.wrapping_add(sample.wrapping_mul(step));
            sum += self.wander_uv * math::sin_cos_turn((phase >> 32) as u32).0;
        }
        sum
    }

    /// The shared columns at `sample`. `noise` keeps what was last drawn for muscle bursts.
    pub(super) fn shared(
        &self,
        state: &mut SharedArtefacts,
        noise: &mut MuscleNoise,
        sample: u64,
    ) -> [f32; SHARED] {
        let mut columns = [0.0; SHARED];
        if let Some(w) = state.blinks.at(sample).and_then(|blink| place(blink, sample)) {
            columns[0] = self.blink_uv * bump(w);
        }
        if let Some(burst) = state.muscle.at(sample)
            && let Some(w) = place(burst, sample)
        {
            // Each burst is on one side: the parity of its start, which is as good as a coin.
            let side = (burst.sample & 1) as usize;
            columns[1 + side] = self.muscle_uv * bump(w) * noise.normal(&self.key, sample);
        }
        if let Some(w) = state.heart.at(sample).and_then(|beat| place(beat, sample)) {
            // Q, R and S: minus the second derivative of a bump, at its peak 1.
            let left = 1.0 - w * w;
            columns[3] = self.heart_uv * left * left * left * (1.0 - 9.0 * w * w);
        }
        columns
    }

    /// The pops of a channel at `sample`.
    fn popped(&self, state: &mut ChannelState, sample: u64) -> f32 {
        if self.pops.is_none() {
            return 0.0;
        }
        state.value *= self.pop_decay;
        match state.pops.at(sample) {
            Some(pop) if pop.sample == sample => state.value = self.pop_uv,
            Some(pop) if sample < pop.sample => state.value = 0.0,
            _ => {}
        }
        state.value
    }

    /// The mains at `sample`, the same in every channel.
    ///
    /// The frequency is `f + d cos(2 pi t / 60 s)`, so the phase leads the nominal one by
    /// `60 s d / (2 pi) sin(2 pi t / 60 s)` turns.
    pub(super) fn mains(&self, sample: u64) -> f32 {
        let Some(mains) = &self.mains else { return 0.0 };
        let wander = (sample.wrapping_mul(mains.wander_step) >> 32) as u32;
        let lead = mains.lead * f64::from(math::sin_cos_turn(wander).0);
        // Whole turns do not count: the fraction of a turn in 2^-64.
        let lead = (lead * 4_294_967_296.0) as i64;
        let phase = sample.wrapping_mul(mains.step).wrapping_add((lead << 32) as u64);
        let mut sum = 0.0;
        for harmonic in 1..=mains.harmonics {
            let turn = (phase.wrapping_mul(u64::from(harmonic)) >> 32) as u32;
            let squared = (harmonic * harmonic) as f32;
            sum += mains.amplitude_uv / squared * math::sin_cos_turn(turn).0;
        }
        sum
    }
}

fn mains(params: &ArtefactParams, rate_hz: f64) -> Result<Option<Mains>, ParameterError> {
    let amplitude = within("mains_uv", params.mains_uv, 0.0, 1e6)?;
    if amplitude == 0.0 {
        return Ok(None);
    }
    let hz = positive_within("mains_hz", params.mains_hz, 1.0, 1e3)?;
    let wander = within("mains_wander_hz", params.mains_wander_hz, 0.0, 0.5)?;
    let names = ["mains_hz", "mains_harmonics"];
    let harmonics = check_harmonics(names, (hz + wander, params.mains_harmonics), 10, rate_hz)?;
    const PERIOD_S: f64 = 60.0;
    Ok(Some(Mains {
        amplitude_uv: amplitude as f32,
        harmonics: harmonics as u32,
        step: (hz / rate_hz * TURN + 0.5) as u64,
        wander_step: (TURN / (PERIOD_S * rate_hz)) as u64,
        lead: wander * PERIOD_S / core::f64::consts::TAU,
    }))
}

/// The standard normal numbers of muscle bursts: white, as the sum of many motor units' short
/// potentials nearly is below 100 Hz. Eight samples are drawn at once.
pub(super) struct MuscleNoise(Option<(u64, [u32; CHUNK_WORDS])>);

impl MuscleNoise {
    /// Nothing drawn.
    pub(super) const NONE: Self = Self(None);

    fn normal(&mut self, key: &StreamKey, sample: u64) -> f32 {
        let wanted = sample / 8;
        let words = match self.0 {
            Some((chunk, words)) if chunk == wanted => words,
            _ => {
                let words = key.chunk(MUSCLE_NOISE_STREAM, wanted);
                self.0 = Some((wanted, words));
                words
            }
        };
        let at = (sample % 8) as usize * 2;
        random::normal([words[at], words[at + 1]])
    }
}

/// Place of `sample` within `interval`, from -1 to 1; none outside.
fn place(interval: Interval, sample: u64) -> Option<f32> {
    let at = sample.checked_sub(interval.sample)?;
    (at < interval.samples).then(|| (2 * at + 1) as f32 / interval.samples as f32 - 1.0)
}

/// `(1 - u²)³` within -1 to 1.
fn bump(u: f32) -> f32 {
    let w = 1.0 - u * u;
    w * w * w
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> ArtefactParams {
        ArtefactParams {
            blinks_per_min: 15.0,
            blink_uv: 100.0,
            muscle_per_min: 6.0,
            muscle_uv_rms: 20.0,
            muscle_s: 1.0,
            heart_per_min: 70.0,
            heart_uv: 10.0,
            pops_per_min: 2.0,
            pop_uv: 200.0,
            pop_decay_s: 0.2,
            wander_uv: 0.0,
            wander_period_s: 60.0,
            mains_uv: 5.0,
            mains_hz: 50.0,
            mains_harmonics: 2,
            mains_wander_hz: 0.1,
        }
    }

    /// The samples against the masks: nothing outside, something inside, and as often as asked: a
    /// process of n intervals has a count within 3 sqrt(n) (false alarm below 0.3 %, fixed seed).
    #[test]
    fn artefacts_are_where_their_masks_say() {
        let artefacts = Artefacts::new(&params(), 250.0, 3).expect("valid");
        let (mut shared, mut pops) = (artefacts.start(), artefacts.start_channel(5));
        let mut noise = MuscleNoise::NONE;
        let minutes = 20;
        let end = minutes * 60 * 250;
        let mut masks = [
            artefacts.blinks(),
            artefacts.muscle_bursts(),
            artefacts.heart_beats(),
            artefacts.pops(5),
        ];
        let mut inside = [0_u64; 4];
        for sample in 0..end {
            let [blink, left, right, heart] = artefacts.shared(&mut shared, &mut noise, sample);
            let pop = artefacts.popped(&mut pops, sample);
            let values = [blink, left + right, heart, pop];
            for (kind, value) in values.into_iter().enumerate() {
                let interval = masks[kind].at(sample).expect("asked for");
                let within = sample >= interval.sample;
                assert!(within || value == 0.0, "kind {kind} at {sample}: {value}");
                inside[kind] += u64::from(within && value != 0.0);
            }
        }
        for (kind, per_min) in [15.0, 6.0, 70.0, 2.0].into_iter().enumerate() {
            let expected = per_min * minutes as f64;
            let all = [
                artefacts.blinks(),
                artefacts.muscle_bursts(),
                artefacts.heart_beats(),
                artefacts.pops(5),
            ];
            let count = all[kind].take_while(|interval| interval.sample < end).count() as f64;
            let off = (count - expected) / math::sqrt(expected);
            assert!((-3.0..3.0).contains(&off), "kind {kind}: {count} for {expected}");
            assert!(inside[kind] as f64 > count * 5.0, "kind {kind} is seen");
        }
    }

    /// Blinks, beats and pops have their size at their peak, to the nearest sample; a pop falls by e
    /// in its time constant; a burst's middle has the standard deviation asked for: of n
    /// values within 4 of sqrt(1 / 2n), 6e-5 false alarms.
    #[test]
    fn artefacts_are_as_large_as_asked() {
        let artefacts = Artefacts::new(&params(), 1_000.0, 3).expect("valid");
        let (mut shared, mut noise) = (artefacts.start(), MuscleNoise::NONE);
        let mut peaks = [0.0_f32; 2];
        let (mut squares, mut n) = (0.0, 0.0);
        let mut bursts = artefacts.muscle_bursts();
        for sample in 0..10 * 60_000 {
            let columns = artefacts.shared(&mut shared, &mut noise, sample);
            peaks = [peaks[0].max(columns[0]), peaks[1].max(columns[3])];
            // The middle tenth of a burst: the bump is within 3 % of its peak there.
            let burst = bursts.at(sample).expect("asked for");
            if sample >= burst.sample
                && let Some(u) = place(burst, sample)
                && u * u < 0.01
            {
                let side = (burst.sample & 1) as usize;
                assert_eq!(columns[2 - side], 0.0, "a burst is on one side");
                let normal = f64::from(columns[1 + side] / bump(u));
                squares += normal * normal;
                n += 1.0;
            }
        }
        // The sample next to a peak is at u = 1 / n of it: (1 - u²)³ and the heart's 1 - 12 u².
        assert!((peaks[0] - 100.0).abs() < 0.01 && (peaks[1] - 10.0).abs() < 0.02, "{peaks:?}");
        let off = (math::sqrt(squares / n) / 20.0 - 1.0) * math::sqrt(2.0 * n);
        assert!((-4.0..4.0).contains(&off), "{off} of {n}");

        let (mut state, first) = (artefacts.start_channel(5), artefacts.pops(5).next());
        let first = first.expect("asked for").sample;
        let mut values = [0.0; 2];
        for sample in 0..=first + 200 {
            let value = artefacts.popped(&mut state, sample);
            if sample == first {
                values[0] = value;
            }
            values[1] = value;
        }
        // 200 roundings of a product.
        assert_eq!(values[0], 200.0);
        assert!((f64::from(values[1]) / 200.0 - math::exp(-1.0)).abs() < 1e-5, "{values:?}");
    }

    /// Drift is a sine of the size asked for, of 0.5 to 1.5 of the mean period and of any phase; channels
    /// differ, and their periods fill the range: 64 of them are on average the mean within 3 of
    /// 1 / sqrt(12 * 64), 0.27 % false alarms.
    #[test]
    fn channels_drift_each_in_its_own_period() {
        let params = ArtefactParams {
            wander_uv: 30.0,
            wander_period_s: 10.0,
            pops_per_min: 0.0,
            mains_uv: 0.0,
            ..params()
        };
        let artefacts = Artefacts::new(&params, 100.0, 3).expect("valid");
        let mut sum = 0.0;
        for channel in 0..64 {
            let mut state = artefacts.start_channel(channel);
            let (mut greatest, mut rising, mut before) = (0.0_f32, [None; 2], f32::NAN);
            for sample in 0..3_200 {
                let value = artefacts.own(&mut state, sample);
                greatest = greatest.max(value.abs());
                if before < 0.0 && value >= 0.0 {
                    rising = [rising[0].or(Some(sample)), rising[1].or(rising[0].map(|_| sample))];
                }
                before = value;
            }
            assert!((greatest - 30.0).abs() < 0.01, "{greatest}");
            let [Some(first), Some(second)] = rising else { panic!("no two periods in 32 s") };
            let period = (second - first) as f64 / 1_000.0;
            assert!((0.499..1.501).contains(&period), "channel {channel}: {period}");
            sum += period;
        }
        assert!((sum / 64.0 - 1.0).abs() < 3.0 / math::sqrt(12.0 * 64.0), "{sum}");
    }

    /// The sines of the mains by correlation over whole periods: the h-th has the amplitude over h².
    #[test]
    fn mains_have_harmonics() {
        let params = ArtefactParams { mains_harmonics: 3, mains_wander_hz: 0.0, ..params() };
        let artefacts = Artefacts::new(&params, 1_000.0, 3).expect("valid");
        for harmonic in 1..=4 {
            let mut sums = [0.0; 2];
            for n in 0..1_000_u64 {
                let angle = core::f64::consts::TAU * 0.05 * f64::from(harmonic) * n as f64;
                let value = f64::from(artefacts.mains(n));
                sums = [sums[0] + value * math::sin(angle), sums[1] + value * math::cos(angle)];
            }
            let peak = math::sqrt(sums[0] * sums[0] + sums[1] * sums[1]) / 500.0;
            let square = f64::from(harmonic * harmonic);
            let expected = if harmonic < 4 { 5.0 / square } else { 0.0 };
            assert!((peak - expected).abs() < 1e-5, "{harmonic}: {peak}");
        }
    }

    /// Zero crossings count the cycles: within a wander's period the phase leads by at most its
    /// amplitude, so over a whole number of periods the mean frequency is the nominal one.
    #[test]
    fn mains_wander_about_their_frequency() {
        let artefacts =
            Artefacts::new(&ArtefactParams { mains_harmonics: 1, ..params() }, 1_000.0, 3)
                .expect("valid");
        let cycles = |from: u64, to: u64| {
            let rising = |n: u64| artefacts.mains(n) < 0.0 && artefacts.mains(n + 1) >= 0.0;
            (from..to).filter(|&n| rising(n)).count() as f64
        };
        assert!((cycles(0, 120_000) / 120.0 - 50.0).abs() < 0.02);
        // Fastest at the start of a period: 5 s around it.
        assert!((cycles(57_500, 62_500) / 5.0 - 50.1).abs() < 0.21);
        let greatest = (0..2_000).map(|n| artefacts.mains(n)).fold(0.0, f32::max);
        assert!((greatest - 5.0).abs() < 0.01);
    }
}
