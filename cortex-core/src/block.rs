//! The shape of generated data: blocks of 64 samples, a channel per lane.

/// Samples per channel in one generated block: the unit of generation on every target.
pub const BLOCK_SAMPLES: usize = 64;

/// One block of N adjacent channels, in microvolts: row = sample, lane = channel.
pub type LaneBlock<const N: usize> = [[f32; N]; BLOCK_SAMPLES];
