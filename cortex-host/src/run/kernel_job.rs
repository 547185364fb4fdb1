//! A kernel of a run as the link takes it.

use cortex_core::kernel::{FixedOutput, FixedType};
use cortex_core::link::Encoding;

use super::built::BuiltKernel;
use crate::base::Failure;
use crate::device::KernelSettings;
use crate::plan::Plan;

/// A kernel as the link takes it.
pub(super) fn kernel_job(plan: &Plan, built: &BuiltKernel) -> Result<KernelSettings, Failure> {
    let (mut input, mut output) = (plan.encoding.on_the_link(), plan.results.on_the_link());
    if let Some((format, returned)) = built.fixed_point() {
        // The kernel's own steps, whatever the encoding of samples in microvolts.
        let steps = match format.dtype {
            FixedType::Q15 => Encoding::Q15,
            FixedType::Q31 => Encoding::F32,
        };
        input = steps;
        if output == Encoding::F32 && matches!(returned, FixedOutput::Samples(_)) {
            output = steps;
        }
    }
    Ok(KernelSettings {
        kernel: built.on_a_device()?,
        shape: built.kernel_run.shape,
        input,
        output,
    })
}
