//! What the subject does: trials with a class each, and what they do to the signal.
//!
//! Trial `n` begins at sample `n * period` and draws its class from word `n` of stream 0 of the key
//! (seed, "cortex/trials/v3"): any trial is known without those before it.

use core::ops::Range;

use serde::Serialize;

use crate::math;
use crate::parameter::{ParameterError, below_nyquist, count_within, positive_within, within};
use crate::random::{CHUNK_WORDS, StreamKey};
use crate::signal::BLOCK_SAMPLES;
use crate::signal::spec::check_harmonics;

const DOMAIN: &str = "cortex/trials/v3";
/// Rise and fall of desynchronisation and rebound, in seconds.
const RAMP_S: f64 = 0.5;
/// Length of the rebound after motor imagery, in seconds, its ramps included.
const REBOUND_S: f64 = 1.5;
/// Latency and half-width of the P300 in seconds.
const P300_S: [f64; 2] = [0.35, 0.2];
/// Most flicker frequencies.
pub const MAX_FLICKERS: usize = 4;

/// A task with known answers. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Paradigm {
    /// No task.
    Rest,
    /// Imagined movement of the left (class 0) or right hand (class 1): the power of the mu and
    /// beta rhythms over the other hemisphere falls by `erd_depth` and rebounds by `ers_gain`
    /// after.
    MotorImagery {
        /// From one trial's start to the next, at least `cue_s + imagery_s + 1.5`.
        trial_s: f64,
        /// From the trial's start to the cue.
        cue_s: f64,
        /// From the cue to the end of imagery, at least 1.
        imagery_s: f64,
        /// Fall of power, 0 to 1.
        erd_depth: f64,
        /// Rise of power after, 0 to 10.
        ers_gain: f64,
    },
    /// Oddball: a stimulus every `soa_s`, rarely a target (class 1), which evokes a P300.
    P300 {
        /// From one stimulus to the next, 0.1 to 10.
        soa_s: f64,
        /// Probability of a target, 0 to 1.
        target_probability: f64,
        /// Peak of the response to a target at Pz, in microvolts.
        amplitude_uv: f64,
    },
    /// Steady-state visual evoked potential: the class is the flicker's frequency.
    Ssvep {
        /// From one trial's start to the next, at least `cue_s + stimulation_s`.
        trial_s: f64,
        /// From the trial's start to the flicker.
        cue_s: f64,
        /// Length of the flicker.
        stimulation_s: f64,
        /// Frequencies in Hz; those behind the first 0 do not count.
        frequencies_hz: [f64; MAX_FLICKERS],
        /// Sines of each response: the h-th has the frequency times h and the amplitude over h.
        harmonics: usize,
        /// Peak amplitude of the first at Oz, in microvolts.
        amplitude_uv: f64,
    },
}

/// A known event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialEvent {
    /// Its first sample.
    pub sample: u64,
    /// Its length in samples.
    pub samples: u64,
    /// The trial's class.
    pub class: u8,
}

/// A paradigm in samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trials {
    key: StreamKey,
    period: u64,
    /// First sample of the event in its trial, and its length.
    onset: u64,
    length: u64,
    task: Task,
}

#[derive(Clone, Copy, Debug)]
enum Task {
    Rest,
    MotorImagery { ramp: f32, rebound: f32, depth: f32, gain: f32 },
    P300 { target_words: u64, peak: f32, half_width: f32, amplitude_uv: f32, reach: u64 },
    Ssvep { steps: [u64; MAX_FLICKERS], classes: u32, harmonics: u32, amplitude_uv: f32 },
}

impl Trials {
    pub(super) const REST: Self =
        Self { key: StreamKey::ZERO, period: u64::MAX, onset: 0, length: 0, task: Task::Rest };

    /// Whether the task evokes a signal.
    pub(super) fn evokes(&self) -> bool {
        matches!(self.task, Task::P300 { .. } | Task::Ssvep { .. })
    }

    /// Checks `paradigm` and puts it into samples.
    pub(super) fn new(
        paradigm: &Paradigm,
        rate_hz: f64,
        seed: u64,
    ) -> Result<Self, ParameterError> {
        let key = StreamKey::new(seed, DOMAIN);
        let samples = |s: f64| math::round(s * rate_hz) as u64;
        Ok(match *paradigm {
            Paradigm::Rest => Self { key, ..Self::REST },
            Paradigm::MotorImagery { trial_s, cue_s, imagery_s, erd_depth, ers_gain } => {
                let cue = within("cue_s", cue_s, 0.0, 60.0)?;
                let imagery = within("task_s", imagery_s, 1.0, 60.0)?;
                let trial = within("trial_s", trial_s, cue + imagery + REBOUND_S, 600.0)?;
                Self {
                    key,
                    period: samples(trial),
                    onset: samples(cue),
                    length: samples(imagery),
                    task: Task::MotorImagery {
                        ramp: (1.0 / (RAMP_S * rate_hz)) as f32,
                        rebound: samples(REBOUND_S) as f32,
                        depth: within("erd_depth", erd_depth, 0.0, 1.0)? as f32,
                        gain: within("ers_gain", ers_gain, 0.0, 10.0)? as f32,
                    },
                }
            }
            Paradigm::P300 { soa_s, target_probability, amplitude_uv } => {
                let period = samples(within("trial_s", soa_s, 0.1, 10.0)?).max(1);
                let probability = within("target_probability", target_probability, 0.0, 1.0)?;
                let [peak_s, half_width_s] = P300_S;
                Self {
                    key,
                    period,
                    onset: 0,
                    length: 1,
                    task: Task::P300 {
                        target_words: (probability * 4_294_967_296.0 + 0.5) as u64,
                        peak: (peak_s * rate_hz) as f32,
                        half_width: (half_width_s * rate_hz) as f32,
                        amplitude_uv: positive_within("evoked_uv", amplitude_uv, 1e-6, 1e6)? as f32,
                        // Stimuli whose response may still go on.
                        reach: samples(peak_s + half_width_s) / period + 1,
                    },
                }
            }
            Paradigm::Ssvep {
                trial_s,
                cue_s,
                stimulation_s,
                frequencies_hz,
                harmonics,
                amplitude_uv,
            } => {
                let cue = within("cue_s", cue_s, 0.0, 60.0)?;
                let stimulation = positive_within("task_s", stimulation_s, 0.1, 600.0)?;
                let trial = within("trial_s", trial_s, cue + stimulation, 1_200.0)?;
                let flickers =
                    frequencies_hz.iter().skip(1).take_while(|&&hz| hz != 0.0).count() + 1;
                let (mut steps, mut classes, mut fastest_hz) = ([0; MAX_FLICKERS], 0, 0.0_f64);
                for (step, hz) in steps.iter_mut().zip(frequencies_hz) {
                    if hz == 0.0 && classes > 0 {
                        break;
                    }
                    let hz = positive_within("flicker_hz", hz, 0.1, 1e3)?;
                    if let Err(fast) = below_nyquist("flicker_hz", hz, rate_hz) {
                        // Those before fit.
                        let fewer = count_within("flickers", flickers, 1, classes);
                        return Err(fewer.err().filter(|_| classes > 0).unwrap_or(fast));
                    }
                    *step = (hz / rate_hz * 18_446_744_073_709_551_616.0 + 0.5) as u64;
                    classes += 1;
                    fastest_hz = fastest_hz.max(hz);
                }
                let names = ["flicker_hz", "flicker_harmonics"];
                let harmonics = check_harmonics(names, (fastest_hz, harmonics), 8, rate_hz)?;
                Self {
                    key,
                    period: samples(trial),
                    onset: samples(cue),
                    length: samples(stimulation),
                    task: Task::Ssvep {
                        steps,
                        classes: classes as u32,
                        harmonics: harmonics as u32,
                        amplitude_uv: positive_within("evoked_uv", amplitude_uv, 1e-6, 1e6)? as f32,
                    },
                }
            }
        })
    }

    /// The event of trial `trial`; none without a task.
    pub(super) fn event(&self, trial: u64) -> Option<TrialEvent> {
        if matches!(self.task, Task::Rest) {
            return None;
        }
        let sample = trial.checked_mul(self.period)?.checked_add(self.onset)?;
        Some(TrialEvent { sample, samples: self.length, class: self.class(trial) })
    }

    fn class(&self, trial: u64) -> u8 {
        let words = self.key.chunk(0, trial / CHUNK_WORDS as u64);
        let word = u64::from(words[(trial % CHUNK_WORDS as u64) as usize]);
        match self.task {
            Task::Rest => 0,
            Task::MotorImagery { .. } => (word >> 31) as u8,
            Task::P300 { target_words, .. } => u8::from(word < target_words),
            Task::Ssvep { classes, .. } => ((word * u64::from(classes)) >> 32) as u8,
        }
    }

    /// Trial and sample within it of the samples from `first` on.
    fn places(&self, first: u64) -> impl Iterator<Item = (u64, u64)> {
        let period = self.period;
        let mut next = (first / period, first % period);
        core::iter::from_fn(move || {
            let (trial, at) = next;
            next = if at + 1 == period { (trial + 1, 0) } else { (trial, at + 1) };
            Some((trial, at))
        })
    }

    /// Multiplies the rhythms of a block, whose first sample is `first`, by their amplitudes
    /// relative to rest: `columns` lie in turn over the left and the right hemisphere.
    pub(super) fn modulate<const C: usize>(
        &self,
        first: u64,
        columns: Range<usize>,
        block: &mut [[f32; C]; BLOCK_SAMPLES],
    ) {
        let Task::MotorImagery { ramp, rebound, depth, gain } = self.task else { return };
        let mut classes = Classes::of(self);
        for (row, (trial, at)) in block.iter_mut().zip(self.places(first)) {
            if at < self.onset {
                continue;
            }
            let since = (at - self.onset) as f32;
            let left = self.length as f32 - since;
            let power = if left > 0.0 {
                1.0 - depth * smooth(since * ramp) * smooth(left * ramp)
            } else if -left < rebound {
                1.0 + gain * smooth(-left * ramp) * smooth((rebound + left) * ramp)
            } else {
                continue;
            };
            let amplitude = math::sqrtf(power);
            // The left hand is the right hemisphere's.
            let side = usize::from(classes.class(trial) == 0);
            for rhythm in row[columns.clone()].iter_mut().skip(side).step_by(2) {
                *rhythm *= amplitude;
            }
        }
    }

    /// Electrode that the evoked signal is largest at.
    pub(super) fn site(&self) -> &'static str {
        if matches!(self.task, Task::Ssvep { .. }) { "Oz" } else { "Pz" }
    }

    /// Writes what the task evokes, if anything, where it is largest and in microvolts, to a column
    /// of a block whose first sample is `first`: responses add up in the order of their stimuli.
    pub(super) fn evoke<const C: usize>(
        &self,
        first: u64,
        column: usize,
        block: &mut [[f32; C]; BLOCK_SAMPLES],
    ) {
        match self.task {
            Task::Rest | Task::MotorImagery { .. } => {}
            Task::P300 { peak, half_width, amplitude_uv, reach, .. } => {
                for row in block.iter_mut() {
                    row[column] = 0.0;
                }
                let earliest = (first / self.period).saturating_sub(reach);
                let last = (first + BLOCK_SAMPLES as u64 - 1) / self.period;
                for stimulus in (earliest..=last).filter(|&trial| self.class(trial) == 1) {
                    for (row, sample) in block.iter_mut().zip(first..) {
                        let Some(since) = sample.checked_sub(stimulus * self.period) else {
                            continue;
                        };
                        let u = (since as f32 - peak) / half_width;
                        let w = 1.0 - u * u;
                        if w > 0.0 {
                            row[column] += amplitude_uv * (w * w * w);
                        }
                    }
                }
            }
            Task::Ssvep { steps, harmonics, amplitude_uv, .. } => {
                let mut classes = Classes::of(self);
                for (row, (trial, at)) in block.iter_mut().zip(self.places(first)) {
                    let mut sum = 0.0;
                    if let Some(since) = at.checked_sub(self.onset)
                        && since < self.length
                    {
                        let step = steps[usize::from(classes.class(trial)) % MAX_FLICKERS];
                        let phase = since.wrapping_mul(step);
                        for harmonic in 1..=harmonics {
                            let turn = (phase.wrapping_mul(u64::from(harmonic)) >> 32) as u32;
                            sum += amplitude_uv / harmonic as f32 * math::sin_cos_turn(turn).0;
                        }
                    }
                    row[column] = sum;
                }
            }
        }
    }
}

/// The classes of trials, each drawn once while it goes on.
struct Classes<'a> {
    trials: &'a Trials,
    last: Option<(u64, u8)>,
}

impl<'a> Classes<'a> {
    fn of(trials: &'a Trials) -> Self {
        Self { trials, last: None }
    }

    fn class(&mut self, trial: u64) -> u8 {
        match self.last {
            Some((last, class)) if last == trial => class,
            _ => {
                let class = self.trials.class(trial);
                self.last = Some((trial, class));
                class
            }
        }
    }
}

/// 0 up to 0, 1 from 1 on, `3x² - 2x³` between: a step with a continuous derivative.
fn smooth(x: f32) -> f32 {
    if x <= 0.0 {
        0.0
    } else if x >= 1.0 {
        1.0
    } else {
        x * x * (3.0 - 2.0 * x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGERY: Paradigm = Paradigm::MotorImagery {
        trial_s: 8.0,
        cue_s: 2.0,
        imagery_s: 4.0,
        erd_depth: 0.6,
        ers_gain: 0.5,
    };

    /// What block functions make of `value` in the column of `sample`, in a block in which it lies
    /// somewhere.
    fn at<const C: usize>(
        sample: u64,
        value: f32,
        run: impl Fn(u64, &mut [[f32; C]; 64]),
    ) -> [f32; C] {
        let place = sample % 50;
        let mut block = [[value; C]; 64];
        run(sample - place, &mut block);
        block[place as usize]
    }

    /// Power before, in the middle of, and after imagery, on the side that the class says.
    #[test]
    fn imagery_lowers_the_power_of_the_other_hemisphere() {
        let trials = Trials::new(&IMAGERY, 250.0, 7).expect("valid");
        let mut classes = [0_u32; 2];
        for trial in 0..200 {
            let event = trials.event(trial).expect("a task");
            classes[usize::from(event.class)] += 1;
            let side = usize::from(event.class == 0);
            let envelopes =
                |sample| at::<4>(sample, 1.0, |first, block| trials.modulate(first, 1..4, block));
            let power = |seconds: f64| {
                let [other, left, right, again] =
                    envelopes(event.sample + (seconds * 250.0) as u64);
                assert_eq!((other, again), (1.0, left));
                assert_eq!([left, right][1 - side], 1.0);
                [left, right][side] * [left, right][side]
            };
            assert_eq!(envelopes(event.sample - 1), [1.0; 4]);
            assert!((power(2.0) - 0.4).abs() < 1e-6 && (power(4.75) - 1.5).abs() < 1e-6);
            assert!((power(5.6) - 1.0).abs() < 1e-6);
        }
        // Binomial, n = 200: 100 +- 7.1; 5 standard deviations (false alarm 6e-7).
        assert!(classes[0].abs_diff(100) < 36, "{classes:?}");
    }

    #[test]
    fn overlapping_responses_add_up() {
        let paradigm = Paradigm::P300 { soa_s: 0.2, target_probability: 1.0, amplitude_uv: 10.0 };
        let trials = Trials::new(&paradigm, 100.0, 1).expect("valid");
        let evoked = |sample| {
            let [_, evoked] = at(sample, f32::NAN, |first, block| trials.evoke(first, 1, block));
            evoked
        };
        // At a peak, the stimuli before and after are 0.2 s off: the end of their response.
        assert!((evoked(1_035) - 10.0).abs() < 1e-4);
        // Midway between two peaks both are at u = 0.5: 2 * 0.75³.
        assert!((evoked(1_045) - 20.0 * 0.421_875).abs() < 1e-4);
    }

    /// Sines beyond half the sample rate are refused by what can be lowered.
    #[test]
    fn flickers_that_are_too_fast_are_refused_by_name() {
        let refused = |first_hz: f64, harmonics| {
            let frequencies_hz = [first_hz, first_hz + 20.0, first_hz + 40.0, 0.0];
            let (trial_s, cue_s, stimulation_s, amplitude_uv) = (4.0, 1.0, 2.0, 5.0);
            let task = Paradigm::Ssvep {
                trial_s,
                cue_s,
                stimulation_s,
                frequencies_hz,
                harmonics,
                amplitude_uv,
            };
            Trials::new(&task, 250.0, 7).err()
        };
        let count = |parameter, value, max| {
            Some(ParameterError::OutOfRange { parameter, value, min: 1.0, max })
        };
        assert_eq!(refused(20.0, 2), None);
        assert_eq!(refused(20.0, 3), count("flicker_harmonics", 3.0, 2.0));
        assert_eq!(refused(80.0, 2), count("flicker_harmonics", 2.0, 1.0));
        assert_eq!(refused(90.0, 1), count("flickers", 3.0, 2.0));
        let fast = ParameterError::AboveNyquist {
            parameter: "flicker_hz",
            frequency_hz: 125.0,
            nyquist_hz: 125.0,
        };
        assert_eq!(refused(125.0, 1), Some(fast));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let short = Paradigm::MotorImagery {
            trial_s: 5.0,
            cue_s: 2.0,
            imagery_s: 4.0,
            erd_depth: 0.6,
            ers_gain: 0.5,
        };
        let error = Trials::new(&short, 250.0, 7).expect_err("refused");
        let expected =
            ParameterError::OutOfRange { parameter: "trial_s", value: 5.0, min: 7.5, max: 600.0 };
        assert_eq!(error, expected);
    }
}
