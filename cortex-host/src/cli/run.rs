//! `cortex-host run`: a configuration in, a results folder out.
//!
//! Everything that can be refused is refused before the run's folder is made; from then on
//! whatever happens, the windows up to there are kept and `summary.json` says how it ended.

use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;

use super::{Talk, arguments, browser, output};
use crate::run::target::Target;
use crate::run::{data, kernels, loaded};

use crate::base::Interrupt;
use crate::base::atomic_file::refuse_taken;
use crate::base::{ExitCode, Failure, shell_word};
use crate::device::{FaultSpec, OpenOptions};
use crate::harness::{AppliedRealtime, Ending};
use crate::plan::{self, Overrides, Plan};
use crate::report::REPORT_NAME;
use crate::results::{
    HostFacts, KernelSummary, RunFolder, RunStatus, SCHEMA_VERSION, Summary, ToolFacts,
    summary_markdown, terminal_table,
};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host run --open
  cortex-host run my.yaml
  cortex-host run --config my.yaml --quiet --json > summary.json
  sed 's/channels: 64/channels: 256/' my.yaml | cortex-host run --config -
  cortex-host run --device 'serial:///dev/ttyACM0?baud=921600'
  cortex-host run --device loopback --fault ber=1e-5,drop=0.01 --fault-seed 3 \\
    --fault-log faults.txt --trace link.pcap

Leaves results/run-YYYY-MM-DD-HHMMSS/ with config.yaml (as resolved), telemetry, summary.json,
SUMMARY.md and report.html; Ctrl-C keeps the windows up to there. Exit code 1: windows failed; 4:
the device or its link failed.

Faults, each a probability from 0 to 1, in both directions and from the first frame on:
  ber        of a bit: it is flipped        reorder   of a frame: it comes after the next one
  drop-byte  of a byte: it is lost          noise     before a frame: up to 64 random bytes
  drop       of a frame: it is lost         zeros     before a frame: up to 64 bytes 0x00
  dup        of a frame: it comes twice     oversize  before a frame: 5000 bytes without 0x00
  truncate   of a frame: its end is lost
The results are then the same as without, or the run ends with exit code 4 and the cause.
cortex-host link decode prints what --trace wrote.")]
pub struct Args {
    /// Configuration: a file, a pipe, or - for stdin; the built-in quickstart when absent.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    pub file: Option<String>,
    /// The same, by name.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<String>,
    /// Print the summary as one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Show the report in the browser at the end.
    #[arg(long)]
    pub open: bool,
    /// Run on this device instead of the configuration's: native, loopback,
    /// serial://PATH?baud=N or qemu:BOARD.
    #[arg(short, long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Stream the samples to the device, or have it generate its own from the seed.
    #[arg(long, value_name = "streamed|seeded")]
    pub transfer: Option<String>,
    /// Disturb the link on purpose: NAME=RATE,... as below, such as ber=1e-5,drop=0.01.
    #[arg(long, value_name = "SPEC")]
    pub fault: Option<FaultSpec>,
    /// Seed of the faults: the same seed does the same to the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "fault")]
    pub fault_seed: u64,
    /// Write each fault to a file as it happens, one a line.
    #[arg(long, value_name = "FILE", requires = "fault", value_parser = arguments::path)]
    pub fault_log: Option<PathBuf>,
    /// Write what crosses the link to a file that `cortex-host link decode` prints.
    #[arg(long, value_name = "FILE", value_parser = arguments::path)]
    pub trace: Option<PathBuf>,
    /// Replace the files of --trace and --fault-log if they exist.
    #[arg(long)]
    pub force: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, talk: &Talk) -> Result<ExitCode, Failure> {
    let overrides = Overrides { device: args.device.clone(), transfer: args.transfer.clone() };
    let config = args.config.as_deref().or(args.file.as_deref());
    let plan = plan::load_with(config, &overrides)?;
    refuse_taken(
        [&args.trace, &args.fault_log].into_iter().flatten().map(PathBuf::as_path),
        args.force,
    )?;
    let interrupt = Interrupt::installed()?;
    let kernels = loaded::load(&plan)?;
    if cfg!(debug_assertions) {
        talk.warn("this is a build without optimisation; measure with cargo run --release");
    }

    let options = OpenOptions {
        fault: args.fault.map(|spec| (spec, args.fault_seed)),
        fault_log: args.fault_log.clone(),
        trace: args.trace.clone(),
        firmware: None,
        interrupt: Some(interrupt.clone()),
    };
    let target = Target::open(&plan, &kernels, &options, talk)?;

    let (started, start) = (Timestamp::now(), Instant::now());
    let folder = RunFolder::create(&plan.output.directory, started)?;
    let data = match data::prepare(&plan, &folder, &interrupt, talk) {
        Ok(data) => data,
        Err(failure) => {
            folder.discard();
            return Err(failure);
        }
    };
    let mut run = Run { summary: first_summary(&plan, &folder, &data, started), folder, start };
    run.summary.faults = args.fault.map(|spec| format!("{spec}, seed {}", args.fault_seed));
    if let Target::Linked(linked) = &target {
        run.summary.device_facts = Some(linked.facts.clone());
    }
    run.folder.write_text("config.yaml", &plan.config_text)?;
    run.save()?;

    talk.say("Running harness...");
    let outcome = kernels::run_all(&plan, kernels, target, data, &mut run, &interrupt, talk);
    if let Err(failure) = &outcome
        && failure.code() == ExitCode::Device
        && run.summary.kernels.iter().all(|kernel| kernel.windows.run == 0)
    {
        // The device was lost before its first window: there is nothing to keep.
        run.folder.discard();
        return Err(failure.clone());
    }
    let code = run.conclude(outcome, talk)?;
    run.report(args.json, talk)?;
    if args.open {
        browser::show(&run.folder.path().join(REPORT_NAME), talk);
    }
    Ok(code)
}

/// A run under way: its folder and what is known of it.
pub(crate) struct Run {
    pub(crate) summary: Summary,
    pub(crate) folder: RunFolder,
    pub(crate) start: Instant,
}

impl Run {
    /// Writes `summary.json` and `SUMMARY.md` as things stand.
    pub(crate) fn save(&mut self) -> Result<(), Failure> {
        self.summary.elapsed_s = self.start.elapsed().as_secs_f64();
        self.folder.write_text("summary.json", &self.summary.to_json())?;
        self.folder.write_text("SUMMARY.md", &summary_markdown(&self.summary))?;
        Ok(())
    }

    /// Adds what came of a kernel and writes it down.
    pub(crate) fn add(&mut self, kernel: KernelSummary) -> Result<(), Failure> {
        self.summary.kernels.push(kernel);
        self.save()
    }

    /// Decides how the run ended and writes that down.
    fn conclude(
        &mut self,
        outcome: Result<Ending, Failure>,
        talk: &Talk,
    ) -> Result<ExitCode, Failure> {
        let (status, code, error) = verdict(&outcome, self.summary.finding());
        self.summary.status = status;
        self.summary.error = error;
        self.summary.finished_at = Some(utc(Timestamp::now()));
        let saved = self.save().and_then(|()| Ok(crate::report::write(self.folder.path())?));
        if let Err(unsaved) = saved {
            // What broke the run comes first: it is mostly why the summary cannot be saved.
            return Err(outcome.err().unwrap_or(unsaved));
        }
        match (&self.summary.error, status) {
            (Some(error), _) => talk.error(error),
            (None, RunStatus::Interrupted) => {
                talk.say("Interrupted; the windows up to here are kept");
            }
            _ => {}
        }
        Ok(code)
    }

    /// Prints the outcome on stdout.
    fn report(&self, json: bool, talk: &Talk) -> Result<(), Failure> {
        let folder = self.folder.path().display();
        if json {
            #[derive(serde::Serialize)]
            struct Answer<'a> {
                folder: String,
                #[serde(flatten)]
                summary: &'a Summary,
            }
            let answer = Answer { folder: folder.to_string(), summary: &self.summary };
            let text = serde_json::to_string_pretty(&answer)
                .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))?;
            return output::print(&text);
        }
        if talk.is_quiet() {
            return Ok(());
        }
        let table = terminal_table(&self.summary);
        output::print(&format!("\n{table}\nResults: {folder}\nReport:  {folder}/{REPORT_NAME}"))
    }
}

/// Status, exit code and message of a run that ended with `outcome`; `finding` is what was wrong
/// with its windows.
fn verdict(
    outcome: &Result<Ending, Failure>,
    finding: Option<String>,
) -> (RunStatus, ExitCode, Option<String>) {
    match outcome {
        Err(failure) => (RunStatus::Failed, failure.code(), Some(failure.to_string())),
        Ok(Ending::Interrupted) => (RunStatus::Interrupted, ExitCode::Interrupted, None),
        Ok(Ending::Complete) if finding.is_some() => {
            (RunStatus::Failed, ExitCode::CheckFailed, finding)
        }
        Ok(Ending::Complete) => (RunStatus::Complete, ExitCode::Success, None),
    }
}

/// What is known before the first window.
fn first_summary(
    plan: &Plan,
    folder: &RunFolder,
    data: &data::Data,
    started: Timestamp,
) -> Summary {
    let config = folder.path().join("config.yaml");
    Summary {
        schema_version: SCHEMA_VERSION,
        run_id: folder.run_id().to_owned(),
        status: RunStatus::Running,
        error: None,
        started_at: utc(started),
        finished_at: None,
        elapsed_s: 0.0,
        tool: ToolFacts::here(),
        host: HostFacts::here(),
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
        dataset: data.facts.clone(),
        reproduce: format!("cortex-host run --config {}", shell_word(&config.to_string_lossy())),
        kernels: Vec::new(),
    }
}

/// RFC 3339 in UTC, to the second.
fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_windows_fail_the_run_even_when_it_came_to_its_end() {
        let ended = |outcome, failed| {
            let finding = (failed > 0).then(|| format!("{failed} windows failed"));
            let (status, code, error) = verdict(&outcome, finding);
            (status, code.code(), error.is_some())
        };
        assert_eq!(ended(Ok(Ending::Complete), 0), (RunStatus::Complete, 0, false));
        assert_eq!(ended(Ok(Ending::Complete), 1), (RunStatus::Failed, 1, true));
        assert_eq!(ended(Ok(Ending::Interrupted), 1), (RunStatus::Interrupted, 130, false));
        let full = Failure::input_output("the disk is full");
        assert_eq!(ended(Err(full), 0), (RunStatus::Failed, 3, true));
    }
}
