//! primitives/kernels/v1/*/spec.yaml against what is compiled: parameters, outputs and golden digests.
//!
//! The digests pin bits that were checked before they were written down: kernels_scipy.rs compares
//! the same kernels over the same golden input with SciPy, and the digest of `noop` is the CRC-32 of the
//! input itself, computed with Python's zlib from the formula in tests/oracle/kernels.py.

use std::fs;

use std::collections::{BTreeMap, BTreeSet};

use cortex_core::kernel::golden::{GOLDEN_SHAPE, GOLDEN_WINDOWS, golden_digest};
use cortex_core::kernel::{Kernel, KernelName, KernelSpec};
use cortex_tests::checkout;
use serde::Deserialize;

/// A kernel primitive's spec.yaml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    name: String,
    version: String,
    kind: String,
    summary: String,
    compiled: String,
    parameters: Vec<Parameter>,
    output: Output,
    tolerance: Tolerance,
    missing_samples: String,
    golden: Golden,
    /// By type; empty for a kernel without these forms.
    #[serde(default)]
    pub(super) fixed_point: BTreeMap<String, Fixed>,
}

/// What is promised of a fixed-point form at -6 dBFS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixed {
    pub(super) snr_db: f64,
    pub(super) crc32: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    name: String,
    value_type: String,
    units: String,
    default: serde_json::Value,
    range: String,
    description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    shape: String,
    units: String,
    per_window: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tolerance {
    relative: f64,
    relative_to: String,
    /// Where the promise ends; `notch_conditions.rs` tries the corners.
    #[serde(default)]
    conditions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    channels: usize,
    sample_rate_hz: f64,
    window: usize,
    hop: usize,
    windows: usize,
    crc32: String,
}

pub(super) fn spec(name: KernelName) -> Spec {
    let path = checkout().join(format!("primitives/kernels/v1/{name}/spec.yaml"));
    let text = fs::read_to_string(&path).expect("the kernel has a spec.yaml");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn golden_digests_are_what_the_kernels_give() {
    let mut wrong = Vec::new();
    for name in KernelName::ALL {
        let golden = spec(name).golden;
        let shape = (golden.channels, golden.sample_rate_hz, golden.window, golden.hop);
        let expected = GOLDEN_SHAPE;
        assert_eq!(
            shape,
            (expected.channels, expected.sample_rate_hz, expected.window, expected.hop)
        );
        assert_eq!(golden.windows, GOLDEN_WINDOWS);
        let kernel = KernelSpec::with_defaults(name).build(GOLDEN_SHAPE).expect("defaults");
        let mut state = vec![0.0; kernel.state_len()];
        let mut input = vec![0.0; expected.window * expected.channels];
        let mut output = vec![0.0; kernel.output_len(expected.window)];
        let digest = golden_digest(&kernel, &mut state, &mut input, &mut output);
        let digest = format!("{:08x}", digest.expect("lengths are right"));
        if digest != golden.crc32 {
            wrong.push(format!("\"{name}\": \"{digest}\""));
        }
    }
    assert!(wrong.is_empty(), "digests that differ from spec.yaml: {{{}}}", wrong.join(", "));
}

#[test]
fn specs_describe_what_is_compiled() {
    for name in KernelName::ALL {
        let spec = spec(name);
        assert_eq!((spec.name.as_str(), spec.compiled.as_str()), (name.as_str(), name.as_str()));
        assert_eq!((spec.version.as_str(), spec.kind.as_str()), ("v1", "kernel"));
        let info = name.info();
        assert_eq!(spec.summary, info.summary);
        assert_eq!(spec.output.shape, info.output.shape());
        assert_eq!(spec.output.units, info.output.unit());
        assert_eq!(spec.output.per_window, info.output.is_windowed());
        let exact = name == KernelName::Noop;
        assert_eq!(spec.tolerance.relative, if exact { 0.0 } else { 1e-5 });
        assert!(!spec.tolerance.relative_to.is_empty() && !spec.missing_samples.is_empty());
        assert_eq!(spec.tolerance.conditions.is_empty(), name != KernelName::NotchIir);
        check_parameters(name, &spec.parameters);
    }
}

/// The stated parameters are those of the compiled kernel, all of them, with their defaults.
fn check_parameters(name: KernelName, stated: &[Parameter]) {
    let compiled = KernelSpec::with_defaults(name);
    let params = match serde_json::to_value(&compiled).expect("serialisable") {
        serde_json::Value::Object(mut kernel) => kernel[name.as_str()].take(),
        _ => serde_json::json!({}),
    };
    let params = params.as_object().expect("a table of parameters");
    let names: BTreeSet<&str> = stated.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(names, params.keys().map(String::as_str).collect(), "{name}");
    for param in stated {
        let given = serde_json::json!({ name.as_str(): { &param.name: param.default } });
        let given: KernelSpec = serde_json::from_value(given).expect("the default has the type");
        assert_eq!(given, compiled, "{name} {}", param.name);
        assert!(["number", "integer", "list"].contains(&param.value_type.as_str()));
        assert!(!param.range.is_empty() && !param.description.is_empty());
    }
}

#[test]
fn every_primitive_folder_is_a_kernel_and_every_readme_names_its_parameters() {
    let root = checkout().join("primitives/kernels/v1");
    let mut folders: Vec<String> = fs::read_dir(&root)
        .expect("there are kernel primitives")
        .map(|entry| entry.expect("readable"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        // Python's, where somebody has run the reference by hand.
        .filter(|name| name != "__pycache__")
        .collect();
    folders.sort();
    let mut names: Vec<&str> = KernelName::ALL.iter().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(folders, names);
    for name in KernelName::ALL {
        let readme = root.join(name.as_str()).join("README.md");
        let readme = fs::read_to_string(readme).expect("the kernel has a README.md");
        assert!(readme.contains(&format!("- name: {name}\n")));
        for param in spec(name).parameters {
            assert!(readme.contains(&format!("| `{}` | {} |", param.name, param.units)));
            assert!(readme.contains(&format!("| {} | {} |\n", param.range, param.description)));
        }
    }
}
