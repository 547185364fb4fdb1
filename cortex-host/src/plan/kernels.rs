//! The kernels of a plan: known names, windows that fit, at least one that is measured.

use cortex_core::kernel::{KernelForm, KernelName, KernelShape, KernelSpec, MAX_WINDOW};

use super::dtype::plan_fixed_point;
use super::{DatasetPlan, ExecutionPlan, KernelPlan, KernelSource, Purpose, own_kernels};
use crate::base::{listed, nearest, quoted};
use crate::config::decode::decode;
use crate::config::value::{positive, whole};
use crate::config::{
    At, Entry, KernelConfig, MAX_LABEL_CHARS, Node, Position, Problem, Value, parameters,
};
use crate::harness::windows_in;
use crate::primitive::Library;

/// Window length in samples when none is given.
pub const DEFAULT_WINDOW: u64 = 160;

/// The most kernels of a run: planning designs every one of them.
pub const MAX_KERNELS: usize = 256;

/// The most values (channels x window) a window may hold: 1 GiB.
const MAX_WINDOW_VALUES: u64 = 1 << 28;

/// Decides the kernels.
pub(super) fn plan_kernels(
    config: Option<&At<Vec<At<KernelConfig>>>>,
    dataset: &DatasetPlan,
    execution: &ExecutionPlan,
    library: &Library,
    purpose: Purpose,
) -> Result<Vec<KernelPlan>, Problem> {
    let list = config.filter(|list| !list.value.is_empty()).ok_or_else(|| {
        let position = config.map_or(Position { line: 1, column: 1 }, |at| at.position);
        let message = "there are no kernels, so there are zero windows to run; list some under kernels, such as - name: noop (cortex-host list shows them)";
        Problem::at(position, message)
    })?;
    if list.value.len() > MAX_KERNELS {
        let message = format!(
            "there are {} kernels, but a run takes at most {MAX_KERNELS} kernels; split it into several runs",
            list.value.len()
        );
        return Err(Problem::at(list.position, message));
    }
    let kernels: Vec<KernelPlan> = list
        .value
        .iter()
        .enumerate()
        .map(|(index, kernel)| plan_kernel(index, kernel, dataset, execution, library, purpose))
        .collect::<Result<_, _>>()?;
    check_labels(&list.value, &kernels)?;
    Ok(kernels)
}

/// A label that another kernel is called by would tell nothing apart.
fn check_labels(configs: &[At<KernelConfig>], kernels: &[KernelPlan]) -> Result<(), Problem> {
    // Compared as file systems that ignore case compare the names of folders.
    let same = |a: &KernelPlan, b: &KernelPlan| a.called().eq_ignore_ascii_case(b.called());
    for (index, (config, kernel)) in configs.iter().zip(kernels).enumerate() {
        let Some(label) = &config.value.label else { continue };
        let others = kernels.iter().enumerate().filter(|(other, _)| *other != index);
        if let Some((other, _)) = others.into_iter().find(|(_, other)| same(kernel, other)) {
            let message = format!(
                "kernels[{index}].label {} is what kernels[{other}] is called too; choose another one",
                quoted(&label.value)
            );
            return Err(Problem::at(label.position, message));
        }
    }
    Ok(())
}

/// The label of kernel `index`: letters, digits and what a folder's name may hold anywhere.
fn plan_label(index: usize, config: &KernelConfig) -> Result<Option<String>, Problem> {
    let Some(label) = &config.label else { return Ok(None) };
    let text = &label.value;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.+=-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(allowed)
        && text.len() <= MAX_LABEL_CHARS
    {
        return Ok(Some(text.clone()));
    }
    let message = format!(
        "kernels[{index}].label must be 1 to {MAX_LABEL_CHARS} letters, digits and _ . + = -, the first a letter or digit, but it is {}",
        quoted(text)
    );
    Err(Problem::at(label.position, message))
}

fn plan_kernel(
    index: usize,
    config: &At<KernelConfig>,
    dataset: &DatasetPlan,
    execution: &ExecutionPlan,
    library: &Library,
    purpose: Purpose,
) -> Result<KernelPlan, Problem> {
    let path = |key: &str| format!("kernels[{index}].{key}");
    let table = &config.value;
    let kernel = FoundKernel::find(index, config, library)?;
    let window =
        whole(&path("window"), table.window, 1, MAX_WINDOW as u64)?.unwrap_or(DEFAULT_WINDOW);
    let hop = whole(&path("hop"), table.hop, 1, MAX_WINDOW as u64)?.unwrap_or(window.div_ceil(2));
    let window_position = table.window.map_or(config.position, |at| at.position);
    if hop > window {
        let position = table.hop.map_or(config.position, |at| at.position);
        let message = format!(
            "{} of {hop} samples is longer than the window of {window}, so samples would be skipped; lower it",
            path("hop")
        );
        return Err(Problem::at(position, message));
    }
    if window * dataset.channels() as u64 > MAX_WINDOW_VALUES {
        let message = format!(
            "a window of {window} samples x {} channels is larger than 1 GiB; shorten {}",
            dataset.channels(),
            path("window")
        );
        return Err(Problem::at(window_position, message));
    }
    let total = windows_in(execution.samples, window as usize, hop as usize);
    if total <= execution.warmup_windows {
        let message = if total == 0 {
            format!(
                "{} has zero windows to run: a window is {window} samples, but a repeat streams {}; shorten the window or lengthen the data",
                kernel.name(),
                execution.samples
            )
        } else {
            format!(
                "{} has zero windows to measure: all {total} windows of a repeat are warm-up (execution.warmup_windows is {}); lower it or lengthen the data",
                kernel.name(),
                execution.warmup_windows
            )
        };
        return Err(Problem::at(window_position, message));
    }
    let deadline_us = match table.deadline_us {
        None => hop as f64 / dataset.sample_rate_hz() * 1e6,
        Some(at) => positive(&path("deadline_us"), at)?,
    };
    if deadline_us > 1e12 {
        let position = table.deadline_us.map_or(config.position, |at| at.position);
        let message = format!(
            "{} must be at most 1000000000000 (11 days), but it is {deadline_us}",
            path("deadline_us")
        );
        return Err(Problem::at(position, message));
    }
    let shape = KernelShape {
        channels: dataset.channels(),
        window: window as usize,
        hop: hop as usize,
        sample_rate_hz: dataset.sample_rate_hz(),
    };
    let name = kernel.name().to_owned();
    let label = plan_label(index, table)?;
    let source = match kernel {
        FoundKernel::Own(begun) => begun.plan(&shape, deadline_us, library, purpose)?,
        FoundKernel::BuiltIn(kernel) => {
            KernelSource::BuiltIn(built_in(index, config, kernel, shape)?)
        }
    };
    Ok(KernelPlan { name, label, source, window: shape.window, hop: shape.hop, deadline_us })
}

/// A kernel that has a name.
enum FoundKernel<'a> {
    BuiltIn(KernelName),
    Own(own_kernels::OpenedKernel<'a>),
}

impl<'a> FoundKernel<'a> {
    fn find(
        index: usize,
        config: &'a At<KernelConfig>,
        library: &Library,
    ) -> Result<Self, Problem> {
        if let Some(begun) = own_kernels::begin(index, config, library)? {
            return Ok(FoundKernel::Own(begun));
        }
        let name = config.value.name.as_ref().ok_or_else(|| {
            let message =
                format!("kernels[{index}].name is missing; give one of {}", listed(known()));
            Problem::at(config.position, message)
        })?;
        kernel_name(name).map(FoundKernel::BuiltIn)
    }

    fn name(&self) -> &str {
        match self {
            FoundKernel::BuiltIn(name) => name.as_str(),
            FoundKernel::Own(begun) => begun.name(),
        }
    }
}

/// A kernel of this program with its parameters, tried with the shape of the run.
fn built_in(
    index: usize,
    config: &At<KernelConfig>,
    kernel: KernelName,
    shape: KernelShape,
) -> Result<KernelForm, Problem> {
    let table = &config.value;
    let params = table.params.as_ref();
    let path = |key: &str| format!("kernels[{index}].{key}");
    let spec = kernel_spec(kernel, params.map(|at| &at.value), &path("params"))?;
    let form = KernelForm { spec, fixed: plan_fixed_point(index, config)? };
    form.build(shape).map_err(|error| {
        let parameter = error.parameter();
        let written = params.and_then(|at| place_of(&at.value, parameter));
        let given = match parameter {
            "window" => table.window.map(|at| at.position),
            "hop" => table.hop.map(|at| at.position),
            "dtype" => table.dtype.as_ref().map(|at| at.position),
            "scale_uv" => table.scale_uv.map(|at| at.position),
            _ => params.map(|at| at.position),
        };
        let position = written.or(given).unwrap_or(config.position);
        Problem::at(position, format!("kernels[{index}] ({kernel}): {error}"))
    })?;
    // Every parameter given, so that the plan's text gives the same plan again.
    Ok(KernelForm { spec: form.spec.resolved(shape), ..form })
}

fn known() -> impl Iterator<Item = &'static str> {
    KernelName::ALL.iter().map(|name| name.as_str())
}

fn kernel_name(name: &At<String>) -> Result<KernelName, Problem> {
    KernelName::parse(&name.value).ok_or_else(|| {
        let hint = nearest(&name.value, known())
            .map_or_else(String::new, |meant| format!("; did you mean {}?", quoted(meant)));
        let message =
            format!("unknown kernel {}; there are {}{hint}", quoted(&name.value), listed(known()));
        Problem::at(name.position, message)
    })
}

/// The kernel `name` with the parameters written at `path`; defaults where there are none.
fn kernel_spec(name: KernelName, params: Option<&Node>, path: &str) -> Result<KernelSpec, Problem> {
    let Some(node) = params else { return Ok(KernelSpec::with_defaults(name)) };
    let declared = name.info().parameters;
    if declared.is_empty() {
        let message = format!("{path}: {name} has no parameters; remove params");
        return Err(Problem::at(node.position, message));
    }
    parameters::check(node, path, declared)?;
    let entry = Entry { key: name.to_string(), position: node.position, node: node.clone() };
    decode(&Node { position: node.position, value: Value::Mapping(vec![entry]) }, path)
}

/// The kernel `name` of this program with `params`; mistakes in them are named by `path`.
///
/// # Errors
/// [`Problem`]: no such kernel, or a parameter that it cannot have.
pub(crate) fn named_kernel(
    name: &str,
    params: Option<&Node>,
    path: &str,
) -> Result<KernelSpec, Problem> {
    kernel_spec(kernel_name(&name.to_owned().into())?, params, path)
}

/// The parameters of `spec` as a configuration holds them; none when the kernel has none.
pub(super) fn params_of(spec: &KernelSpec) -> Option<Node> {
    let mut node = Node::of(spec)?;
    let Value::Mapping(variant) = &mut node.value else { return None };
    let params = variant.pop()?.node;
    matches!(&params.value, Value::Mapping(entries) if !entries.is_empty()).then_some(params)
}

/// Where `key` is written anywhere in `node`: the place to complain about.
fn place_of(node: &Node, key: &str) -> Option<Position> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find_map(|entry| {
            let here = (entry.key == key).then_some(entry.node.position);
            here.or_else(|| place_of(&entry.node, key))
        }),
        Value::List(list) => list.iter().find_map(|item| place_of(item, key)),
        _ => None,
    }
}
