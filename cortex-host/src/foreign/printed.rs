//! What a kernel prints: the last of it is kept, to be quoted when the kernel is gone.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::without_controls;

/// The most bytes kept.
const KEPT_BYTES: usize = 4096;

/// The longest wait for what a dead process printed last.
const PATIENCE: Duration = Duration::from_millis(100);

/// The last bytes of a stream.
#[derive(Default)]
pub(super) struct Printed {
    kept: Vec<u8>,
    ended: bool,
}

impl Printed {
    /// Reads `stream` to its end on a thread of its own.
    pub(super) fn of(mut stream: impl Read + Send + 'static) -> Arc<Mutex<Self>> {
        let printed = Arc::new(Mutex::new(Self::default()));
        let shared = Arc::clone(&printed);
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                let mut printed = shared.lock().unwrap_or_else(PoisonError::into_inner);
                printed.kept.extend_from_slice(&bytes[..count]);
                let excess = printed.kept.len().saturating_sub(KEPT_BYTES);
                printed.kept.drain(..excess);
            }
            shared.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        });
        printed
    }

    /// `; it printed: LINE` with the last line, once the process has ended; nothing without one. A
    /// process that it has started may keep the stream open, and is not waited for.
    pub(super) fn sentence(printed: &Mutex<Self>) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
            if printed.ended || Instant::now() > until {
                let text = String::from_utf8_lossy(&printed.kept).into_owned();
                let line = text.lines().rev().find(|line| !line.trim().is_empty());
                return line.map_or(String::new(), |line| {
                    format!("; it printed: {}", without_controls(line.trim()))
                });
            }
            drop(printed);
            thread::sleep(Duration::from_micros(100));
        }
    }
}
