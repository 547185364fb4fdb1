//! The kernels of a plan, built.

use cortex_core::kernel::{AnyKernel, KernelShape, KernelSpec};

use crate::base::Failure;
use crate::harness::Job;
use crate::plan::{KernelPlan, Plan};
use crate::results::kernel_folder_names;

/// A kernel ready to run.
pub(super) struct BuiltKernel {
    pub(super) job: Job,
    pub(super) spec: KernelSpec,
    pub(super) kernel: AnyKernel,
}

/// Builds every kernel of `plan`, so that none is refused halfway through a run.
pub(super) fn build(plan: &Plan) -> Result<Vec<BuiltKernel>, Failure> {
    let names = kernel_folder_names(plan.kernels.iter().map(|kernel| kernel.name.as_str()));
    plan.kernels.iter().zip(names).map(|(kernel, name)| build_one(plan, kernel, name)).collect()
}

fn build_one(plan: &Plan, kernel: &KernelPlan, name: String) -> Result<BuiltKernel, Failure> {
    let shape = KernelShape {
        channels: plan.dataset.channels(),
        window: kernel.window,
        hop: kernel.hop,
        sample_rate_hz: plan.dataset.sample_rate_hz(),
    };
    let built = kernel
        .spec
        .build(shape)
        .map_err(|error| Failure::usage(format!("kernel {name}: {error}")))?;
    let job = Job {
        name,
        shape,
        deadline_ns: (kernel.deadline_us * 1e3).round() as u64,
        rows: plan.samples_per_repeat(),
        warmup_windows: plan.execution.warmup_windows,
        repeats: plan.execution.repeat_count,
        pace: plan.execution.pace,
    };
    Ok(BuiltKernel { job, spec: kernel.spec.clone(), kernel: built })
}
