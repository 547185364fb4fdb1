//! What is kept of the spikes from one block to the next.

use super::unit::UnitState;
use crate::signal::LaneBlock;

/// Units that one channel sees: those of nine homes.
#[cfg(not(feature = "std"))]
const SEEN_HOMES: usize = 9;
/// Units that lanes keep the state of: any number with an operating system, else those of one
/// channel with one unit an electrode.
#[cfg(feature = "std")]
pub(super) type Units = std::vec::Vec<UnitState>;

/// What needs no drop: memory that has it is overwritten by way of the stack.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Units {
    units: [UnitState; SEEN_HOMES],
    count: usize,
}

#[cfg(not(feature = "std"))]
impl Units {
    pub(super) const fn new() -> Self {
        Self { units: [UnitState::NONE; SEEN_HOMES], count: 0 }
    }

    /// Adds a unit: one channel sees nine homes at most, and the check leaves one unit each.
    pub(super) fn push(&mut self, state: UnitState) {
        if let Some(slot) = self.units.get_mut(self.count) {
            *slot = state;
            self.count += 1;
        }
    }

    pub(super) fn iter_mut(&mut self) -> core::slice::IterMut<'_, UnitState> {
        self.units.get_mut(..self.count).unwrap_or_default().iter_mut()
    }
}

/// State of the spikes of N adjacent channels, at a block boundary, and of the units they see.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "std", repr(C, align(64)))]
pub(crate) struct SpikeLanes<const N: usize> {
    /// What of earlier spikes reaches into the block at hand.
    pub(super) carry: LaneBlock<N>,
    pub(super) far: [Option<UnitState>; N],
    pub(super) units: Units,
}
