//! One HTTP exchange into a part file, and what its ending means.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ureq::http::{HeaderMap, StatusCode, header};

use crate::base::digest::sha256_of;
use crate::recording::DatasetError;

/// Largest list of checksums read.
const MOST_TEXT_BYTES: u64 = 16 << 20;

/// How an exchange ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server considers the file complete; its bytes must still be checked.
    Complete,
    /// It failed in a way that may pass.
    Failed(String),
    /// Trying again is pointless.
    Refused(String),
}

/// The beginning of a file, locked against a second process.
#[derive(Debug)]
pub struct Part {
    file: File,
    path: PathBuf,
    bytes: u64,
}

/// What the status line and headers of an answer mean for the part.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The body is the file from this byte on; the whole has this size.
    Body { from: u64, total: Option<u64> },
    /// Nothing is left to send.
    Nothing,
    /// The part does not fit the file: drop it and ask again.
    Restart(String),
    /// As [`Ending`].
    End(Ending),
}

impl Part {
    /// Opens or creates the part at `path`.
    ///
    /// # Errors
    /// It cannot be written, or another process holds it.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(DatasetError::io("write", path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(DatasetError::Request(format!(
                    "another download holds {}; wait for it to end",
                    path.display()
                )));
            }
            // A file system without locks: two downloads at once could then mix bytes, which
            // the digest finds.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let bytes = file.metadata().map_err(DatasetError::io("read", path))?.len();
        Ok(Self { file, path: path.to_owned(), bytes })
    }

    /// Bytes present.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Asks for the rest of the file and appends what comes.
    ///
    /// # Errors
    /// The part cannot be written. Everything the network does is an [`Ending`].
    pub fn receive(
        &mut self,
        agent: &ureq::Agent,
        url: &str,
        most_bytes: u64,
        mut progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Ending, DatasetError> {
        let mut request = agent.get(url);
        if self.bytes > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.bytes));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok(ending_of(&error)),
        };
        let total = match read_answer(response.status(), response.headers(), self.bytes) {
            Answer::Body { from, total } => {
                if from != self.bytes {
                    self.clear()?;
                }
                total
            }
            Answer::Nothing => return Ok(Ending::Complete),
            Answer::Restart(reason) => {
                self.clear()?;
                return Ok(Ending::Failed(reason));
            }
            Answer::End(ending) => return Ok(ending),
        };
        let mut body = response.body_mut().with_config().limit(most_bytes).reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            progress(self.bytes, total);
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Ok(Ending::Failed(format!("the transfer broke off: {error}")));
                }
            };
            if self.bytes + count as u64 > most_bytes {
                self.clear()?;
                return Ok(Ending::Refused(format!(
                    "more than {most_bytes} bytes; this is no recording"
                )));
            }
            self.append(buffer.get(..count).unwrap_or_default())?;
        }
        Ok(match total {
            Some(total) if self.bytes < total => {
                Ending::Failed(format!("the transfer ended after {} of {total} bytes", self.bytes))
            }
            _ => Ending::Complete,
        })
    }

    /// SHA-256 of the part.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn sha256(&mut self) -> Result<String, DatasetError> {
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| sha256_of(&mut self.file))
            .map_err(DatasetError::io("read", &self.path))
    }

    /// Throws all bytes away.
    ///
    /// # Errors
    /// The part cannot be written.
    pub fn clear(&mut self) -> Result<(), DatasetError> {
        self.file.set_len(0).map_err(DatasetError::io("write", &self.path))?;
        self.bytes = 0;
        Ok(())
    }

    /// Flushes the part to the disk and gives it its name.
    ///
    /// # Errors
    /// Either is refused; the target is untouched.
    pub fn place(self, target: &Path) -> Result<(), DatasetError> {
        self.file.sync_all().map_err(DatasetError::io("write", &self.path))?;
        fs::rename(&self.path, target).map_err(DatasetError::io("rename to", target))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DatasetError> {
        self.file
            .seek(SeekFrom::Start(self.bytes))
            .and_then(|_| self.file.write_all(bytes))
            .map_err(DatasetError::io("write", &self.path))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // An empty part is of no use to anybody; a placed one has gone from this name.
        if self.bytes == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Fetches a small text file in one go.
///
/// # Errors
/// Everything but success, as an [`Ending`].
pub fn receive_text(agent: &ureq::Agent, url: &str) -> Result<String, Ending> {
    let mut response = agent.get(url).call().map_err(|error| ending_of(&error))?;
    match read_answer(response.status(), response.headers(), 0) {
        Answer::Body { total, .. } => {
            let bytes = response
                .body_mut()
                .with_config()
                .limit(MOST_TEXT_BYTES)
                .read_to_vec()
                .map_err(|error| ending_of(&error))?;
            match total {
                Some(total) if (bytes.len() as u64) < total => Err(Ending::Failed(format!(
                    "the transfer ended after {} of {total} bytes",
                    bytes.len()
                ))),
                _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            }
        }
        Answer::Nothing => Err(Ending::Failed("an empty answer".into())),
        Answer::Restart(reason) => Err(Ending::Failed(reason)),
        Answer::End(ending) => Err(ending),
    }
}

/// What an answer means when `have` bytes are present (RFC 9110, sections 14 and 15).
fn read_answer(status: StatusCode, headers: &HeaderMap, have: u64) -> Answer {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let length = || text(header::CONTENT_LENGTH).and_then(|value| value.trim().parse::<u64>().ok());
    match status.as_u16() {
        // The whole file, whether or not a range was asked for.
        200 => Answer::Body { from: 0, total: length() },
        206 => match text(header::CONTENT_RANGE).and_then(content_range) {
            Some((Some(from), total)) if from == have => Answer::Body { from, total },
            _ => Answer::Restart("the server sent another range than was asked for".into()),
        },
        416 => match text(header::CONTENT_RANGE).and_then(content_range) {
            // Nothing beyond what is there: complete, if the digest agrees.
            Some((None, Some(total))) if total != have => {
                Answer::Restart(format!("the file has {total} bytes, not the {have} present"))
            }
            _ => Answer::Nothing,
        },
        404 | 410 => Answer::End(Ending::Refused(format!(
            "the server does not have it ({status}); check the name and the --mirror address"
        ))),
        408 | 425 | 429 | 500..=599 => {
            Answer::End(Ending::Failed(format!("the server answered {status}")))
        }
        _ => Answer::End(Ending::Refused(format!("the server answered {status}"))),
    }
}

/// `bytes 5-9/10` → (5, 10); `bytes 5-9/*` → (5, none); `bytes */10` → (none, 10).
fn content_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    let from = match range.trim() {
        "*" => None,
        range => Some(range.split_once('-')?.0.trim().parse().ok()?),
    };
    Some((from, total))
}

fn ending_of(error: &ureq::Error) -> Ending {
    match error {
        ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::TooManyRedirects
        | ureq::Error::RedirectFailed
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::InvalidProxyUrl => Ending::Refused(format!("{error}; check the address")),
        other => Ending::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(content_range("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(content_range("bytes */10"), Some((None, Some(10))));
        for wrong in ["", "5-9/10", "bytes 5/10", "bytes -9/10", "bytes 5-9", "bytes 5-9/x"] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn answers_that_do_not_fit_the_part_restart_it() {
        let answer = |status: u16, range: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, range.parse().unwrap());
            read_answer(StatusCode::from_u16(status).unwrap(), &headers, 5)
        };
        assert_eq!(answer(206, "bytes 5-9/10"), Answer::Body { from: 5, total: Some(10) });
        assert!(matches!(answer(206, "bytes 4-9/10"), Answer::Restart(_)));
        assert!(matches!(answer(206, "nonsense"), Answer::Restart(_)));
        assert!(matches!(answer(416, "bytes */10"), Answer::Restart(_)));
        assert_eq!(answer(416, "bytes */5"), Answer::Nothing);
        assert_eq!(answer(416, "nonsense"), Answer::Nothing);
    }
}
