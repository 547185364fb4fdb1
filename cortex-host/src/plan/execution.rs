//! `execution` of a configuration: what it decides, and how that is written back.

use crate::config::value::{choice, positive, whole};
use crate::config::{At, ExecutionConfig, Problem};
use crate::harness::Pace;

/// How long, how often and how fast a run streams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExecutionPlan {
    /// Windows at the start of every repeat that do not enter the statistics.
    pub warmup_windows: u64,
    /// Samples per channel that one repeat streams, at most those of the dataset.
    pub samples: u64,
    /// Times each kernel is run, from fresh state, at least 1.
    pub repeat_count: u32,
    /// Whether windows are released by the sample clock.
    pub pace: Pace,
}

impl ExecutionPlan {
    /// The same as a configuration with every key.
    pub(super) fn as_configured(&self, sample_rate_hz: f64) -> ExecutionConfig {
        ExecutionConfig {
            warmup_windows: Some(self.warmup_windows.into()),
            duration_seconds: Some((self.samples as f64 / sample_rate_hz).into()),
            repeat_count: Some(u64::from(self.repeat_count).into()),
            pace: Some(self.pace.name().to_owned().into()),
        }
    }
}

pub(super) fn plan_execution(
    config: Option<&At<ExecutionConfig>>,
    dataset_samples: u64,
    sample_rate_hz: f64,
) -> Result<ExecutionPlan, Problem> {
    let config = config.map(|at| at.value.clone()).unwrap_or_default();
    let samples = match config.duration_seconds {
        None => dataset_samples,
        Some(duration) => {
            let seconds = positive("execution.duration_seconds", duration)?;
            let samples = (seconds * sample_rate_hz).round();
            let dataset_seconds = dataset_samples as f64 / sample_rate_hz;
            if samples > dataset_samples as f64 {
                return Err(Problem::at(
                    duration.position,
                    format!(
                        "execution.duration_seconds asks for {seconds} s, but the dataset holds {dataset_seconds} s ({dataset_samples} samples); shorten it or use a longer dataset"
                    ),
                ));
            }
            samples as u64
        }
    };
    let pace = match config.pace {
        None => Pace::Realtime,
        Some(pace) => choice("execution.pace", &pace, &[Pace::Realtime, Pace::Max], Pace::name)?,
    };
    Ok(ExecutionPlan {
        warmup_windows: config.warmup_windows.map_or(0, |at| at.value),
        samples,
        repeat_count: whole("execution.repeat_count", config.repeat_count, 1, 10_000)?.unwrap_or(1)
            as u32,
        pace,
    })
}
