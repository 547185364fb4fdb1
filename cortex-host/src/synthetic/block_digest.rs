//! The digest of a generator's first blocks, which any board can compute.

use cortex_core::digest::SampleDigest;
use cortex_core::signal::{BLOCK_SAMPLES, Generator, LaneBlock, Scratch};

/// Channels of the block digest.
pub const BLOCK_DIGEST_CHANNELS: usize = 8;
/// Blocks per channel of the block digest.
pub const BLOCK_DIGEST_BLOCKS: usize = 64;

/// The CRC-32 of the first [`BLOCK_DIGEST_BLOCKS`] blocks of channels `0..8`, interleaved as in
/// a file of eight channels: what golden values pin and what any board can compute.
#[must_use]
pub fn block_digest(generator: &Generator) -> u32 {
    let mut lanes = generator.start::<BLOCK_DIGEST_CHANNELS>(0);
    let mut scratch = Box::new(Scratch::new());
    let mut block: Box<LaneBlock<BLOCK_DIGEST_CHANNELS>> =
        Box::new([[0.0; BLOCK_DIGEST_CHANNELS]; BLOCK_SAMPLES]);
    let mut digest = SampleDigest::new();
    for _ in 0..BLOCK_DIGEST_BLOCKS {
        generator.fill(&mut lanes, &mut scratch, &mut block);
        for row in block.iter() {
            digest.update(row);
        }
    }
    digest.finish()
}
