//! A recording as part of a BIDS data set: its names, and the files that stand beside it.
//!
//! Source: Brain Imaging Data Structure 1.10, "Electroencephalography".

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::write::refuse;
use super::{
    Converted, DatasetError, Format, Recording, Writing, beside, brainvision, convert, edf, events,
};
use crate::base::atomic_file;
use crate::base::{Progress, printable, quoted};

/// The version that the files follow.
const VERSION: &str = "1.10.0";

/// Extensions of an EEG recording's files in each format that BIDS has.
const EXTENSIONS: [&[&str]; 4] = [&["vhdr", "vmrk", "eeg"], &["edf"], &["bdf"], &["set", "fdt"]];

/// Which recording of a data set it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entities {
    /// The data set's folder.
    pub root: PathBuf,
    /// Letters and digits, without `sub-`.
    pub subject: String,
    /// Letters and digits, without `ses-`, if there are several sessions.
    pub session: Option<String>,
    /// Letters and digits, without `task-`.
    pub task: String,
    /// Number of the run, if there are several.
    pub run: Option<u32>,
}

impl Entities {
    /// The folder of the recording's files.
    fn folder(&self) -> PathBuf {
        let mut folder = self.root.join(format!("sub-{}", self.subject));
        if let Some(session) = &self.session {
            folder.push(format!("ses-{session}"));
        }
        folder.join("eeg")
    }

    /// What the names of the recording's files begin with.
    fn stem(&self) -> String {
        let mut stem = format!("sub-{}", self.subject);
        if let Some(session) = &self.session {
            let _ = write!(stem, "_ses-{session}");
        }
        let _ = write!(stem, "_task-{}", self.task);
        if let Some(run) = self.run {
            let _ = write!(stem, "_run-{run}");
        }
        stem
    }

    /// Where what a recording was made from is kept: the name of its files in the set's folder of
    /// sources, without extension.
    #[must_use]
    pub fn source(&self) -> PathBuf {
        let folder = self.folder();
        let inside = folder.strip_prefix(&self.root).unwrap_or(&folder);
        self.root.join("sourcedata").join(inside).join(format!("{}_eeg", self.stem()))
    }

    /// The files of a recording with events, its samples first.
    fn files(&self, format: &Format) -> [PathBuf; 4] {
        let (folder, stem) = (self.folder(), self.stem());
        let beside = |suffix: &str| folder.join(format!("{stem}_{suffix}"));
        let samples = beside(&format!("eeg.{}", format.extension()));
        [samples, beside("eeg.json"), beside("channels.tsv"), beside("events.tsv")]
    }

    /// The files that the same recording has in other formats than `format`.
    fn in_other_formats(&self, format: &Format) -> Vec<PathBuf> {
        let other = |extensions: &&[&str]| !extensions.contains(&format.extension());
        let path = |extension| self.folder().join(format!("{}_eeg.{extension}", self.stem()));
        EXTENSIONS.into_iter().filter(other).flatten().map(path).collect()
    }

    fn check(&self) -> Result<(), DatasetError> {
        let labels = [("--subject", Some(&self.subject)), ("--session", self.session.as_ref())];
        for (option, label) in labels.into_iter().chain([("--task", Some(&self.task))]) {
            let Some(label) = label else { continue };
            if label.is_empty() || !label.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(DatasetError::Request(format!(
                    "{option} is {}, but BIDS has letters and digits only there",
                    quoted(label)
                )));
            }
        }
        let folder = self.folder();
        match folder.ancestors().find(|path| path.exists() && !path.is_dir()) {
            Some(file) => Err(DatasetError::Request(format!(
                "{} is a file, but --bids {} needs a folder there; give another ROOT",
                file.display(),
                self.root.display()
            ))),
            None => Ok(()),
        }
    }
}

/// Whether a recording may be written: [`write`] refuses nothing later but samples and its own
/// input.
///
/// # Errors
/// A label has other characters than letters and digits, the format is none of BIDS, a file stands
/// in place of a folder, a file is there and may not be replaced, in another format or among the
/// sources too, or the participants cannot be read.
pub fn check(entities: &Entities, writing: Writing) -> Result<(), DatasetError> {
    entities.check()?;
    let format = format_of(writing)?;
    let mut files = entities.files(format).to_vec();
    files.extend(entities.in_other_formats(format));
    files.extend(beside(&entities.source()));
    atomic_file::refuse_taken(files.iter().map(PathBuf::as_path), writing.replace)?;
    participants(&entities.root)?;
    Ok(())
}

fn format_of(writing: Writing) -> Result<&'static Format, DatasetError> {
    let format = writing.format.unwrap_or(&brainvision::FORMAT);
    if ![&brainvision::FORMAT, &edf::EDF, &edf::BDF].contains(&format) {
        return Err(DatasetError::Request(format!(
            "BIDS knows BrainVision, EDF and BDF, but --format says {}",
            format.key
        )));
    }
    Ok(format)
}

/// Writes `recording` into the data set: the recording as BrainVision, EDF+ or BDF+ (`format`,
/// BrainVision by default), `_eeg.json`, `_channels.tsv` and, where its format keeps events,
/// `_events.tsv`. The set's `dataset_description.json`, `participants.tsv` and `README.md` are made
/// where there are none; a participant that is not listed is added. Where it is known which channels
/// are bad, `status` has what is wrong with each, or nothing.
///
/// What is replaced goes with all its files, those in other formats and its sources too, once the
/// new recording is there.
///
/// # Errors
/// As [`check`] and [`super::convert()`].
pub fn write(
    recording: &mut Recording,
    entities: &Entities,
    status: Option<&[Option<&str>]>,
    writing: Writing,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    check(entities, writing)?;
    let format = format_of(writing)?;
    let [target, json, table, events_table] = entities.files(format);
    let mut older = entities.in_other_formats(format);
    older.extend(beside(&entities.source()));
    refuse(recording, writing.replace, older.iter().map(PathBuf::as_path))?;
    let written =
        convert(recording, &target, Writing { format: Some(format), ..writing }, progress)?;
    for path in &older {
        atomic_file::remove_if_present(path)?;
    }
    let names = &written.channel_names;
    let mut texts = vec![
        (json, description(recording, &entities.task)),
        (table, channels(names, recording.sample_rate_hz, status)),
    ];
    if recording.keeps_events && format != &brainvision::FORMAT {
        texts.push((events_table, events::to_tsv(&recording.events)));
    }
    for (path, text) in &texts {
        atomic_file::place_text(path, text)?;
    }
    describe_set(entities)?;
    Ok(written)
}

/// `_eeg.json`; what the recording does not say is `n/a`.
fn description(recording: &Recording, task: &str) -> String {
    let value = json!({
        "TaskName": task,
        "EEGReference": "n/a",
        "SamplingFrequency": recording.sample_rate_hz,
        "PowerLineFrequency": "n/a",
        "SoftwareFilters": "n/a",
        "EEGChannelCount": recording.channels(),
        "RecordingDuration": recording.samples as f64 / recording.sample_rate_hz,
        "RecordingType": "continuous",
    });
    format!("{value:#}\n")
}

/// `_channels.tsv` of channels that the recording calls `names`.
fn channels(names: &[String], rate_hz: f64, status: Option<&[Option<&str>]>) -> String {
    let mut text = String::from("name\ttype\tunits\tsampling_frequency");
    text.push_str(if status.is_some() { "\tstatus\tstatus_description\n" } else { "\n" });
    for (channel, name) in names.iter().enumerate() {
        let name = printable(name);
        let _ = write!(text, "{name}\tEEG\tµV\t{rate_hz}");
        let _ = match status.map(|all| all.get(channel).copied().flatten()) {
            None => writeln!(text),
            Some(None) => writeln!(text, "\tgood\tn/a"),
            Some(Some(what)) => writeln!(text, "\tbad\t{what}"),
        };
    }
    text
}

/// The files of the whole set.
fn describe_set(entities: &Entities) -> Result<(), DatasetError> {
    let root = &entities.root;
    let _held = atomic_file::hold_folder_of(&root.join("participants.tsv"));
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let description = json!({
        "Name": if name.is_empty() { "EEG" } else { &name },
        "BIDSVersion": VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{ "Name": "cortex-host", "Version": env!("CARGO_PKG_VERSION") }],
    });
    let readme =
        format!("# {name}\n\nEEG in the Brain Imaging Data Structure, written by cortex-host.\n");
    for (file, text) in
        [("dataset_description.json", format!("{description:#}\n")), ("README.md", readme)]
    {
        let path = root.join(file);
        let named = |extension: &str| root.join("README").with_extension(extension).exists();
        let there = path.exists()
            || (file == "README.md"
                && (root.join("README").exists() || named("txt") || named("rst")));
        if !there {
            atomic_file::place_text(&path, &text)?;
        }
    }
    let participant = format!("sub-{}", entities.subject);
    let (path, old) = participants(root)?;
    let listed = old.lines().any(|line| line.split('\t').next() == Some(participant.as_str()));
    if listed {
        return Ok(());
    }
    let header = if old.is_empty() { "participant_id\n" } else { "" };
    // Columns that others have added.
    let columns = old.lines().next().map_or(0, |line| line.matches('\t').count());
    let line_end = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let unknown = "\tn/a".repeat(columns);
    atomic_file::place_text(&path, &format!("{header}{old}{line_end}{participant}{unknown}\n"))?;
    Ok(())
}

/// Where the participants of the data set in `root` stand, and what stands there.
fn participants(root: &Path) -> Result<(PathBuf, String), DatasetError> {
    let path = root.join("participants.tsv");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(DatasetError::format(&path, "it is not in UTF-8, as BIDS has it; save it so"))
        }
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(DatasetError::io("read", &path)(error))
        }
        text => Ok((path, text.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_recording() {
        let mut entities = Entities {
            root: "set".into(),
            subject: "01".into(),
            session: None,
            task: "motor".into(),
            run: None,
        };
        assert_eq!(entities.folder(), Path::new("set/sub-01/eeg"));
        assert_eq!(entities.stem(), "sub-01_task-motor");
        entities.session = Some("pre".into());
        entities.run = Some(2);
        assert_eq!(entities.folder(), Path::new("set/sub-01/ses-pre/eeg"));
        assert_eq!(entities.stem(), "sub-01_ses-pre_task-motor_run-2");
        entities.task = "motor_imagery".into();
        let error = entities.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "--task is \"motor_imagery\", but BIDS has letters and digits only there"
        );
    }
}
