//! What is kept of an EEG from one block to the next.

use super::artefacts::{self, ChannelState, SharedArtefacts};
use super::rhythm::{RHYTHMS, RhythmState};
use super::weights::SOURCES;
use crate::random::WordBlock;
use crate::signal::{BLOCK_SAMPLES, HISTORY_SAMPLES, LaneBlock, MAX_POLES};

/// Lanes in which the shared sources, and behind them the noise of the rhythms, are computed: all of
/// them at once where there are vectors.
pub(super) const SOURCE_LANES: usize = if cfg!(feature = "std") { 32 } else { 1 };
/// Groups of lanes that sources are in.
const SOURCE_GROUPS: usize = SOURCES.div_ceil(SOURCE_LANES);
/// Places of the evoked signal, the shared artefacts and the mains among the columns.
pub(super) const EVOKED: usize = SOURCES + RHYTHMS;
pub(super) const ARTEFACTS: usize = EVOKED + 1;
pub(super) const MAINS: usize = ARTEFACTS + artefacts::SHARED;
/// Columns that are mixed: sources, rhythms, the evoked signal, artefacts and mains.
pub(super) const COLUMNS: usize = MAINS + 1;

/// Sources, rhythms, the evoked signal and shared artefacts of one block: row = sample.
pub(super) type SourceBlock = [[f32; COLUMNS]; BLOCK_SAMPLES];

/// What all channels share: its state at a block boundary and the block before it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "std", repr(C, align(64)))]
pub(crate) struct Sources {
    /// Which EEG it belongs to.
    pub(super) tag: u64,
    pub(super) next_block: u64,
    pub(super) poles: [[[f32; SOURCE_LANES]; MAX_POLES]; SOURCE_GROUPS],
    pub(super) last: [[f32; SOURCE_LANES]; SOURCE_GROUPS],
    pub(super) rhythms: RhythmState,
    pub(super) artefacts: SharedArtefacts,
    pub(super) words: WordBlock<SOURCE_LANES>,
    pub(super) noise: [[f32; SOURCE_LANES]; HISTORY_SAMPLES + BLOCK_SAMPLES],
    pub(super) part: LaneBlock<SOURCE_LANES>,
    pub(super) block: SourceBlock,
}

/// State of N adjacent channels, and what they see of each column.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "std", repr(C, align(64)))]
pub(crate) struct EegLanes<const N: usize> {
    pub(super) weights: [[f32; N]; COLUMNS],
    pub(super) own_weight: f32,
    pub(super) artefacts: [ChannelState; N],
}

impl Sources {
    /// Nothing yet, of no EEG.
    pub(crate) const EMPTY: Self = Self {
        tag: 0,
        next_block: 0,
        poles: [[[0.0; SOURCE_LANES]; MAX_POLES]; SOURCE_GROUPS],
        last: [[0.0; SOURCE_LANES]; SOURCE_GROUPS],
        rhythms: RhythmState::SILENT,
        artefacts: SharedArtefacts::NONE,
        words: [[0; SOURCE_LANES]; BLOCK_SAMPLES],
        noise: [[0.0; SOURCE_LANES]; HISTORY_SAMPLES + BLOCK_SAMPLES],
        part: [[0.0; SOURCE_LANES]; BLOCK_SAMPLES],
        block: [[0.0; COLUMNS]; BLOCK_SAMPLES],
    };
}
