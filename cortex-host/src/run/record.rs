//! A run under way: its folder, and the summary that grows in it.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::data::Data;
use crate::base::{ExitCode, Failure, Level, Observer, Progress, rfc3339, shell_word};
use crate::harness::{AppliedRealtime, Ending};
use crate::plan::Plan;
use crate::results::{
    HostInfo, KernelSummary, RunFolder, RunStatus, SCHEMA_VERSION, Summary, ToolInfo, WindowLabels,
    summary_markdown,
};

/// A run under way, and who watches it.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) progress: &'a Progress,
    pub(super) observer: &'a dyn Observer,
    pub(super) folder: RunFolder,
    pub(super) summary: Summary,
    pub(super) labels: Option<Arc<WindowLabels>>,
    pub(super) start: Instant,
}

impl Run<'_> {
    /// Tells the observer.
    pub(super) fn say(&self, text: &str) {
        self.observer.message(Level::Info, text);
    }

    /// Warns the observer.
    pub(super) fn warn(&self, text: &str) {
        self.observer.message(Level::Warning, text);
    }

    /// Writes `summary.json` and `SUMMARY.md` as things stand.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        self.summary.elapsed_s = self.start.elapsed().as_secs_f64();
        self.folder.write_text("summary.json", &self.summary.to_json())?;
        self.folder.write_text("SUMMARY.md", &summary_markdown(&self.summary))?;
        Ok(())
    }

    /// Adds what came of a kernel and writes it down.
    pub(super) fn add(&mut self, kernel: KernelSummary) -> Result<(), Failure> {
        self.summary.kernels.push(kernel);
        self.summary.describe_kernels();
        self.save()
    }

    /// Decides how the run ended and writes that and the report down. Returns what broke it off or
    /// is wrong with its windows.
    pub(super) fn conclude(
        &mut self,
        outcome: Result<Ending, Failure>,
    ) -> Result<Option<Failure>, Failure> {
        let (status, failure) = verdict(outcome, self.summary.finding());
        self.summary.status = status;
        self.summary.error = failure.as_ref().map(ToString::to_string);
        self.summary.finished_at = Some(rfc3339(Timestamp::now()));
        let saved = self.save().and_then(|()| Ok(crate::report::write(self.folder.path())?));
        match (saved, failure) {
            // What broke the run comes first: it is mostly why the summary cannot be saved.
            (Err(unsaved), failure) => Err(failure.unwrap_or(unsaved)),
            (Ok(_), failure) => Ok(failure),
        }
    }
}

/// How a run ended, and what went wrong; `finding` is what was wrong with its windows.
fn verdict(
    outcome: Result<Ending, Failure>,
    finding: Option<String>,
) -> (RunStatus, Option<Failure>) {
    match outcome {
        Err(failure) => (RunStatus::Failed, Some(failure)),
        Ok(Ending::Interrupted) => (RunStatus::Interrupted, None),
        Ok(Ending::Complete) => match finding {
            Some(finding) => {
                (RunStatus::Failed, Some(Failure::new(ExitCode::CheckFailed, finding)))
            }
            None => (RunStatus::Complete, None),
        },
    }
}

/// What is known before the first window.
pub(super) fn first_summary(
    plan: &Plan,
    folder: &RunFolder,
    data: &Data,
    started: Timestamp,
) -> Summary {
    let config = folder.path().join("config.yaml");
    Summary {
        schema_version: SCHEMA_VERSION,
        run_id: folder.run_id().to_owned(),
        status: RunStatus::Running,
        error: None,
        started_at: rfc3339(started),
        finished_at: None,
        elapsed_s: 0.0,
        tool: ToolInfo::here(),
        host: HostInfo::here(),
        device: plan.device.to_string(),
        transfer: plan.transfer.name().to_owned(),
        encoding: plan.encoding.name().to_owned(),
        scale_uv: plan.encoding.scale_uv(),
        results: plan.results.name().to_owned(),
        device_facts: None,
        link: None,
        faults: None,
        pace: plan.execution.pace.name().to_owned(),
        realtime: AppliedRealtime::default(),
        plan_sha256: plan.digest(),
        config: plan.config.clone(),
        dataset: data.facts.clone(),
        reproduce: format!("cortex-host run --config {}", shell_word(&config.to_string_lossy())),
        kernels: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_windows_fail_the_run_even_when_it_came_to_its_end() {
        let ended = |outcome, failed| {
            let finding = (failed > 0).then(|| format!("{failed} windows failed"));
            let (status, failure) = verdict(outcome, finding);
            (status, failure.map(|failure| failure.code().code()))
        };
        assert_eq!(ended(Ok(Ending::Complete), 0), (RunStatus::Complete, None));
        assert_eq!(ended(Ok(Ending::Complete), 1), (RunStatus::Failed, Some(1)));
        assert_eq!(ended(Ok(Ending::Interrupted), 1), (RunStatus::Interrupted, None));
        let full = Failure::input_output("the disk is full");
        assert_eq!(ended(Err(full), 0), (RunStatus::Failed, Some(3)));
    }
}
