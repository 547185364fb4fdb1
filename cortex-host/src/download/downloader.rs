//! Fetching recordings over HTTP(S): a file gets its name only when its SHA-256 is the expected one.
//!
//! Recordings are a few megabytes, so each attempt fetches a whole one into memory. HTTP proxies
//! are taken from the environment (`HTTPS_PROXY`, `NO_PROXY`), as ureq does by default.

use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ureq::http::{Response, header};

use super::catalogue::{self, Check};
use super::sums::Checksums;
use crate::base::atomic_file::Staged;
use crate::base::digest::sha256_of;
use crate::base::{Level, Observer, Progress};
use crate::recording::DatasetError;

/// Largest file fetched, in bytes: a server that never stops sending must not fill the memory.
const MOST_BYTES: u64 = 64 << 20;

/// How patient to be with a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first one.
    pub retries: u32,
    /// Longest silence of the server before an attempt is given up.
    pub timeout: Duration,
    /// Pause before the first retry; it doubles each time, up to 16 times this.
    pub first_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            timeout: Duration::from_secs(30),
            first_pause: Duration::from_millis(500),
        }
    }
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
    patience: RetryPolicy,
}

impl Downloader {
    /// A downloader with the given patience.
    #[must_use]
    pub fn new(patience: RetryPolicy) -> Self {
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

    /// Makes `target` the file at `url` whose SHA-256 is `sha256` (hexadecimal); `label` names the
    /// step to `observer`.
    ///
    /// # Errors
    /// The server does not have the file, keeps failing, or sends other bytes; the target cannot be
    /// written. What was at the target is then still there.
    pub fn fetch(
        &self,
        url: &str,
        target: &Path,
        sha256: &str,
        label: &str,
        observer: &dyn Observer,
    ) -> Result<Outcome, DatasetError> {
        if catalogue::check(target, sha256)? == Check::Same {
            return Ok(Outcome::AlreadyThere);
        }
        let mut wrong = 0;
        let bytes = self.attempts(url, label, observer, |Body { bytes, broken }| {
            let found = sha256_of(bytes.as_slice()).unwrap_or_default();
            // Whatever the server says of the length, the digest decides.
            if found.eq_ignore_ascii_case(sha256) {
                return Ok(bytes);
            }
            if let Some(reason) = broken {
                return Err(Refusal::Passing(reason));
            }
            wrong += 1;
            let problem = format!(
                "the bytes are not the expected ones (SHA-256 {found} instead of {sha256})"
            );
            Err(match wrong {
                1 => Refusal::Passing(problem),
                _ => Refusal::Final(format!("{problem}, twice; nothing is kept")),
            })
        })?;
        let mut staged = Staged::create(target)?;
        staged.put(&bytes)?;
        staged.place()?;
        Ok(Outcome::Fetched)
    }

    /// Fetches a list of SHA-256 sums.
    ///
    /// # Errors
    /// The server does not have it, keeps failing, or it is no such list.
    pub fn checksums(&self, url: &str, observer: &dyn Observer) -> Result<Checksums, DatasetError> {
        self.attempts(url, "Checksums", observer, |Body { bytes, broken }| match broken {
            Some(reason) => Err(Refusal::Passing(reason)),
            None => Checksums::parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| {
                let problem = "is no list of SHA-256 sums; check the --mirror address";
                Refusal::Final(problem.to_owned())
            }),
        })
    }

    /// Fetches `url` until `accept` takes what came.
    fn attempts<T>(
        &self,
        url: &str,
        label: &str,
        observer: &dyn Observer,
        mut accept: impl FnMut(Body) -> Result<T, Refusal>,
    ) -> Result<T, DatasetError> {
        let failed = |problem| DatasetError::Fetch { url: url.to_owned(), problem };
        let mut pause = self.patience.first_pause;
        let mut problem = String::new();
        for attempt in 0..=self.patience.retries {
            if attempt > 0 {
                observer.message(Level::Info, &format!("Trying again: {problem}"));
                thread::sleep(pause);
                pause = (pause * 2).min(self.patience.first_pause * 16);
            }
            match self.get(url, label, observer).and_then(&mut accept) {
                Ok(value) => return Ok(value),
                Err(Refusal::Final(reason)) => return Err(failed(reason)),
                Err(Refusal::Passing(reason)) => problem = reason,
            }
        }
        Err(failed(format!(
            "given up after {} attempts, the last one because {problem}; nothing is kept, try again \
             later or another --mirror",
            self.patience.retries + 1
        )))
    }

    /// One exchange.
    fn get(&self, url: &str, label: &str, observer: &dyn Observer) -> Result<Body, Refusal> {
        let mut response = self.agent.get(url).call().map_err(|error| refusal(&error))?;
        check_status(response.status().as_u16())?;
        let total = length(&response);
        let step = observer.step(&Progress::new(), label, total.unwrap_or(0));
        let mut reader = response.body_mut().with_config().limit(MOST_BYTES + 1).reader();
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        let mut broken = None;
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    step.add(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    broken = Some(format!("the transfer broke off: {error}"));
                    break;
                }
            }
            if bytes.len() as u64 > MOST_BYTES {
                let problem = format!("more than {MOST_BYTES} bytes; this is no recording");
                return Err(Refusal::Final(problem));
            }
        }
        if let Some(total) = total.filter(|total| (bytes.len() as u64) < *total) {
            broken.get_or_insert_with(|| {
                format!("the transfer ended after {} of {total} bytes", bytes.len())
            });
        }
        Ok(Body { bytes, broken })
    }
}

/// What came of a body, and why no more.
struct Body {
    bytes: Vec<u8>,
    broken: Option<String>,
}

/// Why an attempt brought nothing.
enum Refusal {
    /// It may pass.
    Passing(String),
    /// Trying again is pointless.
    Final(String),
}

fn length<T>(response: &Response<T>) -> Option<u64> {
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// What a status means (RFC 9110, section 15).
fn check_status(status: u16) -> Result<(), Refusal> {
    match status {
        200 => Ok(()),
        404 | 410 => Err(Refusal::Final(format!(
            "the server does not have it ({status}); check the name and the --mirror address"
        ))),
        408 | 425 | 429 | 500..=599 => {
            Err(Refusal::Passing(format!("the server answered {status}")))
        }
        _ => Err(Refusal::Final(format!("the server answered {status}"))),
    }
}

fn refusal(error: &ureq::Error) -> Refusal {
    match error {
        ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::TooManyRedirects
        | ureq::Error::RedirectFailed
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::InvalidProxyUrl => Refusal::Final(format!("{error}; check the address")),
        other => Refusal::Passing(other.to_string()),
    }
}
