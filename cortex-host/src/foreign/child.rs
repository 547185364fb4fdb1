//! The parent's side of a kernel process.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::death::Death;
use super::feeder::Feeder;
use super::printed::Printed;
use super::protocol::{
    Operation, Request, Response, STATUS_DESCRIPTORS_CLOSED, STATUS_OUTPUT_OVERRUN,
};
use super::{Launcher, SampleFormat};
use crate::harness::{Clock, Device, DeviceTiming, WindowDone, WindowFault};
use crate::platform::child::{apart_from_the_terminal, end_with_thread};
use crate::platform::library::{KernelSetup, LibraryDescription, OutputShape, Refusal};
use crate::platform::shared_memory::{Buffers, SharedMemory, Side};

/// While waiting, the process is looked after this often.
const LOOK: Duration = Duration::from_millis(10);

/// A process of its own for one library; ended when dropped.
struct Process {
    child: Child,
    memory: SharedMemory,
    printed: Arc<Mutex<Printed>>,
}

impl Process {
    fn start(launcher: &Launcher) -> std::io::Result<Self> {
        let memory = SharedMemory::create()?;
        let (from_kernel, to_parent) = std::io::pipe()?;
        let mut command = Command::new(&launcher.program);
        command
            .arg("kernel-process")
            .stdin(memory.descriptor().try_clone_to_owned()?)
            .stdout(to_parent.try_clone()?)
            .stderr(to_parent);
        apart_from_the_terminal(&mut command);
        end_with_thread(&mut command);
        let child = command.spawn()?;
        // The command holds the pipe's other end, which must be the child's alone.
        drop(command);
        let printed = Printed::of(from_kernel);
        Ok(Self { child, memory, printed })
    }

    /// Hands over and waits for the answer.
    fn call(&mut self, operation: Operation, patience: Duration) -> Result<(), Death> {
        let control = self.memory.control();
        control.operation.store(operation.number(), Ordering::Relaxed);
        control.request();
        if control.wait_answer(LOOK.min(patience)) {
            return Ok(());
        }
        let start = Instant::now();
        loop {
            if self.memory.control().wait_answer(LOOK) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                // It may have answered and then ended.
                if self.memory.control().wait_answer(Duration::ZERO) {
                    return Ok(());
                }
                return Err(Death::of(status, self.memory.control()));
            }
            if start.elapsed() + LOOK >= patience {
                return Err(Death::NoReturn(patience.as_millis() as u64));
            }
        }
    }

    /// Ends the process; what it printed last, as a sentence's end.
    fn last_words(&mut self) -> String {
        self.end();
        let printed = Printed::sentence(&self.printed);
        // What the runtime of this program prints where an exception of C++ reaches it.
        if printed.contains("foreign exception") {
            return "; an exception left one of its functions, which must catch its own".to_owned();
        }
        printed
    }

    fn end(&mut self) {
        // It may have ended already. Its group goes with it: a kernel may have started others.
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill();
        // Leaves no zombie, whoever ended it.
        let _ = self.child.wait();
    }

    /// A request that is answered as text.
    fn ask(&mut self, request: &Request, patience: Duration) -> Result<Response, Refusal> {
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::new(format!("cannot talk to the kernel's process: {error}"))
        };
        let text = serde_json::to_string(request).map_err(|error| failed(&error))?;
        self.memory.write_text(&text).map_err(|error| failed(&error))?;
        if let Err(death) = self.call(Operation::Text, patience) {
            let printed = self.last_words();
            return Err(Refusal::new(format!("while it was being loaded, {death}{printed}")));
        }
        let text = self.memory.read_text().map_err(|error| failed(&error))?;
        match serde_json::from_str(&text).map_err(|error| failed(&error))? {
            Response::Refused(mut refusal) => {
                refusal.message.push_str(&self.last_words());
                Err(refusal)
            }
            answer => Ok(answer),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn start(launcher: &Launcher) -> Result<Process, Refusal> {
    Process::start(launcher).map_err(|error| {
        Refusal::new(format!(
            "cannot start a process for the kernel ({}): {error}",
            launcher.program.display()
        ))
    })
}

/// What the library at `path` (absolute) says about itself, asked in a process of its own.
///
/// # Errors
/// [`Refusal`]: it is no library of kernels, or died while it was being loaded.
pub fn describe(path: &Path, launcher: &Launcher) -> Result<LibraryDescription, Refusal> {
    match start(launcher)?.ask(&Request::Describe(path.to_owned()), launcher.start)? {
        Response::Described(description) => Ok(description),
        other => Err(unexpected(&other)),
    }
}

/// Loads and plans a kernel in a process of its own, which then ends; gives its output's shape.
///
/// # Errors
/// [`Refusal`]: a sentence of the kernel's, or what it died of.
pub fn try_out(
    setup: &KernelSetup,
    deadline: Duration,
    launcher: &Launcher,
) -> Result<OutputShape, Refusal> {
    KernelProcess::open(setup, deadline, launcher).map(|kernel| kernel.output())
}

/// Has a kernel learn from the whole windows of float32 samples in the file `data`, and writes its
/// trained state to `output`; returns the state's size in bytes. There is an hour for it.
///
/// # Errors
/// [`Refusal`]: the kernel's sentence, or what it died of.
pub fn train(
    setup: &KernelSetup,
    data: &Path,
    labels: Option<Vec<i32>>,
    output: &Path,
    launcher: &Launcher,
) -> Result<u64, Refusal> {
    let request = Request::Train {
        setup: Box::new(setup.clone()),
        data: data.to_owned(),
        labels,
        output: output.to_owned(),
    };
    match start(launcher)?.ask(&request, Duration::from_secs(3600))? {
        Response::Trained(bytes) => Ok(bytes),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(answer: &Response) -> Refusal {
    Refusal::new(format!("the kernel's process gave another answer than asked for: {answer:?}"))
}

/// A foreign kernel in a process of its own.
pub struct KernelProcess {
    process: Process,
    buffers: Buffers,
    output: OutputShape,
    feeder: Feeder,
    format: SampleFormat,
    max_output_len: usize,
    window_patience: Duration,
    reset_patience: Duration,
    loss: Option<String>,
    missing: Option<u32>,
}

impl KernelProcess {
    /// Starts the process, loads the library and plans the kernel. `deadline` is that of a window.
    ///
    /// # Errors
    /// [`Refusal`]: a sentence of the kernel's, or what it died of.
    pub fn open(
        setup: &KernelSetup,
        deadline: Duration,
        launcher: &Launcher,
    ) -> Result<Self, Refusal> {
        let mut process = start(launcher)?;
        let request =
            Request::Plan { setup: Box::new(setup.clone()), realtime: launcher.realtime.clone() };
        let output = match process.ask(&request, launcher.start)? {
            Response::Planned(output) => output,
            other => return Err(unexpected(&other)),
        };
        let (feeder, format) = (Feeder::new(setup), SampleFormat::of(setup));
        let max_output_len = output.values(setup.window);
        let sizes = [feeder.input_bytes(), max_output_len * format.bytes()];
        let buffers = process.memory.map_buffers(Side::Parent, sizes).map_err(|error| {
            Refusal::new(format!("there is no memory for its windows: {error}"))
        })?;
        Ok(Self {
            process,
            buffers,
            output,
            feeder,
            format,
            max_output_len,
            window_patience: deadline.saturating_add(launcher.grace),
            reset_patience: launcher.start,
            loss: None,
            missing: None,
        })
    }

    /// Shape of the kernel's output.
    #[must_use]
    pub fn output(&self) -> OutputShape {
        self.output
    }

    /// Ends the process and remembers why.
    fn lost(&mut self, death: &Death) -> WindowFault {
        let printed = self.process.last_words();
        self.loss = Some(format!("{death}{printed}"));
        WindowFault::KernelLost
    }
}

impl Device for KernelProcess {
    fn adapter_name(&self) -> &str {
        "process"
    }

    fn max_output_len(&self) -> usize {
        self.max_output_len
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        self.buffers.parent().0.fill(0);
        if let Err(death) = self.process.call(Operation::Reset, self.reset_patience) {
            return Err(self.lost(&death));
        }
        if self.process.memory.control().status.load(Ordering::Relaxed) != 0 {
            let text = self.process.memory.read_text().unwrap_or_default();
            self.loss = Some(format!("it could not be reset: {text}"));
            return Err(WindowFault::KernelLost);
        }
        Ok(())
    }

    fn run_window(
        &mut self,
        _index: u64,
        input: &[f32],
        output: &mut [f32],
        _clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        let rows = self.feeder.fill(input, self.buffers.parent().0);
        self.process.memory.control().rows.store(rows, Ordering::Relaxed);
        if let Err(death) = self.process.call(Operation::Process, self.window_patience) {
            return Err(self.lost(&death));
        }
        let control = self.process.memory.control();
        let missing = control.missing_samples.load(Ordering::Relaxed);
        self.missing = (missing != u32::MAX).then_some(missing);
        match control.status.load(Ordering::Relaxed) {
            0 => {}
            i32::MIN => {
                let what = control.operation.load(Ordering::Relaxed);
                return Err(match what {
                    STATUS_OUTPUT_OVERRUN => self.lost(&Death::PastOutput(1)),
                    STATUS_DESCRIPTORS_CLOSED => self.lost(&Death::DescriptorsClosed),
                    _ => WindowFault::Status(i32::MIN),
                });
            }
            status => {
                let memory = &self.process.memory;
                self.loss.get_or_insert_with(|| memory.read_text().unwrap_or_default());
                return Err(WindowFault::Status(status));
            }
        }
        let (start_ns, end_ns) =
            (control.start_ns.load(Ordering::Relaxed), control.end_ns.load(Ordering::Relaxed));
        let output_len = self.output.values(rows);
        self.format.decode(self.buffers.parent().1, &mut output[..output_len]);
        Ok(WindowDone { output_len, timing: DeviceTiming::of_kernel(start_ns, end_ns) })
    }

    fn missing_samples(&self) -> Option<u32> {
        self.missing
    }

    fn saturated_samples(&self) -> u64 {
        self.feeder.saturated()
    }

    fn loss(&self) -> Option<String> {
        self.loss.clone()
    }
}
