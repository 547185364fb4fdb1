//! What is kept of the spikes from one block to the next.

use super::unit::UnitState;
use crate::signal::BLOCK_SAMPLES;

/// Units that one channel sees: those of nine homes.
#[cfg(not(feature = "std"))]
const SEEN_HOMES: usize = 9;
/// Units that lanes keep the state of: any number with an operating system, else those of one
/// channel with one unit an electrode.
#[cfg(feature = "std")]
pub(super) type Units = std::vec::Vec<UnitState>;
#[cfg(not(feature = "std"))]
pub(super) type Units = heapless::Vec<UnitState, SEEN_HOMES>;
/// Rows of the sum: the block at hand and the one that its spikes reach into.
pub(super) const SUM_ROWS: usize = 2 * BLOCK_SAMPLES;

/// State of the spikes of N adjacent channels, at a block boundary, and of the units they see.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct SpikeLanes<const N: usize> {
    /// Spikes of the block at hand and what of them reaches into the next; the halves change
    /// places with every block.
    pub(super) sum: [[f32; N]; SUM_ROWS],
    pub(super) far: [Option<UnitState>; N],
    pub(super) first_channel: u32,
    pub(super) next_block: u64,
    pub(super) units: Units,
}
