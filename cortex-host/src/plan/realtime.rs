//! `realtime` of a configuration: what it decides, and how that is written back.

use crate::config::value::{choice, whole};
use crate::config::{At, Problem, RealtimeConfig};
use crate::harness::{RealtimeSettings, Scheduler};

/// The settings as a configuration.
pub(super) fn as_configured(settings: &RealtimeSettings) -> RealtimeConfig {
    RealtimeConfig {
        scheduler: Some(settings.scheduler.name().to_owned().into()),
        priority: settings.priority.map(|priority| u64::from(priority).into()),
        cpu_affinity: (!settings.cpu_affinity.is_empty()).then(|| {
            let cores = settings.cpu_affinity.iter();
            cores.map(|core| At::from(*core as u64)).collect::<Vec<_>>().into()
        }),
    }
}

pub(super) fn plan_realtime(
    config: Option<&At<RealtimeConfig>>,
) -> Result<RealtimeSettings, Problem> {
    let config = config.map(|at| at.value.clone()).unwrap_or_default();
    let schedulers = [Scheduler::Other, Scheduler::Fifo, Scheduler::Rr];
    let scheduler = match &config.scheduler {
        None => Scheduler::Other,
        Some(at) => choice("realtime.scheduler", at, &schedulers, Scheduler::name)?,
    };
    let given = whole("realtime.priority", config.priority, 1, 99)?;
    let priority = match (scheduler, config.priority) {
        (Scheduler::Other, Some(at)) => {
            let message = "realtime.priority needs a real-time scheduler; set realtime.scheduler to fifo or rr, or remove the priority";
            return Err(Problem::at(at.position, message));
        }
        (Scheduler::Other, None) => None,
        (Scheduler::Fifo | Scheduler::Rr, _) => Some(given.unwrap_or(1) as u8),
    };
    let mut cpu_affinity = Vec::new();
    if let Some(list) = config.cpu_affinity {
        if list.value.is_empty() {
            let message =
                "realtime.cpu_affinity is an empty list; name cores, such as [0], or remove it";
            return Err(Problem::at(list.position, message));
        }
        for (index, core) in list.value.iter().enumerate() {
            whole(&format!("realtime.cpu_affinity[{index}]"), Some(*core), 0, 1023)?;
            cpu_affinity.push(core.value as usize);
        }
    }
    Ok(RealtimeSettings { scheduler, priority, cpu_affinity })
}
