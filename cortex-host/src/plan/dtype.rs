//! The samples a kernel is to take: single precision, or steps of a scale.

use cortex_core::kernel::{FixedPoint, FixedType};

use crate::config::value::{choice, positive};
use crate::config::{At, KernelConfig, Problem};
use crate::foreign::Dtype;

/// `dtype` and `scale_uv` of kernel `index`, which takes `dtypes`, the first of them by default.
pub(super) fn plan_dtype(
    index: usize,
    config: &At<KernelConfig>,
    dtypes: &[Dtype],
) -> Result<(Dtype, f64), Problem> {
    let path = |key: &str| format!("kernels[{index}].{key}");
    let table = &config.value;
    let dtype = match &table.dtype {
        None => dtypes[0],
        Some(at) => choice(&path("dtype"), at, dtypes, Dtype::name)?,
    };
    let scale_uv = match (dtype, table.scale_uv) {
        (Dtype::F32, None) => 1.0,
        (Dtype::F32, Some(at)) => {
            let message = format!(
                "{} is the step of q15 and q31 samples, but dtype is f32; remove it",
                path("scale_uv")
            );
            return Err(Problem::at(at.position, message));
        }
        (_, Some(at)) => positive(&path("scale_uv"), at)?,
        (_, None) => {
            let position = table.dtype.as_ref().map_or(config.position, |at| at.position);
            let message = format!(
                "{} is missing: say how many microvolts one step of {} is, such as 0.1",
                path("scale_uv"),
                dtype.name()
            );
            return Err(Problem::at(position, message));
        }
    };
    Ok((dtype, scale_uv))
}

/// The same of a kernel of this program; none for single precision.
pub(super) fn plan_fixed_point(
    index: usize,
    config: &At<KernelConfig>,
) -> Result<Option<FixedPoint>, Problem> {
    let (dtype, scale_uv) = plan_dtype(index, config, &Dtype::ALL)?;
    let dtype = match dtype {
        Dtype::F32 => return Ok(None),
        Dtype::Q15 => FixedType::Q15,
        Dtype::Q31 => FixedType::Q31,
    };
    Ok(Some(FixedPoint { dtype, scale_uv }))
}
