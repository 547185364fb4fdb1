//! One configuration at many values of some of its keys: a folder in which every run has the name
//! of its values and is made once.
//!
//! What was stopped goes on: a run that is complete, of the same plan, is read instead of made
//! again; what a run that was killed has left is removed first. `sweep` takes every combination
//! of values, [`crate::capacity`] searches.

mod axis;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use axis::Axis;

use crate::base::atomic_file::place_text;
use crate::base::digest::hex;
use crate::base::{ExitCode, Failure, Observer};
use crate::config::{Setting, Source};
use crate::plan::{Overrides, Plan, plan_of};
use crate::report::{SweepRow, sweep_html};
use crate::results::{RunRecord, RunStatus};
use crate::run::{Options, run};

/// Most runs of a sweep.
pub const MOST_RUNS: usize = 1000;

/// Longest name of a run's folder, in bytes; file systems take 255.
const LONGEST_NAME: usize = 200;

/// What all runs have in common.
#[derive(Clone, Debug)]
pub struct Series {
    /// The configuration.
    pub source: Source,
    /// Values in place of the configuration's.
    pub settings: Vec<Setting>,
    /// The device in place of the configuration's.
    pub device: Option<String>,
    /// The folder of the runs.
    pub folder: PathBuf,
}

/// One run of a series, planned.
#[derive(Clone, Debug)]
pub struct Point {
    /// What it is set to: keys and values.
    pub values: Vec<(String, String)>,
    /// The plan; its output has folder and name.
    pub plan: Plan,
}

impl Series {
    /// Plans the run with `values`, and only the kernels of `kernels` (all when there is none). Its
    /// name is made of kernels and values.
    ///
    /// # Errors
    /// [`Failure`] when the configuration with these values cannot be carried out.
    pub fn point(
        &self,
        kernels: &[String],
        values: Vec<(String, String)>,
    ) -> Result<Point, Failure> {
        self.point_again(kernels, values, 1)
    }

    /// The same for the run number `nth`, from 1, with these values.
    ///
    /// # Errors
    /// As of [`Series::point`].
    pub fn point_again(
        &self,
        kernels: &[String],
        values: Vec<(String, String)>,
        nth: u32,
    ) -> Result<Point, Failure> {
        let mut settings = self.settings.clone();
        for (key, value) in &values {
            settings.push(Setting::new(key, value).map_err(Failure::usage)?);
        }
        let values_named = values.iter().map(|(key, value)| format!("{key}={value}"));
        let again = (nth > 1).then(|| format!("run={nth}"));
        let name: Vec<String> = kernels.iter().cloned().chain(values_named).chain(again).collect();
        let overrides = Overrides {
            device: self.device.clone(),
            settings,
            kernels: kernels.to_vec(),
            directory: Some(self.folder.clone()),
            name: Some(folder_name(&name.join(","))),
            ..Overrides::default()
        };
        Ok(Point { values, plan: plan_of(&self.source, &overrides)? })
    }

    /// Plans every combination of the values of `axes`.
    ///
    /// # Errors
    /// [`Failure`]: there are more than [`MOST_RUNS`], a key varies twice or is set, too, or one of
    /// them cannot be planned.
    pub fn grid(&self, axes: &[Axis]) -> Result<Vec<Point>, Failure> {
        let count = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
        if count.is_none_or(|count| count > MOST_RUNS) {
            return Err(Failure::usage(format!("a sweep has at most {MOST_RUNS} runs; vary less")));
        }
        let mut combinations: Vec<Vec<(String, String)>> = vec![Vec::new()];
        for (index, axis) in axes.iter().enumerate() {
            if axes.iter().take(index).any(|before| before.key == axis.key) {
                let message = format!("{} varies twice; give all its values at once", axis.key);
                return Err(Failure::usage(message));
            }
            if self.settings.iter().any(|setting| setting.key == axis.key) {
                let message = format!("{} is set and varies; leave out one or the other", axis.key);
                return Err(Failure::usage(message));
            }
            combinations = combinations
                .iter()
                .flat_map(|before| {
                    axis.values.iter().map(move |value| {
                        [before.as_slice(), &[(axis.key.clone(), value.clone())]].concat()
                    })
                })
                .collect();
        }
        combinations.into_iter().map(|values| self.point(&[], values)).collect()
    }
}

impl Point {
    /// The name of the run's folder.
    #[must_use]
    pub fn name(&self) -> &str {
        self.plan.output.name.as_deref().unwrap_or_default()
    }

    /// The run: read when it is there and complete, else made.
    ///
    /// # Errors
    /// [`Failure`] when nothing was run, or the folder holds a run of another configuration.
    pub fn run(&self, options: &Options, observer: &dyn Observer) -> Result<Ran, Failure> {
        let folder = self.plan.output.directory.join(self.name());
        if folder.join("summary.json").is_file() {
            let record = RunRecord::read(&folder)?;
            if record.summary.plan_sha256 != self.plan.digest() {
                return Err(Failure::usage(format!(
                    "{} is of another configuration; give another folder with --out",
                    folder.display()
                )));
            }
            if record.summary.status == RunStatus::Complete {
                return Ok(Ran { record, failure: None, before: true });
            }
        }
        if folder.exists() {
            // Only what a run that was stopped has left: its name is that of this point.
            std::fs::remove_dir_all(&folder)
                .map_err(|error| Failure::io("remove", &folder, &error))?;
        }
        let outcome = run(&self.plan, options, observer)?;
        let record = RunRecord::read(&outcome.folder)?;
        Ok(Ran { record, failure: outcome.failure, before: false })
    }
}

/// A run of a series.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What its folder tells.
    pub record: RunRecord,
    /// What broke it off, or is wrong with its windows.
    pub failure: Option<Failure>,
    /// Whether it was complete before and only read.
    pub before: bool,
}

impl Ran {
    /// How it ended.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match (&self.failure, self.record.summary.status) {
            (Some(failure), _) => failure.code(),
            (None, RunStatus::Interrupted) => ExitCode::Interrupted,
            (None, _) => ExitCode::Success,
        }
    }
}

/// Writes `STEM.json` with the text `json`, and `STEM.csv` and `STEM.html` with the rows (and on the
/// page the `answers`, as [`sweep_html`] has them), into a series' folder.
///
/// # Errors
/// [`Failure`] when one cannot be written.
pub fn write(
    folder: &Path,
    stem: &str,
    json: &str,
    title: &str,
    keys: &[&str],
    rows: &[SweepRow],
    answers: &[[String; 4]],
) -> Result<(), Failure> {
    let place =
        |extension: &str, text: &str| place_text(&folder.join(format!("{stem}.{extension}")), text);
    place("json", json)?;
    place("csv", &csv(keys, rows))?;
    place("html", &sweep_html(title, keys, rows, answers))?;
    Ok(())
}

fn csv(keys: &[&str], rows: &[SweepRow]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [keys, &SweepRow::COLUMNS].concat();
    let mut records = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    records.extend(rows.iter().map(SweepRow::cells));
    for record in records {
        // Writing to memory cannot fail.
        let _ = writer.write_record(record);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A folder's name for `text`: without separators, and when it is long cut and told apart by its
/// digest.
fn folder_name(text: &str) -> String {
    let name = text.replace(['/', '\\'], "_");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let digest = hex(&Sha256::digest(name.as_bytes()));
    let mut end = LONGEST_NAME - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", &name[..end], &digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_are_short_and_their_own() {
        assert_eq!(folder_name("dataset.path=a/b"), "dataset.path=a_b");
        let long = |last: char| folder_name(&format!("{}{last}", "é".repeat(300)));
        assert!(long('a').len() <= LONGEST_NAME);
        assert_ne!(long('a'), long('b'));
    }
}
