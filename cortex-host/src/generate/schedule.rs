//! who does what next: channel groups advance tile by tile, whole tiles are finished in order.
//!
//! There is no barrier. A group may be up to `slots` tiles ahead of the oldest unfinished
//! tile; any free thread takes whichever work is ready: first finishing the oldest tile, then
//! writing the oldest whole one, then the group furthest behind, preferring those it worked on
//! last (their state is in that core's cache). So a thread whose core is taken away, or that is
//! busy with digests, simply does less. One thread writes at a time: a file system lets only one
//! at a file anyway, and a second would wait for it instead of generating.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Generate `tile` of `group`, its next.
    Advance { group: usize, tile: u64 },
    /// Write `tile` to where it belongs: all its groups are generated.
    Write { tile: u64 },
    /// Take `tile` in file order: it is generated and, where that is asked for, written.
    Finish { tile: u64 },
}

/// The shared list of what is done; see the module's description.
pub(super) struct TileSchedule {
    state: Mutex<State>,
    changed: Condvar,
    tiles: u64,
    slots: u64,
}

struct State {
    groups: Vec<Progress>,
    /// Channel groups missing of a tile, by tile modulo slots.
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

impl TileSchedule {
    /// Work for `groups` groups over `tiles` tiles, at most `slots` tiles under way. Each
    /// of the `workers` begins with neighbouring groups. `write`: tiles are written too.
    pub(super) fn new(
        groups: usize,
        tiles: u64,
        slots: usize,
        workers: usize,
        write: bool,
    ) -> Self {
        let groups_each = groups.div_ceil(workers.max(1));
        let state = State {
            groups: (0..groups)
                .map(|s| Progress { next_tile: 0, busy: false, last_worker: s / groups_each })
                .collect(),
            missing: vec![groups; slots],
            next_write: write.then_some(0),
            writing: false,
            oldest: 0,
            finishing: false,
            stopped: false,
            waiting: 0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), tiles, slots: slots as u64 }
    }

    /// The next job for `worker`, waiting until there is one; none when all is done or
    /// somebody stopped the work.
    pub(super) fn take(&self, worker: usize) -> Option<Step> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.oldest == self.tiles {
                return None;
            }
            if let Some(job) = self.pick(&mut state, worker) {
                return Some(job);
            }
            state.waiting += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    fn pick(&self, state: &mut State, worker: usize) -> Option<Step> {
        let limit = self.tiles.min(state.oldest + self.slots);
        // A group goes through the tiles in order, so tiles become whole in order.
        let whole = |tile: u64| tile < limit && state.missing[(tile % self.slots) as usize] == 0;
        if !state.finishing
            && whole(state.oldest)
            && state.next_write.is_none_or(|t| t > state.oldest)
        {
            state.finishing = true;
            return Some(Step::Finish { tile: state.oldest });
        }
        if let Some(tile) = state.next_write
            && !state.writing
            && whole(tile)
        {
            state.writing = true;
            return Some(Step::Write { tile });
        }
        // Somebody else's group costs moving its state: worth it once it lags half the slots.
        let lead = self.slots / 2;
        let (group, progress) = state
            .groups
            .iter_mut()
            .enumerate()
            .filter(|(_, p)| !p.busy && p.next_tile < limit)
            .min_by_key(|(_, p)| {
                let foreign = if p.last_worker == worker { 0 } else { lead };
                (p.next_tile + foreign, p.next_tile)
            })?;
        progress.busy = true;
        progress.last_worker = worker;
        Some(Step::Advance { group, tile: progress.next_tile })
    }

    /// Declares `group` of `tile` generated and gives the group back.
    pub(super) fn advanced(&self, tile: u64, group: usize) {
        let mut state = self.lock();
        state.groups[group].next_tile = tile + 1;
        state.groups[group].busy = false;
        state.missing[(tile % self.slots) as usize] -= 1;
        self.wake(&state);
    }

    /// Declares `tile` written.
    pub(super) fn written(&self, tile: u64) {
        let mut state = self.lock();
        state.next_write = Some(tile + 1);
        state.writing = false;
        self.wake(&state);
    }

    /// Declares `tile` finished: its slot is free.
    pub(super) fn finished(&self, tile: u64) {
        let mut state = self.lock();
        let groups = state.groups.len();
        state.missing[(tile % self.slots) as usize] = groups;
        state.oldest = tile + 1;
        state.finishing = false;
        self.wake(&state);
    }

    /// Ends the work: every [`TileSchedule::take`] returns none from now on.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        self.changed.notify_all();
    }

    fn wake(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    // A panic while the state is locked cannot leave it half changed in a way that matters:
    // the panicking worker stops the work.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_finishes_first_then_keeps_to_its_own_groups_then_helps() {
        // Four groups, two workers, four slots: groups 0 and 1 belong to worker 0.
        let schedule = TileSchedule::new(4, 10, 4, 2, true);
        let (mut order, mut written) = (Vec::new(), false);
        loop {
            let job = schedule.take(0).unwrap();
            match job {
                Step::Advance { group, tile } => {
                    order.push((group, tile));
                    schedule.advanced(tile, group);
                }
                Step::Write { tile } => {
                    assert_eq!(tile, 0);
                    written = true;
                    schedule.written(tile);
                }
                Step::Finish { tile } => {
                    assert!(tile == 0 && written);
                    break;
                }
            }
        }
        // Two tiles of its own, then the others' first tiles (group 2 is its own once taken).
        assert_eq!(order, [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (3, 0)]);
    }

    #[test]
    fn stopping_ends_every_wait() {
        let schedule = TileSchedule::new(1, 1, 1, 2, false);
        assert!(matches!(schedule.take(0), Some(Step::Advance { .. })));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| schedule.take(1));
            schedule.stop();
            assert_eq!(waiter.join().unwrap(), None);
        });
    }
}
