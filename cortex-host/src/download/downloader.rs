//! Fetching files over HTTP(S) so that nothing half-written is ever taken for whole.
//!
//! Bytes collect in a hidden `.NAME.part` beside the target, which survives a killed process
//! and is continued with a byte range. Only when the SHA-256 of the whole is the expected one
//! does the file get its name. HTTP proxies are taken from the environment (`HTTPS_PROXY`,
//! `NO_PROXY`), as ureq does by default.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::sums::Checksums;
use super::transfer::{self, Ending, Part};

use super::catalogue::{self, Check};
use crate::recording::DatasetError;

/// Largest file fetched: a server that never stops sending must not fill the disk.
const MOST_BYTES: u64 = 1 << 30;

/// How patient to be with a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Attempts after the first one.
    pub retries: u32,
    /// Longest silence of the server before an attempt is given up.
    pub timeout: Duration,
    /// Pause before the first retry; it doubles each time, up to 16 times this.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retries: 5,
            timeout: Duration::from_secs(30),
            first_pause: Duration::from_millis(500),
        }
    }
}

/// What happens during a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Bytes present so far, and the size of the whole if the server says.
    Progress(u64, Option<u64>),
    /// An attempt failed for this reason; another follows.
    Retry(&'a str),
}

/// What a download did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The right file was there already.
    AlreadyThere,
    /// The file was fetched.
    Fetched,
}

/// Fetches files with one set of connections.
#[derive(Debug)]
pub struct Downloader {
    agent: ureq::Agent,
    patience: Patience,
}

impl Downloader {
    /// A downloader with the given patience.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        let timeout = Some(patience.timeout);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("cortex-host/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .max_redirects(5)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .timeout_per_write(timeout)
            .build();
        Self { agent: config.into(), patience }
    }

    /// Makes `target` the file at `url` whose SHA-256 is `sha256` (hexadecimal).
    ///
    /// # Errors
    /// The server does not have the file, keeps failing, or sends other bytes; the target
    /// cannot be written; another download of the same file is running.
    pub fn fetch(
        &self,
        url: &str,
        target: &Path,
        sha256: &str,
        mut told: impl FnMut(Event<'_>),
    ) -> Result<Outcome, DatasetError> {
        if catalogue::check(target, sha256)? == Check::Same {
            return Ok(Outcome::AlreadyThere);
        }
        let part = part_path(target)?;
        if let Some(folder) = part.parent() {
            fs::create_dir_all(folder).map_err(DatasetError::io("create the folder", folder))?;
        }
        let mut part = Part::open(&part)?;
        let mut pause = self.patience.first_pause;
        let mut problem = String::new();
        let mut wrong_from_scratch = 0;
        for attempt in 0..=self.patience.retries {
            if attempt > 0 {
                told(Event::Retry(&problem));
                thread::sleep(pause);
                pause = (pause * 2).min(self.patience.first_pause * 16);
            }
            let resumed = part.bytes() > 0;
            let ending = part.receive(&self.agent, url, MOST_BYTES, |bytes, total| {
                told(Event::Progress(bytes, total));
            })?;
            // Whatever the server says of the length, the digest decides.
            let found = if part.bytes() > 0 { part.sha256()? } else { String::new() };
            if found.eq_ignore_ascii_case(sha256) {
                part.place(target)?;
                return Ok(Outcome::Fetched);
            }
            match ending {
                Ending::Complete => {
                    part.clear()?;
                    problem = format!(
                        "the bytes are not the expected ones (SHA-256 {found} instead of {sha256})"
                    );
                    wrong_from_scratch += u32::from(!resumed);
                    if wrong_from_scratch == 2 {
                        problem.push_str(", twice; nothing is kept");
                        return Err(DatasetError::Fetch { url: url.to_owned(), problem });
                    }
                }
                Ending::Failed(reason) => problem = reason,
                Ending::Refused(reason) => {
                    return Err(DatasetError::Fetch { url: url.to_owned(), problem: reason });
                }
            }
        }
        Err(DatasetError::Fetch {
            url: url.to_owned(),
            problem: format!(
                "given up after {} attempts, the last one because {problem}; {}",
                self.patience.retries + 1,
                if part.bytes() > 0 {
                    "what has arrived is kept, run the command again to continue"
                } else {
                    "nothing is kept, try again later or another --mirror"
                }
            ),
        })
    }

    /// Fetches a list of SHA-256 sums.
    ///
    /// # Errors
    /// The server does not have it, keeps failing, or it is no such list.
    pub fn checksums(
        &self,
        url: &str,
        mut told: impl FnMut(Event<'_>),
    ) -> Result<Checksums, DatasetError> {
        let mut pause = self.patience.first_pause;
        let mut problem = String::new();
        for attempt in 0..=self.patience.retries {
            if attempt > 0 {
                told(Event::Retry(&problem));
                thread::sleep(pause);
                pause = (pause * 2).min(self.patience.first_pause * 16);
            }
            match transfer::receive_text(&self.agent, url) {
                Ok(text) => {
                    return Checksums::parse(&text).ok_or_else(|| DatasetError::Fetch {
                        url: url.to_owned(),
                        problem: "is no list of SHA-256 sums; check the --mirror address".into(),
                    });
                }
                Err(Ending::Refused(reason)) => {
                    return Err(DatasetError::Fetch { url: url.to_owned(), problem: reason });
                }
                Err(Ending::Failed(reason)) => problem = reason,
                Err(Ending::Complete) => {}
            }
        }
        Err(DatasetError::Fetch {
            url: url.to_owned(),
            problem: format!(
                "given up after {} attempts, the last one because {problem}",
                self.patience.retries + 1
            ),
        })
    }
}

/// Where the bytes of `target` collect: `.NAME.part` beside it.
fn part_path(target: &Path) -> Result<PathBuf, DatasetError> {
    let name = target
        .file_name()
        .ok_or_else(|| DatasetError::Request(format!("{} names no file", target.display())))?;
    Ok(target.with_file_name(format!(".{}.part", name.to_string_lossy())))
}
