//! The EEG's parameters as configurations and the wire have them, and the model they describe.

use serde::{Deserialize, Serialize};

use super::{ArtefactParams, MAX_FLICKERS, Paradigm};
use crate::math;
use crate::parameter::{
    POSITIVE, choice, count, number, optional_number, optional_table, parameters,
};
use crate::signal::bad_channels::bad_channel_rate;
use crate::signal::front_end::FrontEndParams;

parameters! {
    /// Scalp EEG of the 10-10 montage with rhythms, a task and artefacts, all of them known.
    #[derive(Copy)]
    pub struct EegParams {
        /// The task.
        pub paradigm: ParadigmName =
            choice(ParadigmName::Rest, "rest", &["rest", "motor_imagery", "p300", "ssvep"]),
        /// Standard deviation of every channel's background.
        pub background_uv_rms: f64 = number(15.0, "µV", 1e-6, 1e6),
        /// Exponent b of the background's 1/f^b.
        pub background_exponent: f64 = number(1.0, "", 0.01, 1.99),
        /// Where the background's power law begins.
        pub background_corner_hz: f64 =
            number(0.5, "Hz", POSITIVE, f64::INFINITY).limit("1e-9 to 0.02 of the sample rate"),
        /// Share of the background's power that no other channel has.
        pub own_fraction: f64 = number(0.2, "", 0.0, 1.0),
        /// Standard deviation of the mu rhythm at C3 and C4; 0 leaves it out.
        pub mu_uv_rms: f64 = number(8.0, "µV", 0.0, 1e6),
        /// Peak of the mu rhythm.
        pub mu_hz: f64 = number(11.0, "Hz", 1.0, 200.0).limit("below half the sample rate"),
        /// Width of the mu rhythm at half its peak's power.
        pub mu_bandwidth_hz: f64 = number(2.0, "Hz", 0.1, 66.0).limit("at most a third of mu_hz"),
        /// Standard deviation of the beta rhythm at C3 and C4; 0 leaves it out.
        pub beta_uv_rms: f64 = number(4.0, "µV", 0.0, 1e6),
        /// Peak of the beta rhythm.
        pub beta_hz: f64 = number(22.0, "Hz", 1.0, 200.0).limit("below half the sample rate"),
        /// Width of the beta rhythm at half its peak's power.
        pub beta_bandwidth_hz: f64 =
            number(5.0, "Hz", 0.1, 66.0).limit("at most a third of beta_hz"),
        /// Standard deviation of the alpha rhythm at POz; 0 leaves it out.
        pub alpha_uv_rms: f64 = number(10.0, "µV", 0.0, 1e6),
        /// Peak of the alpha rhythm.
        pub alpha_hz: f64 = number(10.0, "Hz", 1.0, 200.0).limit("below half the sample rate"),
        /// Width of the alpha rhythm at half its peak's power.
        pub alpha_bandwidth_hz: f64 =
            number(2.0, "Hz", 0.1, 66.0).limit("at most a third of alpha_hz"),
        /// From one trial's start to the next.
        pub trial_s: Option<f64> = optional_number(
            "p300 1, others cue_s + task_s + 2",
            "s",
            0.1,
            1_200.0,
        ).limit("p300 at most 10, motor_imagery at least cue_s + task_s + 1.5"),
        /// From the trial's start to the cue of motor_imagery or the flicker of ssvep.
        pub cue_s: f64 = number(2.0, "s", 0.0, 60.0),
        /// Length of imagery or flicker.
        pub task_s: f64 = number(4.0, "s", 0.1, 600.0).limit("motor_imagery 1 to 60"),
        /// Fall of the mu and beta rhythms' power during motor imagery.
        pub erd_depth: f64 = number(0.5, "", 0.0, 1.0),
        /// Rise of their power after it.
        pub ers_gain: f64 = number(0.5, "", 0.0, 10.0),
        /// Probability that a stimulus of p300 is a target.
        pub target_probability: f64 = number(0.2, "", 0.0, 1.0),
        /// Peak of the P300 at Pz, or of the flicker's first sine at Oz.
        pub evoked_uv: f64 = number(10.0, "µV", 1e-6, 1e6),
        /// Frequency of the first flicker of ssvep.
        pub flicker_hz: f64 = number(8.0, "Hz", 0.1, 1e3),
        /// From one flicker's frequency to the next one's.
        pub flicker_step_hz: f64 = number(2.0, "Hz", 0.1, 1e2),
        /// Flickers, each a class.
        pub flickers: usize = count(4, "", 1, MAX_FLICKERS),
        /// Sines of the response to a flicker: the h-th has the frequency times h and the
        /// amplitude over h.
        pub flicker_harmonics: usize = count(2, "", 1, 8)
            .limit("all below half the sample rate"),
        /// Signal-to-noise ratio, which decides a size. Of spikes 20 log10 of unit_uv over the
        /// noise's standard deviation, in place of noise_uv_rms; of eeg, against
        /// background_uv_rms, that of the P300's peak (20 log10), of the power of a flicker's
        /// first sine, or of mu's power.
        pub snr_db: Option<f64> = optional_number("from the sizes in µV", "dB", -80.0, 80.0),
        /// Blinks a minute.
        pub blinks_per_min: f64 = number(0.0, "1/min", 0.0, 60.0),
        /// Peak of a blink at Fpz.
        pub blink_uv: f64 = number(100.0, "µV", 0.0, 1e6),
        /// Bursts of muscle activity a minute.
        pub emg_per_min: f64 = number(0.0, "1/min", 0.0, 30.0),
        /// Standard deviation of a burst's middle at T7 or T8.
        pub emg_uv_rms: f64 = number(20.0, "µV", 0.0, 1e6),
        /// Length of a burst.
        pub emg_s: f64 = number(1.0, "s", 0.1, 10.0),
        /// Heart beats a minute; 0 leaves the heart out.
        pub ecg_per_min: f64 = number(0.0, "1/min", 0.0, 240.0),
        /// Peak of the heart's complex at P9.
        pub ecg_uv: f64 = number(10.0, "µV", 0.0, 1e6),
        /// Pops of each electrode a minute.
        pub pops_per_min: f64 = number(0.0, "1/min", 0.0, 60.0),
        /// Step of a pop.
        pub pop_uv: f64 = number(200.0, "µV", 0.0, 1e6),
        /// Time constant of a pop's decay.
        pub pop_decay_s: f64 = number(0.2, "s", 0.01, 10.0),
        /// Greatest displacement of a channel by slow drift.
        pub wander_uv: f64 = number(0.0, "µV", 0.0, 1e6),
        /// Mean period of the slow drift; channels have 0.5 to 1.5 of it.
        pub wander_period_s: f64 = number(60.0, "s", 1.0, 1e4),
        /// Peak of the mains' fundamental; 0 leaves mains out.
        pub mains_uv: f64 = number(0.0, "µV", 0.0, 1e6),
        /// Nominal frequency of the mains.
        pub mains_hz: f64 = number(50.0, "Hz", 1.0, 1e3),
        /// Sines of the mains: the h-th has the amplitude over h².
        pub mains_harmonics: usize = count(2, "", 1, 10).limit("all below half the sample rate"),
        /// Greatest deviation of the mains' frequency, over 60 s.
        pub mains_wander_hz: f64 = number(0.05, "Hz", 0.0, 0.5),
        /// Share of channels that are flat or noisy.
        pub bad_channel_rate: f64 = bad_channel_rate(),
        /// The converter and the link behind the electrodes.
        pub front_end: Option<FrontEndParams> =
            optional_table::<FrontEndParams>(FrontEndParams::PARAMETERS),
    }
}

/// A task's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParadigmName {
    /// None.
    Rest,
    /// Imagined movement of the left or the right hand.
    MotorImagery,
    /// Oddball.
    P300,
    /// Flicker of one of some frequencies.
    Ssvep,
}

impl ParadigmName {
    /// The classes' names, in their order; for ssvep its frequencies are.
    #[must_use]
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            ParadigmName::Rest => &[],
            ParadigmName::MotorImagery => &["left_hand", "right_hand"],
            ParadigmName::P300 => &["standard", "target"],
            ParadigmName::Ssvep => &["flicker_1", "flicker_2", "flicker_3", "flicker_4"],
        }
    }
}

impl EegParams {
    /// Size of the evoked response in microvolts.
    pub(super) fn response_uv(&self) -> f64 {
        let ratio = |db: f64| self.background_uv_rms * math::pow(10.0, db / 20.0);
        match (self.paradigm, self.snr_db) {
            (ParadigmName::P300, Some(db)) => ratio(db),
            // The power of a sine is half the square of its peak.
            (ParadigmName::Ssvep, Some(db)) => ratio(db) * core::f64::consts::SQRT_2,
            _ => self.evoked_uv,
        }
    }

    /// The parameters by what they belong to.
    #[must_use]
    pub fn model(&self) -> EegModel {
        let mu_uv_rms = match (self.paradigm, self.snr_db) {
            (ParadigmName::MotorImagery, Some(db)) => {
                self.background_uv_rms * math::pow(10.0, db / 20.0)
            }
            _ => self.mu_uv_rms,
        };
        let rhythm = |amplitude_uv_rms, peak_hz, bandwidth_hz| RhythmParams {
            amplitude_uv_rms,
            peak_hz,
            bandwidth_hz,
        };
        let trial_s = self.trial_s.unwrap_or(self.cue_s + self.task_s + 2.0);
        let paradigm = match self.paradigm {
            ParadigmName::Rest => Paradigm::Rest,
            ParadigmName::MotorImagery => Paradigm::MotorImagery {
                trial_s,
                cue_s: self.cue_s,
                imagery_s: self.task_s,
                erd_depth: self.erd_depth,
                ers_gain: self.ers_gain,
            },
            ParadigmName::P300 => Paradigm::P300 {
                soa_s: self.trial_s.unwrap_or(1.0),
                target_probability: self.target_probability,
                amplitude_uv: self.response_uv(),
            },
            ParadigmName::Ssvep => {
                let hz = |k: usize| self.flicker_hz + self.flicker_step_hz * k as f64;
                Paradigm::Ssvep {
                    trial_s,
                    cue_s: self.cue_s,
                    stimulation_s: self.task_s,
                    frequencies_hz: core::array::from_fn(|k| {
                        if k < self.flickers { hz(k) } else { 0.0 }
                    }),
                    harmonics: self.flicker_harmonics,
                    amplitude_uv: self.response_uv(),
                }
            }
        };
        EegModel {
            background_uv_rms: self.background_uv_rms,
            exponent: self.background_exponent,
            low_corner_hz: self.background_corner_hz,
            own_fraction: self.own_fraction,
            mu: rhythm(mu_uv_rms, self.mu_hz, self.mu_bandwidth_hz),
            beta: rhythm(self.beta_uv_rms, self.beta_hz, self.beta_bandwidth_hz),
            alpha: rhythm(self.alpha_uv_rms, self.alpha_hz, self.alpha_bandwidth_hz),
            paradigm,
            artefacts: ArtefactParams {
                blinks_per_min: self.blinks_per_min,
                blink_uv: self.blink_uv,
                muscle_per_min: self.emg_per_min,
                muscle_uv_rms: self.emg_uv_rms,
                muscle_s: self.emg_s,
                heart_per_min: self.ecg_per_min,
                heart_uv: self.ecg_uv,
                pops_per_min: self.pops_per_min,
                pop_uv: self.pop_uv,
                pop_decay_s: self.pop_decay_s,
                wander_uv: self.wander_uv,
                wander_period_s: self.wander_period_s,
                mains_uv: self.mains_uv,
                mains_hz: self.mains_hz,
                mains_harmonics: self.mains_harmonics,
                mains_wander_hz: self.mains_wander_hz,
            },
            bad_channel_rate: self.bad_channel_rate,
        }
    }
}

/// A rhythm's peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RhythmParams {
    /// Standard deviation at its electrode in microvolts; 0 leaves it out.
    pub amplitude_uv_rms: f64,
    /// Frequency of the peak in Hz.
    pub peak_hz: f64,
    /// Width at half the peak's power in Hz, at most a third of the peak.
    pub bandwidth_hz: f64,
}

/// What an EEG consists of: the parameters, by what they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EegModel {
    /// Standard deviation of every channel's background in microvolts.
    pub background_uv_rms: f64,
    /// Exponent b of the background's 1/f^b.
    pub exponent: f64,
    /// Where its power law begins, in Hz.
    pub low_corner_hz: f64,
    /// Share of the background's power that no other channel has, 0 to 1.
    pub own_fraction: f64,
    /// Over C3 and C4.
    pub mu: RhythmParams,
    /// Over C3 and C4.
    pub beta: RhythmParams,
    /// At the back of the head.
    pub alpha: RhythmParams,
    /// The task.
    pub paradigm: Paradigm,
    /// What spoils the signal.
    pub artefacts: ArtefactParams,
    /// Share of channels that are flat or noisy, 0 to 1.
    pub bad_channel_rate: f64,
}

impl Default for EegModel {
    fn default() -> Self {
        EegParams::default().model()
    }
}
