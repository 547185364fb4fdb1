//! Who does what next: strands advance tile by tile, whole tiles are finished in order.
//!
//! There is no barrier. A strand may be up to `slots` tiles ahead of the oldest unfinished
//! tile; any free thread takes whichever work is ready: first finishing the oldest tile, then
//! writing the oldest whole one, then the strand furthest behind, preferring those it worked on
//! last (their state is in that core's cache). So a thread whose core is taken away, or that is
//! busy with digests, simply does less. One thread writes at a time: a file system lets only one
//! at a file anyway, and a second would wait for it instead of generating.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Generate `tile` of `strand`, its next.
    Advance { strand: usize, tile: u64 },
    /// Write `tile` to where it belongs: all its strands are generated.
    Write { tile: u64 },
    /// Take `tile` in file order: it is generated and, where that is asked for, written.
    Finish { tile: u64 },
}

/// The shared list of what is done; see the module's description.
pub(super) struct Schedule {
    board: Mutex<Board>,
    changed: Condvar,
    tiles: u64,
    slots: u64,
}

struct Board {
    strands: Vec<Progress>,
    /// Strands missing of a tile, by tile modulo slots.
    missing: Vec<usize>,
    /// The next tile to write; none when tiles are not written.
    next_write: Option<u64>,
    writing: bool,
    /// The oldest tile that is not finished.
    oldest: u64,
    finishing: bool,
    stopped: bool,
    waiting: usize,
}

struct Progress {
    next_tile: u64,
    busy: bool,
    last_worker: usize,
}

impl Schedule {
    /// Work for `strands` strands over `tiles` tiles, at most `slots` tiles under way. Each
    /// of the `workers` begins with neighbouring strands. `write`: tiles are written too.
    pub(super) fn new(
        strands: usize,
        tiles: u64,
        slots: usize,
        workers: usize,
        write: bool,
    ) -> Self {
        let strands_each = strands.div_ceil(workers.max(1));
        let board = Board {
            strands: (0..strands)
                .map(|s| Progress { next_tile: 0, busy: false, last_worker: s / strands_each })
                .collect(),
            missing: vec![strands; slots],
            next_write: write.then_some(0),
            writing: false,
            oldest: 0,
            finishing: false,
            stopped: false,
            waiting: 0,
        };
        Self { board: Mutex::new(board), changed: Condvar::new(), tiles, slots: slots as u64 }
    }

    /// The next job for `worker`, waiting until there is one; none when all is done or
    /// somebody stopped the work.
    pub(super) fn take(&self, worker: usize) -> Option<Job> {
        let mut board = self.lock();
        loop {
            if board.stopped || board.oldest == self.tiles {
                return None;
            }
            if let Some(job) = self.pick(&mut board, worker) {
                return Some(job);
            }
            board.waiting += 1;
            board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
            board.waiting -= 1;
        }
    }

    fn pick(&self, board: &mut Board, worker: usize) -> Option<Job> {
        let limit = self.tiles.min(board.oldest + self.slots);
        // A strand goes through the tiles in order, so tiles become whole in order.
        let whole = |tile: u64| tile < limit && board.missing[(tile % self.slots) as usize] == 0;
        if !board.finishing
            && whole(board.oldest)
            && board.next_write.is_none_or(|t| t > board.oldest)
        {
            board.finishing = true;
            return Some(Job::Finish { tile: board.oldest });
        }
        if let Some(tile) = board.next_write
            && !board.writing
            && whole(tile)
        {
            board.writing = true;
            return Some(Job::Write { tile });
        }
        // Somebody else's strand costs moving its state: worth it once it lags half the slots.
        let lead = self.slots / 2;
        let (strand, progress) = board
            .strands
            .iter_mut()
            .enumerate()
            .filter(|(_, p)| !p.busy && p.next_tile < limit)
            .min_by_key(|(_, p)| {
                let foreign = if p.last_worker == worker { 0 } else { lead };
                (p.next_tile + foreign, p.next_tile)
            })?;
        progress.busy = true;
        progress.last_worker = worker;
        Some(Job::Advance { strand, tile: progress.next_tile })
    }

    /// Declares `strand` of `tile` generated and gives the strand back.
    pub(super) fn advanced(&self, tile: u64, strand: usize) {
        let mut board = self.lock();
        board.strands[strand].next_tile = tile + 1;
        board.strands[strand].busy = false;
        board.missing[(tile % self.slots) as usize] -= 1;
        self.wake(&board);
    }

    /// Declares `tile` written.
    pub(super) fn written(&self, tile: u64) {
        let mut board = self.lock();
        board.next_write = Some(tile + 1);
        board.writing = false;
        self.wake(&board);
    }

    /// Declares `tile` finished: its slot is free.
    pub(super) fn finished(&self, tile: u64) {
        let mut board = self.lock();
        let strands = board.strands.len();
        board.missing[(tile % self.slots) as usize] = strands;
        board.oldest = tile + 1;
        board.finishing = false;
        self.wake(&board);
    }

    /// Ends the work: every [`Schedule::take`] returns none from now on.
    pub(super) fn stop(&self) {
        let mut board = self.lock();
        board.stopped = true;
        self.changed.notify_all();
    }

    fn wake(&self, board: &Board) {
        if board.waiting > 0 {
            self.changed.notify_all();
        }
    }

    // A panic while the board is locked cannot leave it half changed in a way that matters:
    // the panicking worker stops the work.
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_finishes_first_then_keeps_to_its_own_strands_then_helps() {
        // Four strands, two workers, four slots: strands 0 and 1 belong to worker 0.
        let schedule = Schedule::new(4, 10, 4, 2, true);
        let (mut order, mut written) = (Vec::new(), false);
        loop {
            let job = schedule.take(0).unwrap();
            match job {
                Job::Advance { strand, tile } => {
                    order.push((strand, tile));
                    schedule.advanced(tile, strand);
                }
                Job::Write { tile } => {
                    assert_eq!(tile, 0);
                    written = true;
                    schedule.written(tile);
                }
                Job::Finish { tile } => {
                    assert!(tile == 0 && written);
                    break;
                }
            }
        }
        // Two tiles of its own, then the others' first tiles (strand 2 is its own once taken).
        assert_eq!(order, [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (3, 0)]);
    }

    #[test]
    fn stopping_ends_every_wait() {
        let schedule = Schedule::new(1, 1, 1, 2, false);
        assert!(matches!(schedule.take(0), Some(Job::Advance { .. })));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| schedule.take(1));
            schedule.stop();
            assert_eq!(waiter.join().unwrap(), None);
        });
    }
}
