//! The kernels of a plan, built.

use cortex_core::kernel::{AnyForm, FixedOutput, FixedPoint, Kernel, KernelShape};

use crate::base::Failure;
use crate::device::DeviceKernel;
use crate::harness::KernelRun;
use crate::plan::{KernelPlan, KernelSource, Plan};
use crate::results::kernel_folder_names;

/// A kernel ready to run.
pub(super) struct BuiltKernel {
    pub(super) kernel_run: KernelRun,
    pub(super) source: KernelSource,
    /// Of this program; none for a kernel of the user's own, which is opened when its turn comes.
    pub(super) kernel: Option<AnyForm>,
}

impl BuiltKernel {
    /// What a kernel of this program in fixed point takes and returns.
    pub(super) fn fixed_point(&self) -> Option<(FixedPoint, FixedOutput)> {
        let kernel = self.kernel.as_ref()?;
        Some((kernel.fixed_point()?, kernel.fixed_output()?))
    }

    /// What a device is told to build: a kernel that its firmware has as well.
    pub(super) fn on_a_device(&self) -> Result<DeviceKernel, Failure> {
        let absent = |why: &str| {
            let name = &self.kernel_run.name;
            Failure::usage(format!("kernel {name} cannot be on a device: {why}"))
        };
        match &self.source {
            KernelSource::BuiltIn(form) => Ok(form.clone().into()),
            KernelSource::Library(kernel) => {
                kernel.on_a_device().map(DeviceKernel::Own).map_err(|refused| absent(&refused.why))
            }
            KernelSource::Program(_) => Err(absent("it is a program")),
        }
    }
}

/// Builds every kernel of `plan`, so that none is refused halfway through a run.
pub(super) fn build(plan: &Plan) -> Result<Vec<BuiltKernel>, Failure> {
    let names = kernel_folder_names(plan.kernels.iter().map(KernelPlan::called));
    plan.kernels.iter().zip(names).map(|(kernel, name)| build_one(plan, kernel, name)).collect()
}

pub(super) fn build_one(
    plan: &Plan,
    kernel: &KernelPlan,
    name: String,
) -> Result<BuiltKernel, Failure> {
    let shape = KernelShape {
        channels: plan.dataset.channels(),
        window: kernel.window,
        hop: kernel.hop,
        sample_rate_hz: plan.dataset.sample_rate_hz(),
    };
    let built = match &kernel.source {
        KernelSource::BuiltIn(form) => Some(
            form.build(shape).map_err(|error| Failure::usage(format!("kernel {name}: {error}")))?,
        ),
        KernelSource::Library(_) | KernelSource::Program(_) => None,
    };
    let kernel_run = KernelRun {
        name,
        shape,
        deadline_ns: (kernel.deadline_us * 1e3).round() as u64,
        rows: plan.samples_per_repeat(),
        warmup_windows: plan.execution.warmup_windows,
        repeats: plan.execution.repeat_count,
        pace: plan.execution.pace,
    };
    Ok(BuiltKernel { kernel_run, source: kernel.source.clone(), kernel: built })
}
