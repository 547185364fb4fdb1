//! What runs the kernels of a run: this program, or a device behind a link, asked beforehand
//! which of them it can hold.

use std::time::Duration;

use cortex_core::link::message::{ReceiveLosses, Seeded};
use cortex_core::link::{ErrorCode, ErrorInfo, HostStats};

use super::built::BuiltKernel;
use super::kernel_job::kernel_job;
use super::line_rate;
use crate::base::{ExitCode, Failure, Level, Observer};
use crate::device::DeviceAddress;
use crate::device::{
    Connection, DeviceKernel, DeviceSummary, KernelSettings, LinkError, LinkStats, OpenOptions,
    open,
};
use crate::plan::{DatasetPlan, Plan, Transfer};
use crate::results::Summary;

/// What runs the kernels.
pub(super) enum Target {
    /// This program.
    Native,
    /// A device.
    Linked(Box<Linked>),
}

/// A device with an open session.
pub(super) struct Linked {
    /// The session.
    pub(super) connection: Connection,
    /// What the device says about itself.
    pub(super) facts: DeviceSummary,
    /// What the device's receiver had lost before the run.
    losses_before: ReceiveLosses,
    /// Why it cannot run a kernel, for each of the plan's.
    pub(super) refusals: Vec<Option<String>>,
}

impl Target {
    /// Opens the device of `plan` and asks it to hold each kernel.
    pub(super) fn open(
        plan: &Plan,
        kernels: &[BuiltKernel],
        options: &OpenOptions,
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let say = |text: &str| observer.message(Level::Info, text);
        let warn = |text: &str| observer.message(Level::Warning, text);
        match &plan.device {
            DeviceAddress::Native if options.fault.is_some() || options.trace.is_some() => {
                return Err(Failure::usage(
                    "--fault and --trace are for the link to a device, but the device is native; \
                     add --device loopback, --device serial://PATH or --device qemu:BOARD",
                ));
            }
            DeviceAddress::Native => return Ok(Target::Native),
            DeviceAddress::Qemu { board } => say(&format!(
                "Starting the emulated board {board} (its firmware is built first if need be)..."
            )),
            device => say(&format!("Opening {device}...")),
        }
        let firmware = options.firmware.clone().or_else(|| plan.firmware_path.clone());
        let options = OpenOptions { firmware, ..options.clone() };
        let mut connection = open(&plan.device, &options)?;
        let facts = DeviceSummary::new(connection.info(), connection.device_clock());
        say(&described(&facts, &connection));
        for kernel in kernels {
            if let Some(warning) = line_rate::too_slow(plan, kernel) {
                warn(&warning);
            }
        }
        let losses_before = connection.stats().device_losses;
        let mut refusals = Vec::new();
        for kernel in kernels {
            let refusal = ask(plan, &mut connection, &kernel_job(plan, kernel)?)?;
            if let Some(refusal) = &refusal {
                warn(&format!("{} will not run: {refusal}", kernel.kernel_run.name));
            }
            refusals.push(refusal);
        }
        if refusals.iter().all(Option::is_some) {
            let first = refusals.into_iter().flatten().next().unwrap_or_default();
            return Err(Failure::new(
                ExitCode::Device,
                format!("no kernel of this configuration fits the device: {first}"),
            )
            .of_too_much());
        }
        Ok(Target::Linked(Box::new(Linked { connection, facts, losses_before, refusals })))
    }

    /// Ends the session, after a run that came to its end.
    pub(super) fn close(self) {
        if let Target::Linked(linked) = self {
            // The windows are in; a device that is gone by now has nothing left to say.
            let _ = linked.connection.close();
        }
    }
}

impl Linked {
    /// What crossed the link since it was opened, with the exchanges of the run's kernels.
    pub(super) fn figures(&self, summary: &Summary) -> LinkStats {
        let links = summary.kernels.iter().filter_map(|kernel| kernel.link);
        let exchange_s: f64 = links.map(|link| link.exchange_s).sum();
        let latency = self.connection.clock().map(|sample| sample.round_trip_ns());
        LinkStats::new(
            &HostStats { device_losses: self.losses_before, ..HostStats::default() },
            &self.connection.stats(),
            Duration::from_secs_f64(exchange_s),
            latency,
        )
    }
}

/// Why the device cannot run a kernel of `plan`; none when it can.
fn ask(
    plan: &Plan,
    connection: &mut Connection,
    kernel_run: &KernelSettings,
) -> Result<Option<String>, Failure> {
    let mut asked = connection.configure(kernel_run).map(|_| ());
    if let (Ok(()), Transfer::Seeded, DatasetPlan::Generated(dataset)) =
        (&asked, plan.transfer, &plan.dataset)
    {
        let generator_digest = connection.info().generator_digest(dataset.spec.version);
        if generator_digest == 0 {
            let version = dataset.spec.version;
            return Ok(Some(format!(
                "the firmware of {} has no generator {version}, and so no {}; use transfer: streamed",
                connection.info().board,
                dataset.signal_type
            )));
        }
        let one = Seeded { source: dataset.spec, first: 0, count: 1, generator_digest };
        asked = connection.run_seeded(&one).map(|_| ());
    }
    match asked {
        Ok(()) => Ok(None),
        Err(LinkError::Refused { error, .. }) => {
            Ok(Some(refusal(&connection.info().board, kernel_run, &error)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The device's answer as a sentence with its limit.
fn refusal(board: &str, kernel_run: &KernelSettings, error: &ErrorInfo) -> String {
    let shape = kernel_run.shape;
    match error.code {
        ErrorCode::TooLarge => format!(
            "{} channels and a window of {} samples need at least {} bytes for state, input and \
             output, but {board} has {}; use fewer channels or a shorter window",
            shape.channels,
            shape.window,
            u64::from(error.a) * 4,
            u64::from(error.b) * 4
        ),
        ErrorCode::TooManyChannels => format!(
            "{} channels are to be generated, but {board} can generate {}; use fewer channels or \
             transfer: streamed",
            error.a, error.b
        ),
        ErrorCode::BadSource if !error.text.is_empty() => format!(
            "{board} cannot generate the dataset: its memory sets {} a closer bound; use a smaller \
             value or transfer: streamed",
            error.text
        ),
        ErrorCode::UnknownKernel
            if error.a == 1 && matches!(kernel_run.kernel, DeviceKernel::Own(_)) =>
        {
            format!(
                "the kernel on {board} refuses its parameters or shape (status {} {})",
                error.b, error.text
            )
        }
        ErrorCode::UnknownKernel if matches!(kernel_run.kernel, DeviceKernel::Own(_)) => format!(
            "the firmware of {board} does not have it: flash an image with it (cortex-host new \
             firmware --help)"
        ),
        code => {
            let mut text = format!("{board} says that {}", code.describe());
            if !error.text.is_empty() {
                text.push_str(&format!(" ({})", error.text));
            }
            text
        }
    }
}

/// One line about a device that has answered.
fn described(facts: &DeviceSummary, connection: &Connection) -> String {
    let commit = facts.firmware_commit.as_deref().map_or(String::new(), |c| format!(" ({c})"));
    let latency = connection.clock().map_or(String::new(), |c| {
        format!(", round trip {:.2} ms", c.round_trip_ns() as f64 / 1e6)
    });
    let clock = match facts.clock.instruction_ns {
        Some(_) => "emulated: figures are instructions".to_owned(),
        None => format!("{} at {} Hz", facts.clock.source, facts.clock.hz),
    };
    format!(
        "{} answers: firmware {}{commit}, {clock}{latency}",
        facts.board, facts.firmware_version
    )
}
