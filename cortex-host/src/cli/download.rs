//! `cortex-host download physionet`: real recordings, checked and converted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::recordings::{PHYSIONET, open_catalogue};
use super::{Console, arguments, convert};
use crate::base::digest::{Algorithm, FileDigester};
use crate::base::{ExitCode, Failure, Progress, leave_on_signal};
use crate::download::catalogue::{self, Catalogue, Check, Entry};
use crate::download::{Checksums, Downloader, Outcome, RetryPolicy};
use crate::primitive::Library;
use crate::recording::{self, DatasetError, OpenOptions, Recording, Writing};

/// Arguments of `download`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host download physionet
  cortex-host download physionet --recording S001R04 --recording S002R04
  cortex-host download physionet --subjects 1-5,9 --runs 3,7,11

Interrupted downloads continue where they stopped. Recordings that are there already stay; a file
in the way that is none of them is replaced with --force only. Proxies: HTTPS_PROXY, NO_PROXY.")]
pub struct Args {
    /// Dataset: physionet.
    pub dataset: String,
    /// Fetch this recording, such as S001R03; may be repeated. Default: S001R03, S001R07,
    /// S001R11.
    #[arg(long, value_name = "ID")]
    pub recording: Vec<String>,
    /// Fetch these subjects: numbers and ranges, such as 1-5,9.
    #[arg(long, value_name = "LIST")]
    pub subjects: Option<String>,
    /// Runs to fetch of each of --subjects.
    #[arg(long, value_name = "LIST", default_value = "3,7,11", requires = "subjects")]
    pub runs: String,
    /// Fetch from this address instead of the archive's own.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Folder to put the recordings in; default: the dataset's own folder under primitives/.
    #[arg(long, value_name = "DIR", value_parser = arguments::path())]
    pub dest: Option<PathBuf>,
    /// Replace files that are there but are not the recordings.
    #[arg(long)]
    pub force: bool,
    /// Attempts after the first one.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
    /// Longest silence of the server in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub timeout: f64,
    /// Pause before the first retry in seconds; it doubles each time.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    pub retry_pause: f64,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let path = match args.dataset.as_str() {
        name if name == PHYSIONET.0 || PHYSIONET.1.ends_with(&format!("/{name}")) => PHYSIONET.1,
        path if path.trim_end_matches('/') == PHYSIONET.1 => PHYSIONET.1,
        other => {
            return Err(Failure::usage(format!(
                "there is nothing to download called '{other}'; known is {}",
                PHYSIONET.0
            )));
        }
    };
    let (catalogue, folder) = open_catalogue(&Library::new(None), path)?;
    let folder = args.dest.clone().or(folder).unwrap_or_else(|| PathBuf::from(path));
    let entries = wanted(args, &catalogue)?;
    let base = base_url(args.mirror.as_deref().unwrap_or(&catalogue.source.url))?;
    let downloader = Downloader::new(RetryPolicy {
        retries: args.retries,
        timeout: seconds("--timeout", args.timeout)?,
        first_pause: seconds("--retry-pause", args.retry_pause)?,
    });
    let said = *console;
    leave_on_signal(move || {
        if said.is_terminal() && !said.is_quiet() {
            // The progress bar's line has no end.
            said.data("");
        }
        said.error(
            "interrupted; recordings that are whole are kept, run the command again for the rest",
        );
    })?;
    let mut sums: HashMap<String, Checksums> = HashMap::new();
    for entry in &entries {
        let sha256 = match &entry.sha256 {
            Some(pinned) => pinned.clone(),
            None => {
                let url = format!("{base}{}", catalogue.source.checksums);
                if !sums.contains_key(&url) {
                    console.say(&format!("Fetching {url}..."));
                    let list = downloader.checksums(&url, console)?;
                    sums.insert(url.clone(), list);
                }
                let sum = sums.get(&url).and_then(|list| list.get(&entry.path));
                sum.map(str::to_owned).ok_or_else(|| {
                    Failure::input_output(format!(
                        "{url} has no line for {}; without its SHA-256 it is not fetched",
                        entry.path
                    ))
                })?
            }
        };
        fetch(
            &downloader,
            &format!("{base}{}", entry.path),
            entry,
            &sha256,
            &folder,
            args.force,
            console,
        )?;
        convert_entry(entry, &catalogue, &folder, args.force, console)?;
    }
    console.say(&format!(
        "{} in {}",
        recordings(entries.len()),
        folder.join("converted").display()
    ));
    Ok(ExitCode::Success)
}

/// The recordings asked for, or the default ones.
fn wanted(args: &Args, catalogue: &Catalogue) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for id in &args.recording {
        entries.push(catalogue.entry(id)?);
    }
    if let Some(subjects) = &args.subjects {
        for subject in numbers("--subjects", subjects, catalogue.subjects)? {
            for run in numbers("--runs", &args.runs, catalogue.runs)? {
                entries.push(catalogue.entry_of(subject, run)?);
            }
        }
    }
    if entries.is_empty() {
        entries.clone_from(&catalogue.recordings);
    }
    let mut seen = std::collections::HashSet::new();
    entries.retain(|entry| seen.insert(entry.id.clone()));
    Ok(entries)
}

/// `1-3,7` → 1, 2, 3, 7. Numbers may be written as in file names: `S001`, `R03`.
fn numbers(option: &str, list: &str, most: u16) -> Result<Vec<u16>, Failure> {
    let bad = |part: &str| {
        Failure::usage(format!(
            "{option}: '{part}' is no number or range; write numbers from 1 to {most}, such as 1-3,7"
        ))
    };
    let number = |part: &str| {
        let digits = part.trim().trim_start_matches(['S', 's', 'R', 'r']);
        let number = digits.parse::<u16>().ok();
        number.filter(|number| (1..=most).contains(number)).ok_or_else(|| bad(part))
    };
    let mut all = Vec::new();
    for part in list.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last {
            return Err(bad(part));
        }
        all.extend(first..=last);
    }
    Ok(all)
}

/// The address that paths are appended to.
fn base_url(url: &str) -> Result<String, Failure> {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(Failure::usage(format!(
            "'{url}' is no address; it must begin with https:// or http://"
        )));
    }
    Ok(format!("{}/", url.trim_end_matches('/')))
}

fn seconds(option: &str, value: f64) -> Result<Duration, Failure> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if value > 0.0 && value <= 86_400.0 => Ok(duration),
        _ => Err(Failure::usage(format!(
            "{option} must be above 0 and at most a day, but is {value}"
        ))),
    }
}

fn fetch(
    downloader: &Downloader,
    url: &str,
    entry: &Entry,
    sha256: &str,
    folder: &Path,
    force: bool,
    console: &Console,
) -> Result<(), Failure> {
    let target = entry.original(folder);
    if let Check::Differs(found) = catalogue::check(&target, sha256)? {
        if !force {
            return Err(Failure::usage(format!(
                "{} exists already with SHA-256 {found}, but the recording has {sha256}; give --force to replace it, or --dest for another folder",
                target.display()
            )));
        }
        console.warn(&format!(
            "{} is not the recording its SHA-256 names; fetching it again",
            target.display()
        ));
    }
    let label = format!("Downloading {}", entry.id);
    let outcome = downloader.fetch(url, &target, sha256, &label, console)?;
    console.say(&match outcome {
        Outcome::AlreadyThere => format!("{} is already there, SHA-256 as expected", entry.id),
        Outcome::Fetched => format!("{} fetched from {url}, SHA-256 as expected", entry.id),
    });
    Ok(())
}

/// Converts a fetched recording unless the pinned result is there already.
fn convert_entry(
    entry: &Entry,
    catalogue: &Catalogue,
    folder: &Path,
    force: bool,
    console: &Console,
) -> Result<(), Failure> {
    let target = entry.converted(folder);
    let there = |expected: &str| -> Result<bool, Failure> {
        Ok(catalogue::check(&target, expected)? == Check::Same)
    };
    let header = target.with_extension("vhdr").is_file();
    if let Some(expected) = &entry.converted_sha256
        && header
        && there(expected)?
    {
        return Ok(());
    }
    let source = entry.original(folder);
    let mut recording = Recording::open(&source, &OpenOptions::default())?;
    if recording.channel_names != catalogue.labels {
        console.warn(&format!(
            "{}: channels are not those of the specification: {}",
            source.display(),
            recording.channel_names.join(", ")
        ));
    }
    if recording.sample_rate_hz != catalogue.sample_rate_hz {
        console.warn(&format!(
            "{}: recorded at {} Hz, not at {} Hz; set sample_rate_hz accordingly",
            source.display(),
            recording.sample_rate_hz,
            catalogue.sample_rate_hz
        ));
    }
    // The same samples may be there from an earlier conversion, whole or killed before its header.
    let same = target.is_file() && there(&samples_sha256(&source)?)?;
    if same && header {
        return Ok(());
    }
    let writing = Writing { replace: force || same, ..Writing::default() };
    let converted = convert::with_progress(
        &mut recording,
        console,
        &Progress::new(),
        |recording, progress| recording::convert(recording, &target, writing, progress),
    )?;
    match &entry.converted_sha256 {
        Some(expected) if !expected.eq_ignore_ascii_case(&converted.sha256) => {
            Err(DatasetError::Mismatch(format!(
                "{} has SHA-256 {}, but the specification says {expected}; this is an error in the conversion, please report it",
                target.display(),
                converted.sha256
            ))
            .into())
        }
        _ => Ok(()),
    }
}

/// The SHA-256 that the samples of `source` have once converted.
fn samples_sha256(source: &Path) -> Result<String, Failure> {
    let mut digester = FileDigester::new(Algorithm::Sha256);
    Recording::open(source, &OpenOptions::default())?.read_tiles(|bytes, _| {
        digester.update(bytes);
        Ok(())
    })?;
    Ok(digester.finish().content.hex().to_owned())
}

fn recordings(count: usize) -> String {
    if count == 1 { "1 recording".to_owned() } else { format!("{count} recordings") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_numbers() {
        assert_eq!(numbers("--subjects", "1-3,S007", 109).unwrap(), [1, 2, 3, 7]);
        for wrong in ["", "0", "110", "3-1", "1-", "x", "1,,2"] {
            assert!(numbers("--subjects", wrong, 109).is_err(), "{wrong}");
        }
    }
}
