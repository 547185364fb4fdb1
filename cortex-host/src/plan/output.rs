//! `output` of a configuration: what it decides, and how that is written back.

use std::path::PathBuf;

use crate::base::expand_home;
use crate::config::value::choice;
use crate::config::{At, OutputConfig, Problem};

/// Where and how results are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPlan {
    /// The folder that run folders are made in, relative to the current one unless absolute.
    pub directory: PathBuf,
    /// The run folder's name; none for one made of the time of its start.
    pub name: Option<String>,
    /// Format of the telemetry files.
    pub format: TelemetryFormat,
    /// Whether kernel outputs are kept beside the telemetry.
    pub include_raw_data: bool,
}

/// Format of the telemetry files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TelemetryFormat {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header line.
    Csv,
}

impl TelemetryFormat {
    /// The spelling in configurations, which is also the file extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TelemetryFormat::Ndjson => "ndjson",
            TelemetryFormat::Csv => "csv",
        }
    }
}

impl OutputPlan {
    /// The same as a configuration with every key.
    pub(super) fn as_configured(&self) -> OutputConfig {
        OutputConfig {
            directory: Some(self.directory.to_string_lossy().into_owned().into()),
            format: Some(self.format.name().to_owned().into()),
            include_raw_data: Some(self.include_raw_data.into()),
        }
    }
}

pub(super) fn plan_output(config: Option<&At<OutputConfig>>) -> Result<OutputPlan, Problem> {
    let config = config.map(|at| at.value.clone()).unwrap_or_default();
    let directory = match config.directory {
        None => PathBuf::from("results"),
        Some(directory) if directory.value.is_empty() || directory.value.contains('\0') => {
            let message = "output.directory must name a folder, such as results";
            return Err(Problem::at(directory.position, message));
        }
        Some(directory) => expand_home(&directory.value).map_err(|problem| {
            Problem::at(directory.position, format!("output.directory: {problem}"))
        })?,
    };
    let formats = [TelemetryFormat::Ndjson, TelemetryFormat::Csv];
    Ok(OutputPlan {
        directory,
        name: None,
        format: match config.format {
            None => TelemetryFormat::Ndjson,
            Some(format) => choice("output.format", &format, &formats, TelemetryFormat::name)?,
        },
        include_raw_data: config.include_raw_data.is_some_and(|at| at.value),
    })
}
