//! The kernels of a run on this computer, those of the user's own among them: each opened when its
//! turn comes.

use std::time::Duration;

use super::built::BuiltKernel;
use crate::foreign::{CommandKernel, Dtype, InProcess, KernelProcess, Launcher, Refusal};
use crate::harness::{Device, NativeDevice, RealtimeSettings, VectorKernel};
use crate::plan::{Isolation, KernelSource, LibraryKernel, ProgramKernel};
use crate::platform::simd::SimdPath;
use crate::results::OwnKernel;

/// Opens a kernel on this computer.
pub(super) fn open(
    built: &BuiltKernel,
    realtime: &RealtimeSettings,
) -> Result<Box<dyn Device>, Refusal> {
    let deadline = Duration::from_nanos(built.kernel_run.deadline_ns);
    if let Some(kernel) = &built.kernel {
        let kernel = VectorKernel::new(kernel.clone(), SimdPath::best());
        return Ok(Box::new(NativeDevice::new(Box::new(kernel), &built.kernel_run.shape)));
    }
    match &built.source {
        KernelSource::BuiltIn(_) => Err(Refusal::new("it was not built")),
        KernelSource::Library(kernel) => open_library(kernel, deadline, realtime),
        KernelSource::Program(program) => {
            CommandKernel::open(&program.setup, deadline, Launcher::GRACE)
                .map(|kernel| Box::new(kernel) as Box<dyn Device>)
        }
    }
}

fn open_library(
    kernel: &LibraryKernel,
    deadline: Duration,
    realtime: &RealtimeSettings,
) -> Result<Box<dyn Device>, Refusal> {
    Ok(match kernel.isolation {
        Isolation::Process => {
            let launcher = Launcher { realtime: realtime.clone(), ..Launcher::here() };
            Box::new(KernelProcess::open(&kernel.setup, deadline, &launcher)?)
        }
        Isolation::None => Box::new(InProcess::open(&kernel.setup)?),
    })
}

/// What the summary says of the kernel.
pub(super) fn facts(source: &KernelSource, saturated_samples: u64) -> Option<OwnKernel> {
    match source {
        KernelSource::BuiltIn(_) => None,
        KernelSource::Library(kernel) => Some(of_library(kernel, saturated_samples)),
        KernelSource::Program(program) => Some(of_program(program)),
    }
}

fn of_library(kernel: &LibraryKernel, saturated_samples: u64) -> OwnKernel {
    let setup = &kernel.setup;
    OwnKernel {
        library: Some(setup.library.to_string_lossy().into_owned()),
        sha256: Some(kernel.sha256.clone()),
        interface: Some(kernel.interface.name().to_owned()),
        isolation: Some(kernel.isolation.name().to_owned()),
        command: None,
        feed: setup.feed.name().to_owned(),
        dtype: setup.dtype.name().to_owned(),
        scale_uv: (setup.dtype != Dtype::F32).then_some(setup.scale_uv),
        state: setup.state.as_ref().map(|path| path.to_string_lossy().into_owned()),
        timed: match kernel.isolation {
            Isolation::Process => "in its process",
            Isolation::None => "in this process",
        }
        .to_owned(),
        saturated_samples,
    }
}

fn of_program(program: &ProgramKernel) -> OwnKernel {
    OwnKernel {
        library: None,
        sha256: None,
        interface: None,
        isolation: None,
        command: Some(program.setup.command.clone()),
        feed: program.setup.feed.name().to_owned(),
        dtype: Dtype::F32.name().to_owned(),
        scale_uv: None,
        state: None,
        timed: "from outside, pipes included".to_owned(),
        saturated_samples: 0,
    }
}
