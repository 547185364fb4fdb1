//! Random numbers: one ChaCha8 stream per channel, Gaussian numbers from its words.
//!
//! A channel's stream is ChaCha8 (Bernstein 2008, eight rounds, 64-bit counter and stream
//! number, as `rand_chacha` has it) with
//!
//! - key: the seed as 8 little-endian bytes, then a domain tag of up to 24 bytes, zero-padded;
//! - stream number: the channel's index;
//! - position: 64 words per block of 64 samples, so one word per sample and every block can
//!   be computed by itself.
//!
//! So a channel depends on (seed, channel) alone, not on how many channels there are.

mod compact;
mod gauss;
mod lanes;

pub(crate) use gauss::normals_by;
pub use gauss::{SquareRoots, normals};
#[cfg(feature = "v3")]
pub(crate) use gauss::{exponential, normal, normal_pair};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::block::BLOCK_SAMPLES;

/// The words of one block: row = sample, lane = channel.
pub type WordBlock<const N: usize> = [[u32; N]; BLOCK_SAMPLES];

/// Words of one cipher block.
#[cfg(feature = "v3")]
pub(crate) const CHUNK_WORDS: usize = 16;

/// The key of a family of streams: a seed within a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKey([u8; 32]);

impl StreamKey {
    /// The key of no family.
    pub(crate) const ZERO: Self = Self([0; 32]);

    /// The key of `seed` in `domain`, for example `"cortex/pink/v1"`. Only the first 24 bytes
    /// of `domain` count.
    #[must_use]
    pub fn new(seed: u64, domain: &str) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (slot, byte) in key[8..].iter_mut().zip(domain.bytes()) {
            *slot = byte;
        }
        Self(key)
    }

    /// Words `64 * block ..` of the streams of channels `first_channel .. first_channel + N`.
    ///
    /// One lane on a desktop goes through `rand_chacha`, which has vectors for it; more, and one on a
    /// microcontroller, run the same cipher with a channel per lane.
    #[inline(always)]
    pub fn words<const N: usize>(&self, first_channel: u32, block: u64, words: &mut WordBlock<N>) {
        if N == 1 && cfg!(feature = "std") {
            self.words_of_one(first_channel, block, words.as_flattened_mut());
        } else if let (false, Some(words)) = (cfg!(feature = "std"), one_lane(words)) {
            self.words_of_one_lane(first_channel, block, words);
        } else {
            lanes::words(&self.0, first_channel, block, words);
        }
    }

    /// Words `64 * block ..` of N streams: of `count` of this key from stream 0 on, then of `other`
    /// from its stream 0 on.
    #[cfg(feature = "v3")]
    #[inline(always)]
    pub(crate) fn words_and<const N: usize>(
        &self,
        count: u32,
        other: &Self,
        block: u64,
        words: &mut WordBlock<N>,
    ) {
        lanes::words_of_two([&self.0, &other.0], count, block, words);
    }

    /// Words `16 * chunk ..` of one stream: what takes a few words now and then, at places of its
    /// own, does not need a block.
    #[cfg(feature = "v3")]
    #[must_use]
    pub(crate) fn chunk(&self, stream: u32, chunk: u64) -> [u32; CHUNK_WORDS] {
        lanes::chunk(&self.0, stream, chunk)
    }

    /// Code of its own: a board's image has it once.
    #[inline(never)]
    fn words_of_one_lane(&self, channel: u32, block: u64, words: &mut WordBlock<1>) {
        if cfg!(any(feature = "std", target_abi = "eabihf")) {
            lanes::words(&self.0, channel, block, words);
        } else {
            compact::words(&self.0, channel, block, words);
        }
    }

    fn words_of_one(&self, channel: u32, block: u64, words: &mut [u32]) {
        let mut rng = ChaCha8Rng::from_seed(self.0);
        rng.set_stream(u64::from(channel));
        rng.set_word_pos(u128::from(block) * BLOCK_SAMPLES as u128);
        for word in words {
            *word = rng.next_u32();
        }
    }
}

/// The block, when it has one lane.
#[inline(always)]
fn one_lane<const N: usize>(words: &mut WordBlock<N>) -> Option<&mut WordBlock<1>> {
    if N == 1 { words.as_flattened_mut().as_chunks_mut().0.first_chunk_mut() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lane-wise cipher is `rand_chacha`, bit for bit, at any position, up to and beyond
    /// the 32-bit edge of the block counter.
    #[test]
    fn every_lane_width_gives_the_words_of_rand_chacha() {
        fn check<const N: usize>(seed: u64, first: u32, block: u64) {
            let key = StreamKey::new(seed, "cortex/test");
            let mut wide = [[0; N]; BLOCK_SAMPLES];
            key.words(first, block, &mut wide);
            let mut compact = [[0; 1]; BLOCK_SAMPLES];
            compact::words(&key.0, first, block, &mut compact);
            assert!(compact.iter().zip(&wide).all(|(compact, wide)| compact[0] == wide[0]));
            for lane in 0..N {
                let mut published = ChaCha8Rng::from_seed(key.0);
                published.set_stream(u64::from(first) + lane as u64);
                published.set_word_pos(u128::from(block) * BLOCK_SAMPLES as u128);
                for (row, words) in wide.iter().enumerate() {
                    assert_eq!(
                        words[lane],
                        published.next_u32(),
                        "{N} lanes, lane {lane}, row {row}"
                    );
                }
            }
        }
        let blocks = [1 << 30, 0, 1, 77, (1 << 30) - 1, (1 << 40) + 5];
        for block in blocks.into_iter().take(if cfg!(miri) { 1 } else { blocks.len() }) {
            check::<2>(42, 0, block);
            check::<8>(u64::MAX, 5, block);
            check::<16>(7, 65_000, block);
        }
    }

    /// Lanes of two keys have the words of each.
    #[cfg(feature = "v3")]
    #[test]
    fn lanes_of_two_keys_have_the_words_of_each() {
        let (one, other) = (StreamKey::new(9, "cortex/one"), StreamKey::new(9, "cortex/other"));
        for count in [0, 5, 8] {
            let mut both = [[0; 8]; BLOCK_SAMPLES];
            one.words_and(count, &other, 3, &mut both);
            let (mut first, mut second) = ([[0; 8]; BLOCK_SAMPLES], [[0; 8]; BLOCK_SAMPLES]);
            one.words(0, 3, &mut first);
            other.words(0, 3, &mut second);
            let count = count as usize;
            for ((both, first), second) in both.iter().zip(&first).zip(&second) {
                assert_eq!(both[..count], first[..count]);
                assert_eq!(both[count..], second[..8 - count]);
            }
        }
    }

    /// A chunk is the same words of the same stream.
    #[cfg(feature = "v3")]
    #[test]
    fn chunks_are_the_words_of_their_place() {
        let key = StreamKey::new(9, "cortex/test");
        let mut words = [[0; 1]; BLOCK_SAMPLES];
        key.words(77, 3, &mut words);
        for (chunk, words) in (12..).zip(words.as_flattened().chunks(CHUNK_WORDS)) {
            assert_eq!(key.chunk(77, chunk), words);
        }
    }

    /// First words of ChaCha8 for key 0, stream 0: the published test vector (Strombergson,
    /// draft-strombergson-chacha-test-vectors-01, TC1, 8 rounds) begins 3e 00 ef 2f.
    #[test]
    fn chacha8_test_vector() {
        let key = StreamKey([0; 32]);
        let mut words = [[0; 1]; BLOCK_SAMPLES];
        key.words(0, 0, &mut words);
        assert_eq!(words[0][0].to_le_bytes(), [0x3e, 0x00, 0xef, 0x2f]);
        let mut wide = [[0; 4]; BLOCK_SAMPLES];
        key.words(0, 0, &mut wide);
        assert_eq!(wide[0][0].to_le_bytes(), [0x3e, 0x00, 0xef, 0x2f]);
    }
}
