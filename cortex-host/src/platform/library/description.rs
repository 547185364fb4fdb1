//! What a library says about its kernels, as plain data that crosses a process border.

use cortex_core::parameter::{DefaultValue, Kind, Parameter};
use serde::{Deserialize, Serialize};

/// The interface that a library was found to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interface {
    /// `cortex_kernel.h`, version 1.
    CortexKernel,
    /// The original CORTEX's `cortex_plugin.h` without calibration: ABI version 2.
    Plugin2,
    /// The original CORTEX's `cortex_plugin.h` with calibration: ABI version 3.
    Plugin3,
}

impl Interface {
    /// As reports name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Interface::CortexKernel => "cortex_kernel 1",
            Interface::Plugin2 => "cortex_plugin 2",
            Interface::Plugin3 => "cortex_plugin 3",
        }
    }

    /// Whether it is the original system's: parameters as text, whole windows, no table.
    #[must_use]
    pub fn is_plugin(self) -> bool {
        self != Interface::CortexKernel
    }
}

/// Everything a library tells before anything is run.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct LibraryDescription {
    /// The interface it speaks.
    pub interface: Interface,
    /// Its kernels, at least one.
    pub kernels: Vec<KernelDescription>,
}

/// One kernel of a library.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct KernelDescription {
    /// Name in configurations.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Whether a call gives one result, instead of a row for each input row; `None` where only a
    /// planned kernel knows.
    pub result_per_window: Option<bool>,
    /// Unit of the output; empty when not told.
    pub output_unit: String,
    /// Names of the output's columns; empty when not told.
    pub output_names: Vec<String>,
    /// How it can be fed, its own preference first; at least one.
    pub feeds: Vec<Feed>,
    /// Sample types it takes, at least one.
    pub dtypes: Vec<Dtype>,
    /// Whether it promises the same bits on every target.
    pub bit_exact: bool,
    /// Whether it can be trained.
    pub trainable: bool,
    /// Its parameters; `None` when it takes text that only it understands.
    pub parameters: Option<Vec<ParameterDescription>>,
}

/// One parameter of a kernel.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct ParameterDescription {
    /// Key below `kernels[].params`.
    pub name: String,
    /// Unit; empty for none.
    pub unit: String,
    /// One sentence.
    pub doc: String,
    /// What values there are.
    pub kind: ParameterKind,
    /// Value when none is given; `None`: the kernel decides.
    pub default: Option<f64>,
}

/// The values of a parameter.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// A number in this range; no bound where `None`.
    Number {
        /// Least value.
        min: Option<f64>,
        /// Greatest value.
        max: Option<f64>,
    },
    /// A whole number in this range.
    Count {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// One of these words, passed as its position.
    Choice(Vec<String>),
}

/// Gives `use_them` the parameters in the terms in which the kernels of this program declare theirs.
pub fn in_core_terms<T>(
    declared: &[ParameterDescription],
    use_them: impl FnOnce(&[Parameter]) -> T,
) -> T {
    let words: Vec<Vec<&str>> = declared
        .iter()
        .map(|parameter| match &parameter.kind {
            ParameterKind::Choice(words) => words.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        })
        .collect();
    let known: Vec<Parameter> = declared
        .iter()
        .zip(&words)
        .map(|(parameter, words)| Parameter {
            name: &parameter.name,
            unit: &parameter.unit,
            kind: match parameter.kind {
                ParameterKind::Number { min, max } => Kind::Number {
                    min: min.unwrap_or(f64::NEG_INFINITY),
                    max: max.unwrap_or(f64::INFINITY),
                },
                ParameterKind::Count { min, max } => {
                    Kind::Count { min: min as u64, max: max as u64 }
                }
                ParameterKind::Choice(_) => Kind::Choice(words),
            },
            default: match (parameter.default, &parameter.kind) {
                (None, _) => DefaultValue::Derived("the kernel decides"),
                (Some(value), ParameterKind::Number { .. }) => DefaultValue::Number(value),
                (Some(value), ParameterKind::Count { .. }) => DefaultValue::Count(value as u64),
                (Some(value), ParameterKind::Choice(_)) => {
                    DefaultValue::Choice(words.get(value as usize).copied().unwrap_or_default())
                }
            },
            limit: "",
            doc: &parameter.doc,
        })
        .collect();
    use_them(&known)
}

/// Which rows a call is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// The first window, then each hop's new rows: every sample enters once.
    Hops,
    /// The whole window every time.
    Windows,
}

impl Feed {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Feed::Hops => "hops",
            Feed::Windows => "windows",
        }
    }
}

/// Type of the samples a kernel is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
    /// 32-bit floats in microvolts.
    F32,
    /// 16-bit steps of a scale.
    Q15,
    /// 32-bit steps of a scale.
    Q31,
}

impl Dtype {
    /// All of them.
    pub const ALL: [Dtype; 3] = [Dtype::F32, Dtype::Q15, Dtype::Q31];

    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::Q15 => "q15",
            Dtype::Q31 => "q31",
        }
    }

    /// Bytes of one sample.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Dtype::Q15 => 2,
            Dtype::F32 | Dtype::Q31 => 4,
        }
    }

    /// The number in both C interfaces.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Dtype::F32 => cortex_core::abi::F32,
            Dtype::Q15 => cortex_core::abi::Q15,
            Dtype::Q31 => cortex_core::abi::Q31,
        }
    }
}
