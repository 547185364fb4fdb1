//! A plan written back as a configuration, every default filled in.

use super::kernels::params_of;
use super::{DatasetPlan, KernelSource, Plan, realtime};
use crate::config::{At, DatasetConfig, KernelConfig, RunConfig};
use crate::foreign::Dtype;
use crate::synthetic;

/// The plan as YAML that gives the same plan again, and as a tree.
pub(super) fn config(plan: &Plan) -> (String, serde_json::Value) {
    let config = RunConfig {
        dataset: at(dataset(&plan.dataset)),
        kernels: at(plan
            .kernels
            .iter()
            .map(|kernel| {
                At::from(KernelConfig {
                    name: at(kernel.name.clone()),
                    label: kernel.label.clone().map(At::from),
                    deadline_us: at(kernel.deadline_us),
                    window: at(kernel.window as u64),
                    hop: at(kernel.hop as u64),
                    ..source(&kernel.source)
                })
            })
            .collect()),
        execution: at(plan.execution.as_configured(plan.dataset.sample_rate_hz())),
        output: at(plan.output.as_configured()),
        device: at(plan.device.to_string()),
        firmware: plan.firmware.clone().map(At::from),
        transfer: at(plan.transfer.name().into()),
        encoding: at(plan.encoding.name().into()),
        scale_uv: plan.encoding.scale_uv().map(At::from),
        results: at(plan.results.name().into()),
        realtime: at(realtime::as_configured(&plan.realtime)),
    };
    // Tables of numbers and text always serialize.
    let text = serde_saphyr::to_string(&config).unwrap_or_else(|error| format!("# {error}\n"));
    (text, serde_json::to_value(&config).unwrap_or_default())
}

/// The keys of a kernel that say where it comes from.
fn source(source: &KernelSource) -> KernelConfig {
    match source {
        KernelSource::BuiltIn(form) => KernelConfig {
            params: params_of(&form.spec).map(At::from),
            dtype: form.fixed.map(|format| format.dtype.as_str().to_owned().into()),
            scale_uv: form.fixed.map(|format| format.scale_uv.into()),
            ..KernelConfig::default()
        },
        KernelSource::Library(kernel) => KernelConfig {
            library: at(kernel.configured.clone()),
            feed: at(kernel.setup.feed.name().into()),
            dtype: at(kernel.setup.dtype.name().into()),
            scale_uv: (kernel.setup.dtype != Dtype::F32).then(|| kernel.setup.scale_uv.into()),
            state: kernel.configured_state.clone().map(At::from),
            isolation: at(kernel.isolation.name().into()),
            params: kernel.params.clone().map(At::from),
            ..KernelConfig::default()
        },
        KernelSource::Program(kernel) => KernelConfig {
            command: at(kernel.configured.iter().cloned().map(At::from).collect()),
            feed: at(kernel.setup.feed.name().into()),
            params: kernel.params.clone().map(At::from),
            ..KernelConfig::default()
        },
    }
}

fn dataset(plan: &DatasetPlan) -> DatasetConfig {
    let (path, params) = match plan {
        DatasetPlan::Static(dataset) => {
            return DatasetConfig {
                path: at(dataset.configured_path.clone()),
                format: at(dataset.format.key.into()),
                unit: dataset.unit.map(|unit| unit.to_string().into()),
                channels: at(dataset.channels as u64),
                sample_rate_hz: at(dataset.sample_rate_hz),
                params: None,
            };
        }
        DatasetPlan::Generated(dataset) => {
            (dataset.primitive.clone(), at(synthetic::parameters(dataset)))
        }
    };
    DatasetConfig {
        path: at(path),
        format: at("float32".into()),
        unit: None,
        channels: at(plan.channels() as u64),
        sample_rate_hz: at(plan.sample_rate_hz()),
        params,
    }
}

fn at<T>(value: T) -> Option<At<T>> {
    Some(value.into())
}
