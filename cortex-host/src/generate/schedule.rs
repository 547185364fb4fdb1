//! Who does what next: strands advance tile by tile, whole tiles are finished in order.
//!
//! There is no barrier. A strand may be up to `slots` tiles ahead of the oldest unfinished
//! tile; any free thread takes whichever work is ready: first finishing the oldest tile, then
//! the strand furthest behind, preferring those it worked on last (their state is in that
//! core's cache). So a thread whose core is taken away, or that is busy with digests, simply
//! does less.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Generate `tile` of `strand`, its next.
    Advance { strand: usize, tile: u64 },
    /// Take `tile` in file order: all its strands are written.
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
    /// Steps missing before a tile can be finished, by tile modulo slots: its strands, and
    /// whatever the worker that completed it does with the whole.
    missing: Vec<usize>,
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
    /// of the `workers` begins with neighbouring strands.
    pub(super) fn new(strands: usize, tiles: u64, slots: usize, workers: usize) -> Self {
        let strands_each = strands.div_ceil(workers.max(1));
        let board = Board {
            strands: (0..strands)
                .map(|s| Progress { next_tile: 0, busy: false, last_worker: s / strands_each })
                .collect(),
            missing: vec![strands + 1; slots],
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
        let slot = (board.oldest % self.slots) as usize;
        if !board.finishing && board.missing[slot] == 0 {
            board.finishing = true;
            return Some(Job::Finish { tile: board.oldest });
        }
        let limit = self.tiles.min(board.oldest + self.slots);
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

    /// Declares `strand` of `tile` written and gives the strand back. True when it was the
    /// tile's last: that worker now does what is to be done with a complete tile, then says
    /// [`Schedule::flushed`].
    pub(super) fn advanced(&self, tile: u64, strand: usize) -> bool {
        let mut board = self.lock();
        board.strands[strand].next_tile = tile + 1;
        board.strands[strand].busy = false;
        self.wake(&board);
        let missing = &mut board.missing[(tile % self.slots) as usize];
        *missing -= 1;
        *missing == 1
    }

    /// Declares `tile` ready to be finished in order.
    pub(super) fn flushed(&self, tile: u64) {
        let mut board = self.lock();
        board.missing[(tile % self.slots) as usize] = 0;
        if tile == board.oldest {
            self.wake(&board);
        }
    }

    /// Declares `tile` finished: its slot is free.
    pub(super) fn finished(&self, tile: u64) {
        let mut board = self.lock();
        let strands = board.strands.len();
        board.missing[(tile % self.slots) as usize] = strands + 1;
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
        let schedule = Schedule::new(4, 10, 4, 2);
        let mut order = Vec::new();
        loop {
            let job = schedule.take(0).unwrap();
            match job {
                Job::Advance { strand, tile } => {
                    order.push((strand, tile));
                    if schedule.advanced(tile, strand) {
                        schedule.flushed(tile);
                    }
                }
                Job::Finish { tile } => {
                    assert_eq!(tile, 0);
                    break;
                }
            }
        }
        // Two tiles of its own, then the others' first tiles (strand 2 is its own once taken).
        assert_eq!(order, [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (3, 0)]);
    }

    #[test]
    fn stopping_ends_every_wait() {
        let schedule = Schedule::new(1, 1, 1, 2);
        assert!(matches!(schedule.take(0), Some(Job::Advance { .. })));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| schedule.take(1));
            schedule.stop();
            assert_eq!(waiter.join().unwrap(), None);
        });
    }
}
