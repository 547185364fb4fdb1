//! What the subject does: trials with a class each, and what they do to the signal.
//!
//! Trial `n` begins at sample `n * period` and draws its class from word `n` of stream 0 of the key
//! (seed, "cortex/trials/v3"): any trial is known without those before it.

use serde::Serialize;

use crate::math;
use crate::parameter::{ParameterError, below_nyquist, count_within, positive_within, within};
use crate::random::{CHUNK_WORDS, StreamKey};

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
                let harmonics = count_within("flicker_harmonics", harmonics, 1, 8)?;
                let (mut steps, mut classes) = ([0; MAX_FLICKERS], 0);
                for (step, hz) in steps.iter_mut().zip(frequencies_hz) {
                    if hz == 0.0 && classes > 0 {
                        break;
                    }
                    let hz = positive_within("flicker_hz", hz, 0.1, 1e3)?;
                    below_nyquist("flicker_hz", hz * harmonics as f64, rate_hz)?;
                    *step = (hz / rate_hz * 18_446_744_073_709_551_616.0 + 0.5) as u64;
                    classes += 1;
                }
                Self {
                    key,
                    period: samples(trial),
                    onset: samples(cue),
                    length: samples(stimulation),
                    task: Task::Ssvep {
                        steps,
                        classes,
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

    /// Amplitude of the rhythms over the left and the right hemisphere at `sample`, relative to
    /// rest.
    pub(super) fn envelopes(&self, sample: u64) -> [f32; 2] {
        let Task::MotorImagery { ramp, rebound, depth, gain } = self.task else {
            return [1.0; 2];
        };
        let (trial, at) = (sample / self.period, sample % self.period);
        if at < self.onset {
            return [1.0; 2];
        }
        let since = (at - self.onset) as f32;
        let left = self.length as f32 - since;
        let power = if left > 0.0 {
            1.0 - depth * smooth(since * ramp) * smooth(left * ramp)
        } else if -left < rebound {
            1.0 + gain * smooth(-left * ramp) * smooth((rebound + left) * ramp)
        } else {
            1.0
        };
        let amplitude = math::sqrtf(power);
        // The left hand is the right hemisphere's.
        if self.class(trial) == 0 { [1.0, amplitude] } else { [amplitude, 1.0] }
    }

    /// Electrode that the evoked signal is largest at.
    pub(super) fn site(&self) -> &'static str {
        if matches!(self.task, Task::Ssvep { .. }) { "Oz" } else { "Pz" }
    }

    /// The evoked signal at `sample` where it is largest, in microvolts.
    pub(super) fn evoked(&self, sample: u64) -> f32 {
        let trial = sample / self.period;
        match self.task {
            Task::Rest | Task::MotorImagery { .. } => 0.0,
            Task::P300 { peak, half_width, amplitude_uv, reach, .. } => {
                let mut sum = 0.0;
                for stimulus in trial.saturating_sub(reach)..=trial {
                    let since = (sample - stimulus * self.period) as f32;
                    let u = (since - peak) / half_width;
                    let w = 1.0 - u * u;
                    if w > 0.0 && self.class(stimulus) == 1 {
                        sum += amplitude_uv * (w * w * w);
                    }
                }
                sum
            }
            Task::Ssvep { steps, harmonics, amplitude_uv, .. } => {
                let at = sample % self.period;
                if at < self.onset || at - self.onset >= self.length {
                    return 0.0;
                }
                let step = steps[usize::from(self.class(trial)) % MAX_FLICKERS];
                let phase = (at - self.onset).wrapping_mul(step);
                let mut sum = 0.0;
                for harmonic in 1..=harmonics {
                    let turn = (phase.wrapping_mul(u64::from(harmonic)) >> 32) as u32;
                    sum += amplitude_uv / harmonic as f32 * math::sin_cos_turn(turn).0;
                }
                sum
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

    /// Power before, in the middle of, and after imagery, on the side that the class says.
    #[test]
    fn imagery_lowers_the_power_of_the_other_hemisphere() {
        let trials = Trials::new(&IMAGERY, 250.0, 7).expect("valid");
        let mut classes = [0_u32; 2];
        for trial in 0..200 {
            let event = trials.event(trial).expect("a task");
            classes[usize::from(event.class)] += 1;
            let side = usize::from(event.class == 0);
            let at = |seconds: f64| {
                let envelopes = trials.envelopes(event.sample + (seconds * 250.0) as u64);
                assert_eq!(envelopes[1 - side], 1.0);
                envelopes[side] * envelopes[side]
            };
            assert_eq!(trials.envelopes(event.sample - 1), [1.0; 2]);
            assert!((at(2.0) - 0.4).abs() < 1e-6 && (at(4.75) - 1.5).abs() < 1e-6);
            assert!((at(5.6) - 1.0).abs() < 1e-6);
        }
        // Binomial, n = 200: 100 +- 7.1; 5 standard deviations (false alarm 6e-7).
        assert!(classes[0].abs_diff(100) < 36, "{classes:?}");
    }

    #[test]
    fn overlapping_responses_add_up() {
        let paradigm = Paradigm::P300 { soa_s: 0.2, target_probability: 1.0, amplitude_uv: 10.0 };
        let trials = Trials::new(&paradigm, 100.0, 1).expect("valid");
        // At a peak, the stimuli before and after are 0.2 s off: the end of their response.
        assert!((trials.evoked(1_035) - 10.0).abs() < 1e-4);
        // Midway between two peaks both are at u = 0.5: 2 * 0.75³.
        assert!((trials.evoked(1_045) - 20.0 * 0.421_875).abs() < 1e-4);
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
