//! A dataset block by block, generated on a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::output::in_file_order;
use super::{GenerateError, Recipe, Settings};
use crate::base::{Failure, Progress};

/// Finished blocks that wait to be taken.
const AHEAD: usize = 2;

/// The blocks of a dataset, in order; made by [`Dataset::blocks`](crate::Dataset::blocks). Dropping
/// it ends the generation.
#[derive(Debug)]
pub struct Blocks {
    blocks: Receiver<Result<Vec<f32>, GenerateError>>,
    progress: Progress,
}

impl Blocks {
    /// Begins to generate `recipe` in blocks of `values` values.
    pub(crate) fn start(recipe: Recipe, settings: Settings, values: usize) -> Self {
        let (sender, blocks) = sync_channel(AHEAD);
        let progress = Progress::new();
        let cancelled = progress.clone();
        // One pass, however wide: a set in file order needs no temporary file then.
        let settings = Settings { pass_channels: recipe.channels, ..settings };
        thread::spawn(move || {
            let mut gathered = Gathered { sender, block: Vec::new(), values };
            let take = Box::new(|bytes: &[u8]| gathered.take(bytes));
            let outcome = in_file_order(&recipe, &settings, &cancelled, take);
            // Nobody listens any more when the receiver is gone.
            let _ = match outcome {
                Ok(()) if gathered.block.is_empty() => Ok(()),
                Ok(()) => gathered.sender.send(Ok(gathered.block)),
                Err(error) => gathered.sender.send(Err(error)),
            };
        });
        Self { blocks, progress }
    }
}

impl Iterator for Blocks {
    type Item = Result<Vec<f32>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.blocks.recv().ok()?.map_err(Failure::from))
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

/// Bytes in file order on their way into blocks.
struct Gathered {
    sender: SyncSender<Result<Vec<f32>, GenerateError>>,
    block: Vec<f32>,
    values: usize,
}

impl Gathered {
    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.block.reserve_exact(self.values - self.block.len());
            let room = (self.values - self.block.len()) * size_of::<f32>();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            // Tiles end with whole rows.
            let (values, _) = now.as_chunks();
            self.block.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
            bytes = later;
            if self.block.len() == self.values {
                let block = std::mem::take(&mut self.block);
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                self.sender.send(Ok(block)).map_err(gone)?;
            }
        }
        Ok(())
    }
}
