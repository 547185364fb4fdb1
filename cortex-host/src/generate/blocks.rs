//! A dataset block by block, generated on a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::output::in_file_order;
use super::{GenerateError, Recipe, Settings};
use crate::base::{Failure, Progress};

/// Finished blocks that wait to be taken.
const AHEAD: usize = 2;

/// The blocks of a dataset, in order; made by [`Dataset::blocks`](crate::Dataset::blocks). Dropping
/// it ends the generation.
#[derive(Debug)]
pub struct Blocks {
    blocks: Receiver<Taken>,
    /// What [`Blocks::is_ready_within`] has received.
    received: Option<Taken>,
    /// Values that are still to come.
    left: u64,
    progress: Progress,
}

type Taken = Result<Vec<f32>, Failure>;

impl Blocks {
    /// Begins to generate `recipe` in blocks of `values` values.
    ///
    /// # Errors
    /// The system has no further thread.
    pub(crate) fn start(
        recipe: Recipe,
        settings: Settings,
        values: usize,
    ) -> Result<Self, Failure> {
        let left = recipe.samples.saturating_mul(u64::from(recipe.channels));
        let (sender, blocks) = sync_channel(AHEAD);
        let progress = Progress::new();
        let cancelled = progress.clone();
        // One pass, however wide: a set in file order needs no temporary file then.
        let settings = Settings { pass_channels: recipe.channels, ..settings };
        let produce = move || {
            let mut gathered = Gathered { sender, block: Vec::new(), values, left };
            let take = Box::new(|bytes: &[u8]| gathered.take(bytes));
            let failure = match in_file_order(&recipe, &settings, &cancelled, take) {
                Ok(()) => return,
                Err(GenerateError::Stdout(error)) => {
                    Failure::input_output(format!("a block cannot be made: {error}"))
                }
                Err(error) => error.into(),
            };
            // Nobody listens any more when the receiver is gone.
            let _ = gathered.sender.send(Err(failure));
        };
        thread::Builder::new().spawn(produce).map_err(|error| {
            Failure::input_output(format!("no thread can be started to generate with: {error}"))
        })?;
        Ok(Self { blocks, received: None, left, progress })
    }

    /// Waits for the next block, `wait` at the most: whether [`Iterator::next`] returns at once.
    pub fn is_ready_within(&mut self, wait: Duration) -> bool {
        if self.received.is_none() && self.left > 0 {
            self.received = match self.blocks.recv_timeout(wait) {
                Ok(taken) => Some(taken),
                Err(RecvTimeoutError::Disconnected) => Some(Err(broken_off())),
                Err(RecvTimeoutError::Timeout) => return false,
            };
        }
        true
    }
}

/// The generating thread is gone before the last value.
fn broken_off() -> Failure {
    Failure::input_output("the generation broke off; what came before is whole")
}

impl Iterator for Blocks {
    type Item = Result<Vec<f32>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let received = self.received.take();
        let taken =
            received.unwrap_or_else(|| self.blocks.recv().unwrap_or_else(|_| Err(broken_off())));
        // Nothing comes after an error.
        self.left = taken.as_ref().map_or(0, |block| self.left - block.len() as u64);
        Some(taken)
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

/// Bytes in file order on their way into blocks.
struct Gathered {
    sender: SyncSender<Taken>,
    block: Vec<f32>,
    values: usize,
    /// Values that are not sent yet.
    left: u64,
}

impl Gathered {
    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let whole =
                usize::try_from(self.left).map_or(self.values, |left| self.values.min(left));
            let missing = whole - self.block.len();
            self.block.try_reserve_exact(missing).map_err(|_| io::ErrorKind::OutOfMemory)?;
            let room = missing * size_of::<f32>();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            // Tiles end with whole rows.
            let (values, _) = now.as_chunks();
            self.block.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
            bytes = later;
            if self.block.len() == whole {
                let block = std::mem::take(&mut self.block);
                self.left -= whole as u64;
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                self.sender.send(Ok(block)).map_err(gone)?;
            }
        }
        Ok(())
    }
}
