//! The generation engine: threads fill tiles, whole tiles go where they belong.
//!
//! One *pass* makes a range of neighbouring channels over the whole duration. Its state and
//! its tiles are all the memory it needs, whatever the duration; [`Settings::pass_channels`]
//! bounds the channels of a pass and so the memory, whatever the channel count.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Mutex;

use cortex_core::signal::{BLOCK_SAMPLES, Generator};

use super::channel_group::{ChannelGroup, WIDE, Workspace};
use super::scale::ChannelScale;
use super::schedule::{Step, TileSchedule};
use crate::base::Progress;
use crate::platform::file_at::write_all_at;
use crate::platform::scheduling::step_back;
use crate::platform::simd::SimdPath;
use crate::platform::tile_ring::{TileReader, TileRing, TileShape};

/// Threads at the most.
pub const MOST_THREADS: u16 = 1024;

/// How to generate; none of it changes a bit of the result.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads, 1 to [`MOST_THREADS`]; fewer generate where the system has no more.
    pub threads: usize,
    /// Vector instructions.
    pub path: SimdPath,
    /// Channels of one pass at the most.
    pub pass_channels: u32,
    /// Bytes of a tile, about: small enough to stay in a core's cache until it is written.
    pub tile_bytes: usize,
    /// Tiles under way at the most, at least 1.
    pub slots: usize,
    /// Whether the generating threads, the calling one among them, step back behind all others of
    /// this machine, where the system lets them: for whoever plays the samples in real time.
    pub background: bool,
}

impl Settings {
    /// One thread per processor, the widest vectors, and tiles as measured best
    /// (docs/performance.md).
    #[must_use]
    pub fn automatic() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            path: SimdPath::best(),
            pass_channels: 4096,
            tile_bytes: 512 * 1024,
            slots: 4,
            background: false,
        }
    }
}

/// Where the tiles of a pass lie or go.
pub(super) enum Destination<'a> {
    /// Straight into the whole dataset in memory, rows of `row_channels` values.
    Memory(&'a mut [f32]),
    /// To their place in a file by positioned writes.
    File(&'a File),
    /// Only to the pass's `in_order`.
    Nowhere,
}

/// One pass over neighbouring channels.
pub(super) struct Pass<'a> {
    pub generator: &'a Generator,
    /// The channels to generate.
    pub channels: Range<u32>,
    /// Column of the first of them in the destination's rows.
    pub first_column: usize,
    /// Values in a row of the destination.
    pub row_channels: usize,
    /// Samples per channel.
    pub samples: u64,
    /// How each channel is rescaled, from `channels.start` on.
    pub scales: Option<&'a [ChannelScale]>,
    pub destination: Destination<'a>,
    /// Gets the tiles' bytes in file order, when the channels fill whole rows.
    pub in_order: Option<InOrder<'a>>,
    pub progress: &'a Progress,
}

/// A consumer of bytes in file order.
pub(super) type InOrder<'a> = Box<dyn FnMut(&[u8]) -> io::Result<()> + Send + 'a>;

/// Why a pass ended early.
#[derive(Debug)]
pub(super) enum PassError {
    Io(io::Error),
    Interrupted,
}

impl From<io::Error> for PassError {
    fn from(error: io::Error) -> Self {
        PassError::Io(error)
    }
}

impl Pass<'_> {
    /// Generates the pass's channels.
    pub(super) fn run(mut self, settings: &Settings) -> Result<(), PassError> {
        let width = self.channels.len();
        let threads = settings.threads.max(1);
        let groups = group_columns(width, threads);
        let in_place = matches!(self.destination, Destination::Memory(_));
        let (stride, offset) =
            if in_place { (self.row_channels, self.first_column) } else { (width, 0) };
        let tile_rows = tile_rows(width, self.samples, settings.tile_bytes);
        let shape = TileShape {
            rows: self.samples,
            tile_rows,
            stride,
            groups: groups.iter().map(|s| s.start + offset..s.end + offset).collect(),
            slots: settings.slots.max(1),
        };
        let tiles = self.samples.div_ceil(tile_rows as u64);
        let slots = shape.slots;
        let mut buffer = Vec::new();
        let (ring, file) = match self.destination {
            Destination::Memory(memory) => (TileRing::over_whole(memory, shape), None),
            Destination::File(file) => {
                buffer.resize(slots * tile_rows * width, 0.0);
                (TileRing::over_ring(&mut buffer, shape), Some(file))
            }
            Destination::Nowhere => {
                buffer.resize(slots * tile_rows * width, 0.0);
                (TileRing::over_ring(&mut buffer, shape), None)
            }
        };
        let shared = Shared {
            generator: self.generator,
            settings,
            schedule: TileSchedule::new(groups.len(), tiles, slots, threads, file.is_some()),
            first_channel: self.channels.start,
            scales: self.scales,
            states: groups.iter().map(|_| Mutex::new(None)).collect(),
            groups,
            ring,
            file,
            first_byte: self.first_column as u64 * 4,
            row_bytes: self.row_channels as u64 * 4,
            tile_rows: tile_rows as u64,
            width: width as u64,
            in_order: Mutex::new(self.in_order.take()),
            progress: self.progress,
            failure: Mutex::new(None),
        };
        on_threads(threads, |worker| shared.work(worker));
        match shared.failure.into_inner() {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(PassError::Io(io::Error::other("a generating thread failed"))),
        }
    }
}

/// Does `work` on `threads` threads, numbered from the calling one, which is 0; on fewer where the
/// system has no more, so any of them must be able to do all of it.
pub(super) fn on_threads(threads: usize, work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for worker in 1..threads {
            let work = &work;
            let more = std::thread::Builder::new();
            if more.spawn_scoped(scope, move || work(worker)).is_err() {
                break;
            }
        }
        work(0);
    });
}

/// What the workers of a pass share.
struct Shared<'a> {
    generator: &'a Generator,
    settings: &'a Settings,
    schedule: TileSchedule,
    first_channel: u32,
    scales: Option<&'a [ChannelScale]>,
    /// Columns of each group in the pass.
    groups: Vec<Range<usize>>,
    /// State of each group once started; the schedule gives a group to one worker at a time.
    states: Vec<Mutex<Option<ChannelGroup>>>,
    ring: TileRing<'a>,
    file: Option<&'a File>,
    first_byte: u64,
    row_bytes: u64,
    tile_rows: u64,
    width: u64,
    in_order: Mutex<Option<InOrder<'a>>>,
    progress: &'a Progress,
    failure: Mutex<Option<PassError>>,
}

/// Stops the others when its worker panics: nobody would wake them.
struct StopOnPanic<'a>(&'a TileSchedule);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

impl Shared<'_> {
    fn work(&self, worker: usize) {
        let _guard = StopOnPanic(&self.schedule);
        if self.settings.background {
            // Without it the samples are the same.
            let _ = step_back();
        }
        let mut workspace = Workspace::new();
        while let Some(job) = self.schedule.take(worker) {
            let outcome = if self.progress.is_cancelled() {
                Err(PassError::Interrupted)
            } else {
                match job {
                    Step::Advance { group, tile } => self.advance(group, tile, &mut workspace),
                    Step::Write { tile } => self.write(tile),
                    Step::Finish { tile } => self.finish(tile),
                }
            };
            if let Err(error) = outcome {
                if let Ok(mut failure) = self.failure.lock() {
                    failure.get_or_insert(error);
                }
                self.schedule.stop();
            }
        }
    }

    /// Generates `group` of `tile`.
    fn advance(&self, group: usize, tile: u64, workspace: &mut Workspace) -> Result<(), PassError> {
        let mut guard = self.states[group].lock().map_err(|_| broken())?;
        let state = guard.get_or_insert_with(|| self.start(group));
        let mut cell = self.ring.write(tile, group).ok_or_else(broken)?;
        let scales = self.scales.and_then(|all| all.get(self.groups[group].clone()));
        state.fill(self.generator, self.settings.path, scales, workspace, &mut cell);
        cell.commit();
        drop(guard);
        self.schedule.advanced(tile, group);
        Ok(())
    }

    /// Writes `tile` to the file.
    fn write(&self, tile: u64) -> Result<(), PassError> {
        if let Some(file) = self.file {
            self.write_out(file, tile, &self.ring.read(tile).ok_or_else(broken)?)?;
        }
        self.schedule.written(tile);
        Ok(())
    }

    fn start(&self, group: usize) -> ChannelGroup {
        let columns = &self.groups[group];
        let channels =
            self.first_channel + columns.start as u32..self.first_channel + columns.end as u32;
        ChannelGroup::start(self.generator, channels, self.settings.path)
    }

    /// Takes `tile` in file order and frees its slot.
    fn finish(&self, tile: u64) -> Result<(), PassError> {
        let reader = self.ring.read(tile).ok_or_else(broken)?;
        if let Some(in_order) = self.in_order.lock().map_err(|_| broken())?.as_mut() {
            for piece in reader.pieces() {
                in_order(piece)?;
            }
        }
        let values = reader.rows() as u64 * self.width;
        reader.release();
        self.schedule.finished(tile);
        self.progress.add(values);
        Ok(())
    }

    fn write_out(&self, file: &File, tile: u64, reader: &TileReader<'_>) -> io::Result<()> {
        let mut position = tile * self.tile_rows * self.row_bytes + self.first_byte;
        let own_bytes = self.width * 4;
        if own_bytes == self.row_bytes {
            return reader.pieces().try_for_each(|tile| write_all_at(file, tile, position));
        }
        // Other channels lie between: row by row.
        for row in reader.pieces().flat_map(|piece| piece.chunks(own_bytes as usize)) {
            write_all_at(file, row, position)?;
            position += self.row_bytes;
        }
        Ok(())
    }
}

/// A cell was not in the state that the schedule promises.
fn broken() -> PassError {
    PassError::Io(io::Error::other("the generation schedule broke its promise"))
}

/// Splits `width` columns into channel groups of whole lane groups: four a thread, so that threads
/// can even out, or one when there is one thread.
fn group_columns(width: usize, threads: usize) -> Vec<Range<usize>> {
    let lane_groups = width.div_ceil(WIDE);
    let groups = if threads == 1 { 1 } else { lane_groups.min(threads * 4) };
    (0..groups)
        .map(|group| {
            let edge = |group: usize| (group * lane_groups / groups * WIDE).min(width);
            edge(group)..edge(group + 1)
        })
        .collect()
}

/// Rows of a tile: whole blocks, about `tile_bytes`, no more than the data needs.
fn tile_rows(width: usize, samples: u64, tile_bytes: usize) -> usize {
    let block_bytes = width * BLOCK_SAMPLES * size_of::<f32>();
    let wanted = (tile_bytes / block_bytes).max(1);
    let needed = samples.div_ceil(BLOCK_SAMPLES as u64).max(1);
    usize::try_from(needed).map_or(wanted, |needed| wanted.min(needed)) * BLOCK_SAMPLES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_groups_cover_every_column_once_in_whole_lane_groups() {
        for width in [1, 2, 15, 16, 17, 63, 64, 65, 1000, 4096] {
            for threads in [1, 2, 3, 7, 64] {
                let groups = group_columns(width, threads);
                assert_eq!(groups[0].start, 0);
                assert_eq!(groups.last().unwrap().end, width);
                for pair in groups.windows(2) {
                    assert_eq!(pair[0].end, pair[1].start);
                    assert!(pair[0].start < pair[0].end && pair[0].end % WIDE == 0);
                }
            }
        }
    }

    #[test]
    fn tiles_are_whole_blocks_of_about_the_size_asked() {
        assert_eq!(tile_rows(1024, 19_200, 256 * 1024), 64);
        assert_eq!(tile_rows(4096, 19_200, 256 * 1024), 64);
        assert_eq!(tile_rows(64, 19_200, 256 * 1024), 1024);
        assert_eq!(tile_rows(1, 1 << 40, 256 * 1024), 65_536);
        assert_eq!(tile_rows(1, 100, 256 * 1024), 128);
        assert_eq!(tile_rows(1, 0, 256 * 1024), 64);
    }
}
