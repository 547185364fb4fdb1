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
#[cfg(not(feature = "std"))]
pub(super) type Units = heapless::Vec<UnitState, SEEN_HOMES>;

/// State of the spikes of N adjacent channels, at a block boundary, and of the units they see.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "std", repr(C, align(64)))]
pub(crate) struct SpikeLanes<const N: usize> {
    /// What of earlier spikes reaches into the block at hand.
    pub(super) carry: LaneBlock<N>,
    pub(super) far: [Option<UnitState>; N],
    pub(super) units: Units,
}
