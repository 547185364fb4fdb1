//! The samples a kernel is to take: single precision, or steps of a scale.

use cortex_core::kernel::{FixedPoint, FixedType};

use crate::config::value::{choice, positive};
use crate::config::{At, KernelConfig, Position, Problem};
use crate::foreign::Dtype;

/// `dtype` and `scale_uv` as they were given.
struct Given<'a> {
    dtype: Option<&'a At<String>>,
    scale_uv: Option<At<f64>>,
    /// Where what is missing would stand.
    position: Position,
}

impl Given<'_> {
    /// Both together, of a kernel that takes `dtypes`, the first of them by default; `path` names a key.
    fn check(
        self,
        path: impl Fn(&str) -> String,
        dtypes: &[Dtype],
    ) -> Result<(Dtype, f64), Problem> {
        let dtype = match self.dtype {
            None => dtypes[0],
            Some(at) => choice(&path("dtype"), at, dtypes, Dtype::name)?,
        };
        let scale_uv = match (dtype, self.scale_uv) {
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
                let message = format!(
                    "{} is missing: say how many microvolts one step of {} is, such as 0.1",
                    path("scale_uv"),
                    dtype.name()
                );
                return Err(Problem::at(self.position, message));
            }
        };
        Ok((dtype, scale_uv))
    }
}

/// `dtype` and `scale_uv` of kernel `index`, which takes `dtypes`, the first of them by default.
pub(super) fn plan_dtype(
    index: usize,
    config: &At<KernelConfig>,
    dtypes: &[Dtype],
) -> Result<(Dtype, f64), Problem> {
    let dtype = config.value.dtype.as_ref();
    let position = dtype.map_or(config.position, |at| at.position);
    let given = Given { dtype, scale_uv: config.value.scale_uv, position };
    given.check(|key| format!("kernels[{index}].{key}"), dtypes)
}

/// The same of a kernel of this program; none for single precision.
pub(super) fn plan_fixed_point(
    index: usize,
    config: &At<KernelConfig>,
) -> Result<Option<FixedPoint>, Problem> {
    plan_dtype(index, config, &Dtype::ALL).map(fixed_point)
}

/// The same of a kernel that is in no configuration; mistakes are named by the key alone.
///
/// # Errors
/// [`Problem`]: no such type, or a scale that is missing, not above 0 or of no use.
pub(crate) fn named_fixed_point(
    dtype: Option<&str>,
    scale_uv: Option<f64>,
) -> Result<Option<FixedPoint>, Problem> {
    let dtype = dtype.map(|dtype| At::from(dtype.to_owned()));
    let scale_uv = scale_uv.map(At::from);
    let given = Given { dtype: dtype.as_ref(), scale_uv, position: Position::default() };
    given.check(str::to_owned, &Dtype::ALL).map(fixed_point)
}

fn fixed_point((dtype, scale_uv): (Dtype, f64)) -> Option<FixedPoint> {
    let dtype = match dtype {
        Dtype::F32 => return None,
        Dtype::Q15 => FixedType::Q15,
        Dtype::Q31 => FixedType::Q31,
    };
    Some(FixedPoint { dtype, scale_uv })
}
