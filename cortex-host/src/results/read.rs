//! Reading a run's folder back: summary, telemetry, spectrum, configuration.
//!
//! Everything here comes from files that anybody may have changed: names are checked before they
//! become paths, sizes before they become memory, links out of the folder are not followed, and a
//! mistake is an error with file and line.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::row::TelemetryRow;
use super::spectrum::{InputSpectrum, SPECTRUM_NAME};
use super::summary::{OLDEST_SCHEMA_VERSION, RunStatus, SCHEMA_VERSION, Summary};
use crate::base::contained::{check_within, open_within};
use crate::base::{Failure, FileError};
use crate::plan::TelemetryFormat;

/// Summaries, spectra and configurations are far smaller than this, in bytes.
const MOST_TEXT_BYTES: u64 = 16 << 20;

/// Telemetry rows are far shorter than this, in bytes.
const MOST_LINE_BYTES: u64 = 64 << 10;

/// Why a run's folder cannot be read, or its report not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no summary.
    #[error(
        "{folder} is no run: it has no summary.json; give a folder that cortex-host run has made",
        folder = folder.display()
    )]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{path}: {message}; the file was changed or is not whole", path = path.display())]
    Content {
        /// The file, and the line in it where there is one.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The summary is of another version.
    #[error(
        "{path} has schema_version {found}, but this program reads {SCHEMA_VERSION}; use the \
         version of cortex-host that made the run",
        path = path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A file cannot be read, or the report not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Failure::input_output(error.to_string())
    }
}

/// A run as its folder tells it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// `summary.json`.
    pub summary: Summary,
    /// The windows of each kernel, in the summary's order; kernels that the summary does not
    /// know (of a run that was killed) come last.
    pub kernels: Vec<KernelWindows>,
    /// `dataset/spectrum.json`, when there is one.
    pub spectrum: Option<InputSpectrum>,
    /// `config.yaml`, when there is one.
    pub config: Option<String>,
    /// What the summary says of a device and its link, name and value: whatever it says.
    pub device: Vec<(String, String)>,
}

/// The telemetry of one kernel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelWindows {
    /// The kernel's name in the summary.
    pub name: String,
    /// Its windows, in order.
    pub windows: Vec<Window>,
    /// Whether the last row is cut off, as a killed run leaves it.
    pub cut_off: bool,
    /// The labels of its windows, each once, in order of their first window.
    pub labels: Vec<String>,
}

const _: () = assert!(size_of::<Window>() <= 64);

/// One window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When its last sample had arrived, in nanoseconds after the first window's release.
    pub at_ns: u64,
    /// Kernel time in nanoseconds; none for a failed window.
    pub kernel_ns: Option<u64>,
    /// Time from release to result in nanoseconds; none for a failed window.
    pub end_to_end_ns: Option<u64>,
    /// Whether there was no result at the deadline.
    pub deadline_missed: bool,
    /// Whether it is a warm-up window, which is in no statistics.
    pub warmup: bool,
    /// Instructions of the kernel on an emulated device, whose kernel times are no times of real
    /// hardware.
    pub instructions: Option<u64>,
    /// What happened in it: a place in [`KernelWindows::labels`], counted from 1, so that of millions of
    /// windows each takes 64 bytes.
    pub label: Option<NonZeroU32>,
}

/// The runs that `path` stands for: itself, or when it holds runs (a results folder, a sweep)
/// all of them by name.
///
/// # Errors
/// [`ReadError`] when the folder cannot be listed.
pub fn run_folders(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let is_run = |folder: &Path| folder.join("summary.json").exists();
    if !is_run(path) {
        let inside = folders_in(path, path)?.into_iter().map(|name| path.join(name));
        let runs: Vec<PathBuf> = inside.filter(|folder| is_run(folder)).collect();
        if !runs.is_empty() {
            return Ok(runs);
        }
    }
    Ok(vec![path.to_owned()])
}

impl RunRecord {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// [`ReadError`] when it is no run, or a file cannot be read or is damaged.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        let (summary, device) = read_summary(folder)?;
        let mut names: Vec<String> = summary.kernels.iter().map(|k| k.name.clone()).collect();
        for name in folders_in(folder, &folder.join("kernel-data"))? {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let running = summary.status == RunStatus::Running;
        let kernels = names
            .into_iter()
            .map(|name| match summary.kernels.iter().find(|kernel| kernel.name == name) {
                // Not run, or run by a device on input of its own: there is no row per window.
                Some(kernel) if kernel.seeded.is_some() || kernel.windows.run == 0 => {
                    Ok(KernelWindows { name, ..KernelWindows::default() })
                }
                known => {
                    let kernel = read_windows(folder, name, running)?;
                    let complete = summary.status == RunStatus::Complete;
                    match known.filter(|_| complete).map(|known| known.windows.run) {
                        Some(run) if run != kernel.windows.len() as u64 => {
                            Err(ReadError::Content {
                                path: folder.join("kernel-data").join(&kernel.name),
                                message: format!(
                                    "the telemetry has {} windows, but summary.json says {run}",
                                    kernel.windows.len()
                                ),
                            })
                        }
                        _ => Ok(kernel),
                    }
                }
            })
            .collect::<Result<_, _>>()?;
        let path = folder.join(SPECTRUM_NAME);
        let spectrum = match read_text(folder, &path)? {
            Some(text) => Some(serde_json::from_str(&text).map_err(|error| {
                ReadError::Content { path, message: format!("this is no spectrum ({error})") }
            })?),
            None => None,
        };
        let config = read_text(folder, &folder.join("config.yaml"))?;
        Ok(Self { summary, kernels, spectrum, config, device })
    }
}

impl KernelWindows {
    /// The measured windows: all but the warm-up.
    pub fn measured(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(|window| !window.warmup)
    }

    /// Whether the device was emulated: its kernels are measured in instructions.
    #[must_use]
    pub fn emulated(&self) -> bool {
        self.windows.iter().any(|window| window.instructions.is_some())
    }
}

fn read_summary(folder: &Path) -> Result<(Summary, Vec<(String, String)>), ReadError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u64,
        #[serde(flatten)]
        rest: serde_json::Map<String, Value>,
    }
    let path = folder.join("summary.json");
    let Some(text) = read_text(folder, &path)? else {
        return Err(ReadError::NoRun { folder: folder.to_owned() });
    };
    let wrong = |error: serde_json::Error| ReadError::Content {
        path: path.clone(),
        message: format!("this is no summary of a run ({error})"),
    };
    let version: Version = serde_json::from_str(&text).map_err(wrong)?;
    let readable = u64::from(OLDEST_SCHEMA_VERSION)..=u64::from(SCHEMA_VERSION);
    if !readable.contains(&version.schema_version) {
        return Err(ReadError::Version { path, found: version.schema_version });
    }
    let mut device = Vec::new();
    for (key, name) in [
        ("transfer", "transfer"),
        ("encoding", "encoding"),
        ("results", "results"),
        ("device_facts", ""),
        ("link", "link"),
        ("faults", "faults"),
    ] {
        if let Some(value) = version.rest.get(key) {
            facts(name, value, &mut device);
        }
    }
    if let Some(scale @ Value::Number(_)) = version.rest.get("scale_uv") {
        device.push(("scale, µV".to_owned(), scale.to_string()));
    }
    Ok((serde_json::from_str(&text).map_err(wrong)?, device))
}

/// Every scalar of a value, named by its path with the unit last: `link latency, µs`.
fn facts(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let text = match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let mut key = key.replace('_', " ");
                for (suffix, unit) in [("us", "µs"), ("ns", "ns"), ("bytes", "bytes"), ("hz", "Hz")]
                {
                    if let Some(start) = key.strip_suffix(&format!(" {suffix}")) {
                        key = format!("{start}, {unit}");
                        break;
                    }
                }
                facts(format!("{name} {key}").trim_start(), value, found);
            }
            return;
        }
        Value::Number(number) => match number.as_f64() {
            Some(value) if !number.is_u64() && !number.is_i64() => format!("{value:.3}"),
            _ => number.to_string(),
        },
        Value::Bool(value) => if *value { "yes" } else { "no" }.to_owned(),
        Value::String(text) if !text.is_empty() => text.clone(),
        _ => return,
    };
    found.push((name.to_owned(), text));
}

/// A file's text; none when there is no such file.
fn read_text(run: &Path, path: &Path) -> Result<Option<String>, ReadError> {
    let unreadable = |source| FileError::at("read", path)(source);
    let file = match open_within(run, path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error).into()),
    };
    let mut text = String::new();
    file.take(MOST_TEXT_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok(Some(text))
}

/// Names of the folders in `folder`, in order; none when it does not exist.
fn folders_in(run: &Path, folder: &Path) -> Result<Vec<String>, ReadError> {
    let unreadable = |source| FileError::at("read", folder)(source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error).into()),
    };
    check_within(run, folder).map_err(unreadable)?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        if entry.path().is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads a kernel's telemetry; `running` runs may have been killed within a row.
fn read_windows(run: &Path, name: String, running: bool) -> Result<KernelWindows, ReadError> {
    if Path::new(&name).file_name().is_none_or(|plain| plain != name.as_str()) {
        return Err(ReadError::Content {
            path: run.join("summary.json"),
            message: format!("the kernel name {name:?} is no name of a folder"),
        });
    }
    let folder = run.join("kernel-data").join(&name);
    let mut kernel = KernelWindows { name, ..KernelWindows::default() };
    for (file, format) in
        [("telemetry.ndjson", TelemetryFormat::Ndjson), ("telemetry.csv", TelemetryFormat::Csv)]
    {
        let path = folder.join(file);
        match open_within(run, &path) {
            Ok(file) => {
                read_rows(&path, file, format, running, &mut kernel)?;
                return Ok(kernel);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(FileError::at("read", &path)(source).into()),
        }
    }
    // A kernel whose folder was only just made has no windows.
    if running {
        return Ok(kernel);
    }
    let source = io::Error::from(io::ErrorKind::NotFound);
    Err(FileError::at("read", &folder.join("telemetry.ndjson"))(source).into())
}

fn read_rows(
    path: &Path,
    file: File,
    format: TelemetryFormat,
    running: bool,
    kernel: &mut KernelWindows,
) -> Result<(), ReadError> {
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut line = Vec::new();
    let mut head = None;
    let mut first_release_ns = None;
    let mut places = Places::default();
    for number in 1_u64.. {
        line.clear();
        let taken = reader
            .by_ref()
            .take(MOST_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|source| FileError::at("read", path)(source))?;
        if taken == 0 {
            break;
        }
        if format == TelemetryFormat::Csv && head.is_none() {
            head = Some(record(&line).unwrap_or_default());
            continue;
        }
        let row = match &head {
            None => serde_json::from_slice(&line).map_err(|error| error.to_string()),
            Some(head) => record(&line).and_then(|record| {
                record.deserialize::<TelemetryRow>(Some(head)).map_err(|error| error.to_string())
            }),
        };
        let row: TelemetryRow = match row {
            Ok(row) if line.ends_with(b"\n") => row,
            // What is there of a row whose end was never written may still parse.
            _ if running && !line.ends_with(b"\n") => {
                kernel.cut_off = true;
                break;
            }
            Ok(row) => row,
            Err(message) => {
                return Err(ReadError::Content {
                    path: PathBuf::from(format!("{}:{number}", path.display())),
                    message: format!("this is no telemetry row ({message})"),
                });
            }
        };
        let first_ns = *first_release_ns.get_or_insert(row.release_ts_ns);
        let label = row.label.as_deref().filter(|label| !label.is_empty());
        let label = label.and_then(|label| places.of(label, &mut kernel.labels));
        kernel.windows.push(Window { label, ..Window::of(&row, first_ns) });
    }
    Ok(())
}

/// Where labels stand in a list, counted from 1.
#[derive(Default)]
struct Places(HashMap<String, NonZeroU32>);

impl Places {
    /// The place of `label` in `labels`, to which it is added when it is new. None beyond four thousand
    /// million labels.
    fn of(&mut self, label: &str, labels: &mut Vec<String>) -> Option<NonZeroU32> {
        if let Some(place) = self.0.get(label) {
            return Some(*place);
        }
        let place = NonZeroU32::new(u32::try_from(labels.len() + 1).ok()?)?;
        labels.push(label.to_owned());
        self.0.insert(label.to_owned(), place);
        Some(place)
    }
}

/// One line of CSV.
fn record(line: &[u8]) -> Result<csv::StringRecord, String> {
    // Nearly every line is its fields and commas. A reader costs a hundred times what such a line does.
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if !text.is_empty() && !text.iter().any(|byte| matches!(byte, b'"' | b'\r' | b'\n')) {
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        return Ok(text.split(',').collect());
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => Ok(record),
        Ok(false) => Err("it is empty".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl Window {
    fn of(row: &TelemetryRow, first_release_ns: u64) -> Self {
        let succeeded = row.window_failed == 0;
        let kernel_ns = row.device_tend_ns.saturating_sub(row.device_tstart_ns);
        let end_to_end_ns = row.end_ts_ns.saturating_sub(row.release_ts_ns);
        Self {
            at_ns: row.release_ts_ns.saturating_sub(first_release_ns),
            kernel_ns: succeeded.then_some(kernel_ns),
            end_to_end_ns: succeeded.then_some(end_to_end_ns),
            deadline_missed: row.deadline_missed != 0,
            warmup: row.warmup != 0,
            instructions: row.device_instructions,
            label: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_a_reader_of_csv_makes_of_it() {
        for line in ["a,,1.5\n", "a,\"b,c\",2\r\n", "one", ",\n", "a, b ,c\r\n", "a\rb\n"] {
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let expected = reader.records().next().unwrap().unwrap();
            assert_eq!(record(line.as_bytes()), Ok(expected), "{line:?}");
        }
        assert!(record(b"\n").is_err() && record(b"\r\n").is_err() && record(b"").is_err());
        assert!(record(b"a,\xff\n").is_err());
    }

    #[test]
    fn a_devices_facts_are_named_with_their_units() {
        let link = serde_json::json!({
            "latency_us": 12.5, "crc_errors": 0, "nested": { "line_bytes": 7 }, "none": null,
        });
        let mut found = Vec::new();
        facts("link", &link, &mut found);
        found.sort();
        let expected = [("link crc errors", "0"), ("link latency, µs", "12.500")];
        let expected = [expected.as_slice(), &[("link nested line, bytes", "7")]].concat();
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }
}
