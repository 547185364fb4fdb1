//! The child's side: a process that loads one library and runs one kernel of it.
//!
//! Its standard input is the shared memory; what the kernel prints goes to a pipe that the parent
//! reads. Everything foreign runs on one thread with a large stack that ends at a guard page. The
//! process ends with its parent, however that ends.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::thread;

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::protocol::{
    Operation, Request, Response, STATUS_DESCRIPTORS_CLOSED, STATUS_OUTPUT_OVERRUN,
};
use super::training;
use crate::base::Failure;
use crate::harness::{RealtimeSettings, Scheduler, apply_realtime};
use crate::platform::fault_report::report_faults;
use crate::platform::library::{KernelSetup, Library, LoadedKernel, Refusal};
use crate::platform::shared_memory::{Buffers, SharedMemory, Side};

/// Stack of the kernel's thread: foreign code may use `alloca`.
const STACK_BYTES: usize = 64 << 20;

/// Serves one parent until it ends; called in a process that does nothing else.
///
/// # Errors
/// The standard input is not what a parent gives its child.
pub fn serve() -> Result<(), Failure> {
    // A core file would be something left behind.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let refused = |error: std::io::Error| {
        Failure::usage(format!("kernel-process is started by cortex-host itself: {error}"))
    };
    let file = std::io::stdin().as_fd().try_clone_to_owned().map_err(refused)?;
    let memory: &'static SharedMemory =
        Box::leak(Box::new(SharedMemory::of(file).map_err(refused)?));
    let kernel = thread::Builder::new().name("kernel".to_owned()).stack_size(STACK_BYTES);
    let thread = kernel.spawn(move || {
        let here = 0_u8;
        let top = std::ptr::from_ref(&here).addr() as u64;
        memory.control().ranges[4].store(top - STACK_BYTES as u64, Ordering::SeqCst);
        report_faults(memory);
        run(memory)
    });
    let ended = thread.map_err(refused)?.join();
    ended.map_err(|_| Failure::input_output("the kernel process failed"))?.map_err(refused)
}

/// The first request, and windows if it was for a kernel.
fn run(memory: &SharedMemory) -> std::io::Result<()> {
    memory.control().wait_request();
    let request: Request =
        serde_json::from_str(&memory.read_text()?).map_err(std::io::Error::other)?;
    let planned = match request {
        Request::Describe(path) => {
            answer(
                memory,
                Library::open(&path)
                    .and_then(|library| library.describe())
                    .map(Response::Described),
            )?;
            return Ok(());
        }
        Request::Train { setup, data, labels, output } => {
            answer(
                memory,
                training::train(&setup, &data, labels.as_deref(), &output).map(Response::Trained),
            )?;
            return Ok(());
        }
        Request::Plan { setup, realtime } => {
            let planned = plan(memory, &setup);
            schedule(realtime);
            planned
        }
    };
    let (mut kernel, buffers) = match planned {
        Ok(planned) => planned,
        Err(refusal) => return answer(memory, Err(refusal)),
    };
    answer(memory, Ok(Response::Planned(kernel.output())))?;
    windows(memory, &mut kernel, buffers)
}

fn answer(memory: &SharedMemory, answer: Result<Response, Refusal>) -> std::io::Result<()> {
    let answer = answer.unwrap_or_else(Response::Refused);
    memory.write_text(&serde_json::to_string(&answer).map_err(std::io::Error::other)?)?;
    memory.control().answer();
    Ok(())
}

/// Schedules this thread as the one that waits for it. The run's own thread asks for the same and
/// tells what is refused.
fn schedule(realtime: RealtimeSettings) {
    let scheduler = match realtime.scheduler {
        // Takes turns with the waiting thread, where both share a core: under `fifo` a kernel that
        // does not return would keep that thread from ending it.
        Scheduler::Fifo => Scheduler::Rr,
        other => other,
    };
    let _ = apply_realtime(&RealtimeSettings { scheduler, ..realtime });
}

fn plan(memory: &SharedMemory, setup: &KernelSetup) -> Result<(LoadedKernel, Buffers), Refusal> {
    let kernel = Library::open(&setup.library)?.plan(setup)?;
    let bytes = setup.dtype.bytes();
    let sizes = [setup.max_input_values(), kernel.output().values(setup.window)];
    let buffers = memory
        .map_buffers(Side::Child, sizes.map(|values| values * bytes))
        .map_err(|error| Refusal::new(format!("there is no memory for its windows: {error}")))?;
    for (range, at) in buffers.ranges().into_iter().flatten().zip(&memory.control().ranges) {
        at.store(range, Ordering::SeqCst);
    }
    Ok((kernel, buffers))
}

/// The loop of windows: it ends with the process.
fn windows(
    memory: &SharedMemory,
    kernel: &mut LoadedKernel,
    mut buffers: Buffers,
) -> std::io::Result<()> {
    let control = memory.control();
    let broken = |status: u32| {
        control.operation.store(status, Ordering::Relaxed);
        i32::MIN
    };
    loop {
        control.wait_request();
        match Operation::of(control.operation.load(Ordering::Relaxed)) {
            Some(Operation::Reset) => match kernel.reset() {
                Ok(()) => control.status.store(0, Ordering::Relaxed),
                Err(refusal) => {
                    memory.write_text(&refusal.message)?;
                    control.status.store(1, Ordering::Relaxed);
                }
            },
            Some(Operation::Process) => {
                let rows = control.rows.load(Ordering::Relaxed);
                // In the caches, where it lies for a kernel in the run's own process: otherwise the kernel's
                // time has the hand-over's misses in it.
                buffers.fetch_input();
                let (input, output) = buffers.child();
                let start_ns = now_ns();
                let mut status = kernel.process(input, rows, output);
                let end_ns = now_ns();
                control.start_ns.store(start_ns, Ordering::Relaxed);
                control.end_ns.store(end_ns, Ordering::Relaxed);
                control.operation.store(0, Ordering::Relaxed);
                let missing = kernel.missing_samples().unwrap_or(u32::MAX);
                control.missing_samples.store(missing, Ordering::Relaxed);
                if !buffers.output_margin_is_intact() {
                    status = broken(STATUS_OUTPUT_OVERRUN);
                } else if !descriptors_are_open(memory) {
                    status = broken(STATUS_DESCRIPTORS_CLOSED);
                } else if status != 0 {
                    memory.write_text(&kernel.describe(status))?;
                }
                control.status.store(status, Ordering::Relaxed);
            }
            Some(Operation::Text) | None => return Err(std::io::ErrorKind::InvalidData.into()),
        }
        control.answer();
    }
}

/// Whether the process still has what its parent gave it. Descriptors are closed in rows, so that one
/// stands for all.
fn descriptors_are_open(memory: &SharedMemory) -> bool {
    rustix::io::fcntl_getfd(memory.descriptor()).is_ok()
        && rustix::io::fcntl_getfd(std::io::stderr()).is_ok()
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
