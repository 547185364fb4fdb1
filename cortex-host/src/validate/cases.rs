//! The cases of a validation: random ones, the same for the same seed, and one of a recording.

use std::path::PathBuf;

use cortex_core::kernel::KernelName;
use cortex_core::math;
use cortex_core::parameter::{DefaultValue, Kind, Parameter};

use super::Validation;
use crate::base::{Failure, SplitMix64};
use crate::config::{At, DatasetConfig, Entry, KernelConfig, Node, Position, RunConfig, Value};
use crate::plan::{KernelSource, Plan};
use crate::primitive::Library;
use crate::recording::{OpenOptions, Recording};

/// Random cases of a validation.
const RANDOM_CASES: u64 = 12;
/// Windows of each case.
const WINDOWS: u64 = 6;
/// One sample in so many is missing, where samples are.
const MISSING_ONE_IN: u64 = 50;

/// Most windows of a recording that are compared: the oracle is no kernel.
const MOST_RECORDED: usize = 1000;

/// A recording to validate on, of any format that can be opened.
#[derive(Clone, Debug)]
pub struct RecordingFile {
    /// The file.
    pub path: PathBuf,
    /// Its channels, where the file does not say.
    pub channels: Option<usize>,
    /// Its sample rate in Hz, where the file does not say.
    pub sample_rate_hz: Option<f64>,
}

/// One case: a planned kernel and its samples.
pub struct Case {
    /// A plan with this kernel alone.
    pub(super) plan: Plan,
    /// Windows to run.
    pub(super) windows: u64,
    /// What the oracle is told of the parameters.
    pub(super) params: serde_json::Value,
    /// Shape, parameters and data in words.
    pub(super) words: String,
    samples: Vec<f32>,
    /// The file of `samples` that the plan names.
    _file: tempfile::NamedTempFile,
}

impl Case {
    /// Channels, window and hop.
    pub(super) fn shape(&self) -> (usize, usize, usize) {
        let kernel = &self.plan.kernels[0];
        (self.plan.dataset.channels(), kernel.window, kernel.hop)
    }

    /// The new rows of window `index`.
    pub(super) fn input(&self, index: u64) -> &[f32] {
        let (channels, window, hop) = self.shape();
        let (first, rows) = match index {
            0 => (0, window),
            _ => (window + (index as usize - 1) * hop, hop),
        };
        &self.samples[first * channels..(first + rows) * channels]
    }
}

/// Every case of a validation.
pub(super) fn cases(
    validation: &Validation,
    seed: u64,
    recording: Option<&RecordingFile>,
) -> Result<Vec<Case>, Failure> {
    let mut random = SplitMix64(seed);
    let mut cases = Vec::new();
    for number in 0..RANDOM_CASES {
        let channels = 1 + random.below(16) as usize;
        let window = 32 + random.below(480) as usize;
        let hop = 1 + random.below(window as u64) as usize;
        let rate_hz = [160.0, 250.0, 500.0, 1000.0][random.below(4) as usize];
        let rows = window + (WINDOWS as usize - 1) * hop;
        let mut samples = noise(&mut random, rows, channels, rate_hz);
        let missing = validation.missing_samples && number % 3 == 2;
        if missing {
            for sample in &mut samples {
                if random.below(MISSING_ONE_IN) == 0 {
                    *sample = f32::NAN;
                }
            }
        }
        let data = if missing { ", samples missing" } else { "" };
        let shape = Shape { channels, window, hop, rate_hz };
        // Random parameters may not fit each other or the shape; the default ones do, or are told.
        let varied = (0..if number % 2 == 1 { 8 } else { 0 })
            .find_map(|_| case(validation, shape, Some(&mut random), &samples, data).ok());
        cases.push(match varied {
            Some(case) => case,
            None => case(validation, shape, None, &samples, data)?,
        });
    }
    if let Some(recording) = recording {
        cases.push(recorded(validation, recording)?);
    }
    Ok(cases)
}

/// ±100 µV of low-passed noise with a line of 50 Hz and an offset, different in each channel.
fn noise(random: &mut SplitMix64, rows: usize, channels: usize, rate_hz: f64) -> Vec<f32> {
    let mut slow = vec![0.0; channels];
    let mut samples = Vec::with_capacity(rows * channels);
    for row in 0..rows {
        let line = math::sin(std::f64::consts::TAU * 50.0 * row as f64 / rate_hz);
        for (channel, slow) in slow.iter_mut().enumerate() {
            *slow += 0.2 * (400.0 * (random.unit() - 0.5) - *slow);
            samples.push((*slow + 10.0 * line + channel as f64) as f32);
        }
    }
    samples
}

/// Windows of a second, half overlapping, from the start of a recording.
fn recorded(validation: &Validation, file: &RecordingFile) -> Result<Case, Failure> {
    let options = OpenOptions {
        channel_count: file.channels,
        sample_rate_hz: file.sample_rate_hz,
        ..OpenOptions::default()
    };
    let mut recording = Recording::open(&file.path, &options)?;
    let (channels, rate_hz) = (recording.channels(), recording.sample_rate_hz);
    let window = (rate_hz.round() as usize).clamp(1, 4096);
    let hop = window.div_ceil(2);
    if recording.samples < window as u64 {
        return Err(Failure::usage(format!(
            "{} holds less than the {window} samples of a window",
            file.path.display()
        )));
    }
    let wanted = (window + (MOST_RECORDED - 1) * hop) as u64;
    let mut samples = vec![0.0; wanted.min(recording.samples) as usize * channels];
    let mut filled = 0;
    while filled < samples.len() {
        match recording.read(&mut samples[filled..])? {
            0 => break,
            rows => filled += rows * channels,
        }
    }
    samples.truncate(filled);
    let shape = Shape { channels, window, hop, rate_hz };
    case(validation, shape, None, &samples, &format!(", {}", file.path.display()))
}

#[derive(Clone, Copy)]
struct Shape {
    channels: usize,
    window: usize,
    hop: usize,
    rate_hz: f64,
}

fn case(
    validation: &Validation,
    shape: Shape,
    vary: Option<&mut SplitMix64>,
    samples: &[f32],
    data: &str,
) -> Result<Case, Failure> {
    let failed = |error| Failure::io("write", &std::env::temp_dir(), &error);
    let file = tempfile::Builder::new().suffix(".float32").tempfile().map_err(failed)?;
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    std::fs::write(file.path(), bytes).map_err(failed)?;
    let config = |params: Option<At<Node>>| RunConfig {
        dataset: Some(At::from(DatasetConfig {
            path: Some(file.path().to_string_lossy().into_owned().into()),
            channels: Some((shape.channels as u64).into()),
            sample_rate_hz: Some(shape.rate_hz.into()),
            ..DatasetConfig::default()
        })),
        kernels: Some(At::from(vec![At::from(KernelConfig {
            window: Some((shape.window as u64).into()),
            hop: Some((shape.hop as u64).into()),
            // Nobody waits for it.
            deadline_us: Some(10e6.into()),
            params,
            ..validation.kernel.clone()
        })])),
        ..RunConfig::default()
    };
    let library = Library::new(validation.folder.as_deref());
    let plan = |params| {
        Plan::new(&config(params), &library)
            .map_err(|problem| Failure::from(problem.in_source("the case")))
    };
    let mut planned = plan(validation.kernel.params.clone())?;
    let mut given = validation.kernel.params.clone();
    if let Some(random) = vary {
        let varied = varied(&planned.kernels[0].source, random);
        if varied.is_some() {
            given = varied.map(At::from);
            planned = plan(given.clone())?;
        }
    }
    let params = match (&planned.kernels[0].source, &given) {
        (KernelSource::Library(kernel), _) if kernel.params.is_some() => kernel.params.clone(),
        (_, given) => given.as_ref().map(|at| at.value.clone()),
    };
    let params = params.as_ref().map_or_else(
        || serde_json::json!({}),
        |node| serde_json::to_value(node).unwrap_or_default(),
    );
    let windows = planned.windows_per_repeat(&planned.kernels[0]);
    let words = format!(
        "{} ch, window {}, hop {}, {} Hz, {params}{data}",
        shape.channels, shape.window, shape.hop, shape.rate_hz
    );
    Ok(Case { plan: planned, windows, params, words, samples: samples.to_vec(), _file: file })
}

/// Random parameters of a kernel that says what it takes.
fn varied(source: &KernelSource, random: &mut SplitMix64) -> Option<Node> {
    let entry = |key: &str, value: Value| Entry {
        key: key.to_owned(),
        position: Position::default(),
        node: Node { position: Position::default(), value },
    };
    let entries: Vec<Entry> = match source {
        KernelSource::BuiltIn(form) => {
            let parameters: &[Parameter] = KernelName::info(form.spec.name()).parameters;
            let value = |parameter: &Parameter, random: &mut SplitMix64| {
                Some(match (&parameter.kind, &parameter.default) {
                    (Kind::Number { .. }, DefaultValue::Number(default)) => {
                        Value::Float(default * (0.5 + random.unit()))
                    }
                    (Kind::Count { .. }, DefaultValue::Count(default)) => {
                        Value::Integer(i128::from(default / 2 + random.below(*default)))
                    }
                    _ => return None,
                })
            };
            parameters
                .iter()
                .filter_map(|one| value(one, random).map(|value| entry(one.name, value)))
                .collect()
        }
        KernelSource::Library(kernel) => {
            let Some(Value::Mapping(known)) = kernel.params.as_ref().map(|node| &node.value) else {
                return None;
            };
            known
                .iter()
                .map(|one| {
                    let value = match one.node.value {
                        Value::Float(value) => Value::Float(value * (0.5 + random.unit())),
                        ref other => other.clone(),
                    };
                    entry(&one.key, value)
                })
                .collect()
        }
        KernelSource::Program(_) => return None,
    };
    let node = Node { position: Position::default(), value: Value::Mapping(entries) };
    (!matches!(&node.value, Value::Mapping(entries) if entries.is_empty())).then_some(node)
}
