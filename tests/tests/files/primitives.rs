//! primitives/: what is shipped is embedded, loads, and gives the bytes it pins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cortex_core::digest::SampleDigest;
use cortex_core::parameter::DefaultValue;
use cortex_core::signal::{Generator, GeneratorVersion, Scratch};
use cortex_host::base::Progress;
use cortex_host::config::params::{of_dataset, signals_of};
use cortex_host::config::{self, Node, Source, Value};
use cortex_host::generate::{Settings, verify_generator};
use cortex_host::plan::{DatasetPlan, Plan};
use cortex_host::platform::simd::{SIMD_LEVELS, SimdLevel, SimdPath};
use cortex_host::primitive::{Dataset, DatasetSpec, FILES, GeneratorSpec, GoldenDigest, Library};
use cortex_tests::skip::{Need, skip};
use cortex_tests::{checkout, cortex_host, stdout_of};
use sha2::{Digest, Sha256};

/// All files below `folder`, relative to the checkout, `/` between parts.
fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            let relative = path.strip_prefix(checkout()).unwrap();
            let parts: Vec<_> = relative.iter().map(|part| part.to_str().unwrap()).collect();
            found.push(parts.join("/"));
        }
    }
    found
}

/// The specification of the generator `version`, such as v1.
fn spec_of(version: &str) -> GeneratorSpec {
    let library = Library::at(&checkout(), None);
    match library.dataset(&format!("primitives/datasets/{version}/synthetic")).unwrap() {
        Dataset::Generator { spec, .. } => *spec,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_dataset_specification_and_configuration_is_embedded() {
    let embedded: BTreeSet<&str> = FILES.iter().map(|(path, _)| *path).collect();
    for path in files_below(&checkout().join("primitives")) {
        let wanted = (path.starts_with("primitives/datasets/") && path.ends_with(".yaml"))
            || path.starts_with("primitives/configs/");
        assert!(!wanted || embedded.contains(path.as_str()), "{path} is not embedded");
    }
    for (path, text) in FILES {
        assert_eq!(fs::read_to_string(checkout().join(path)).unwrap(), *text, "{path}");
    }
}

#[test]
fn shipped_configurations_plan_and_come_back_from_their_resolved_text() {
    let mut count = 0;
    for (path, text) in FILES {
        if !path.starts_with("primitives/configs/") && !path.contains("/examples/") {
            continue;
        }
        count += 1;
        let plan = plan_of(path, text);
        let again = plan_of("resolved", &plan.config_text);
        assert_eq!(plan, again, "{path}:\n{}", plan.config_text);
        assert_eq!(plan.digest(), again.digest());
    }
    assert!(count >= 3);
}

#[test]
fn a_change_of_any_value_changes_the_plans_digest() {
    let (path, text) = cortex_host::primitive::DEFAULT_CONFIG;
    let plan = plan_of(path, text);
    for (from, to) in [("seed: 42", "seed: 43"), ("hop: 10", "hop: 20"), ("realtime", "max")] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert_ne!(plan_of(path, &changed).digest(), plan.digest(), "{from} -> {to}");
    }
}

#[test]
fn the_specifications_describe_the_compiled_parameters() {
    for version in GeneratorVersion::ALL {
        let mut declared = BTreeMap::new();
        for kind in signals_of(version) {
            let all = of_dataset(version, kind.info());
            declared.extend(all.into_iter().map(|parameter| (parameter.name, parameter.default)));
        }
        let mut stated = spec_of(version.as_str()).parameters.unwrap().value;
        stated.sort_by_key(|parameter| parameter.name.as_ref().unwrap().value.clone());
        let names: Vec<&str> = stated
            .iter()
            .map(|parameter| parameter.name.as_ref().unwrap().value.as_str())
            .collect();
        assert_eq!(names, declared.keys().copied().collect::<Vec<_>>(), "{version}");
        for (parameter, default) in stated.iter().zip(declared.values()) {
            let expected = match *default {
                DefaultValue::Number(number) => Some(Value::Float(number)),
                DefaultValue::Count(count) => Some(Value::Integer(count.into())),
                DefaultValue::Choice(word) => Some(Value::Text(word.into())),
                DefaultValue::Required | DefaultValue::Derived(_) => None,
            };
            let default_stated = parameter.default.clone().map(|at| at.value.value);
            assert_eq!(default_stated, expected, "{parameter:?}");
            let required = parameter.required.is_some_and(|at| at.value);
            assert_eq!(required, *default == DefaultValue::Required, "{parameter:?}");
        }
    }
}

/// Released generators are frozen: the digests in their specifications are those of the compiled
/// code. The CRC-32 values are the ones that emulated microcontrollers print too
/// (firmware_digests.rs); what they stand for is checked against an independent
/// double-precision reference (signal_reference.rs).
#[test]
fn generators_give_the_bytes_they_pin() {
    let signals = |version: &str| {
        let golden = spec_of(version).golden.unwrap().value;
        assert_eq!(golden.channels.unwrap().value, 8);
        assert_eq!(golden.blocks.unwrap().value, 64);
        assert_eq!(golden.block_samples.unwrap().value, 64);
        let rate = golden.sample_rate_hz.unwrap().value;
        let mut signals = BTreeSet::new();
        for digest in golden.digests.unwrap().value {
            let GoldenDigest { params, crc32, sha256, sample_rate_hz } = digest;
            let rate = sample_rate_hz.map_or(rate, |at| at.value);
            let params = params.unwrap().value;
            signals.insert(text(&params, "signal_type"));
            let (crc, sha) = digests_of(version, &params, rate);
            let pinned = (crc32.unwrap().value, sha256.unwrap().value);
            assert_eq!(pinned, (format!("{crc:08x}"), sha), "{version} {params:?}");
        }
        signals.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(signals("v1"), ["pink_noise", "sine_wave"]);
    assert_eq!(signals("v2"), ["chirp", "pink_noise", "sine_wave", "white_noise"]);
    assert_eq!(signals("v3"), ["eeg", "spikes"]);
}

/// The same bytes with every vector unit that this processor has; one that it lacks is listed as
/// skipped, and that of AArch64 is a part of tests/slow.sh (portability).
#[test]
fn golden_datasets_are_the_same_on_every_vector_path() {
    let library = Library::new(None);
    for level in SIMD_LEVELS {
        let Some(path) = SimdPath::detect(level) else {
            let foreign = (level == SimdLevel::Neon) != cfg!(target_arch = "aarch64");
            if !foreign {
                skip(Need::Vectors, &format!("golden datasets with {level}"));
            }
            continue;
        };
        for version in GeneratorVersion::ALL {
            let name = format!("primitives/datasets/{version}/synthetic");
            let settings = Settings { path, ..Settings::automatic() };
            let spec = spec_of(version.as_str());
            let found =
                verify_generator(&name, &spec, &library, &settings, &Progress::new()).unwrap();
            assert!(found.len() >= 4, "{version}: {}", found.len());
            for comparison in found {
                assert!(comparison.equal, "{version}, {level}: {comparison}");
            }
        }
    }
}

#[test]
fn list_names_everything_in_text_and_json() {
    let text = stdout_of(&cortex_host().arg("list").output().unwrap(), 0);
    let json = stdout_of(&cortex_host().args(["list", "--json"]).output().unwrap(), 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (section, name) in [
        ("datasets", "primitives/datasets/v1/synthetic"),
        ("kernels", "bandpass_fir"),
        ("configs", "primitives/configs/board.yaml"),
        ("configs", "primitives/configs/quickstart.yaml"),
        ("devices", "native"),
        ("devices", "loopback"),
        ("devices", "qemu:mps2-an386"),
    ] {
        assert!(text.contains(name), "{name} in:\n{text}");
        let listed = json[section].as_array().unwrap();
        let entry = listed.iter().find(|entry| entry["name"] == name).unwrap();
        assert!(entry["summary"].as_str().unwrap().len() > 10, "{entry}");
    }
}

#[test]
fn primitives_are_found_outside_a_checkout_and_a_local_folder_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = "primitives/datasets/v1/synthetic";
    let library = Library::at(folder.path(), None);
    assert!(matches!(library.dataset(path).unwrap(), Dataset::Generator { .. }));
    assert!(library.datasets().iter().all(|listing| !listing.local));

    let local = folder.path().join(path);
    fs::create_dir_all(&local).unwrap();
    fs::write(local.join("spec.yaml"), "kind: generator\nsummary: mine\ncompiled: v1\n").unwrap();
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    for library in [Library::at(folder.path(), None), Library::at(&below, None)] {
        let Dataset::Generator { spec, .. } = library.dataset(path).unwrap() else { panic!() };
        assert_eq!(spec.summary.unwrap().value, "mine");
        let listing = library.datasets().into_iter().find(|listing| listing.path == path).unwrap();
        assert!(listing.local && listing.summary == "mine");
    }
    assert!(matches!(
        DatasetSpec::parse("x", "kind: static\nsummary: recordings\n").unwrap(),
        DatasetSpec::Static { .. }
    ));
}

fn plan_of(name: &str, text: &str) -> Plan {
    let source = Source { name: name.into(), text: text.into(), folder: None };
    let config = config::parse(&source).unwrap_or_else(|error| panic!("{error}"));
    Plan::new(&config, &Library::at(&checkout(), None))
        .unwrap_or_else(|problem| panic!("{}", problem.in_source(name)))
}

fn text(params: &Node, key: &str) -> String {
    match &params.entry(key).unwrap().node.value {
        Value::Text(text) => text.clone(),
        other => panic!("{key}: {other:?}"),
    }
}

/// CRC-32 and SHA-256 of 8 channels x 64 blocks of the signal that `params` describe.
fn digests_of(version: &str, params: &Node, rate: f64) -> (u32, String) {
    let mut line = serde_json::to_value(params).unwrap();
    line["duration_s"] = (64.0 * 64.0 / rate).into();
    let config = format!(
        "{{dataset: {{path: primitives/datasets/{version}/synthetic, params: {line}, channels: 8, sample_rate_hz: {rate}}}, kernels: [{{name: noop}}]}}"
    );
    let DatasetPlan::Generated(dataset) = plan_of("golden", &config).dataset else { panic!() };
    assert_eq!(dataset.samples, 64 * 64);
    let generator = Generator::new(&dataset.spec).unwrap();
    let mut lanes = generator.start::<8>(0);
    let mut scratch = Scratch::new();
    let (mut crc, mut sha) = (SampleDigest::new(), Sha256::new());
    for _ in 0..64 {
        let mut block = [[0.0; 8]; 64];
        generator.fill(&mut lanes, &mut scratch, &mut block);
        for row in &block {
            crc.update(row);
            row.iter().for_each(|sample| sha.update(sample.to_le_bytes()));
        }
    }
    let sha: String = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (crc.finish(), sha)
}

/// What the generate command and the configuration share: the same defaults.
#[test]
fn absent_parameters_mean_the_documented_defaults() {
    let config = "{dataset: {path: primitives/datasets/v1/synthetic, params: {signal_type: pink_noise, duration_s: 2}, channels: 4, sample_rate_hz: 160}, kernels: [{name: noop}]}";
    let DatasetPlan::Generated(dataset) = plan_of("defaults", config).dataset else { panic!() };
    assert_eq!((dataset.samples, dataset.spec.seed), (320, 42));
    assert_eq!(
        dataset.spec.signal,
        cortex_core::signal::Signal::PinkNoise(cortex_core::signal::PinkNoise {
            amplitude_uv_rms: 100.0,
            low_corner_hz: 0.05
        })
    );
}
