//! ChaCha8 of one channel in little code, for images without a floating-point unit: the cipher is one part in a
//! hundred of what a sample costs there, and flash is short.

use super::WordBlock;
use super::lanes::{CIPHER_WORDS, CONSTANTS};

/// The quarter rounds of a double round.
const QUARTERS: [[u8; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/// Words `64 * block ..` of one stream.
pub(super) fn words(key: &[u8; 32], stream: u32, block: u64, words: &mut WordBlock<1>) {
    let mut start = [0_u32; CIPHER_WORDS];
    start[..4].copy_from_slice(&CONSTANTS);
    for (word, bytes) in start[4..12].iter_mut().zip(key.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    start[14] = stream;
    let mut counter = block << 2;
    for chunk in words.as_chunks_mut::<CIPHER_WORDS>().0 {
        (start[12], start[13]) = (counter as u32, (counter >> 32) as u32);
        counter = counter.wrapping_add(1);
        let mut v = start;
        for _ in 0..4 {
            for places in &QUARTERS {
                quarter_round(&mut v, places);
            }
        }
        for ((word, v), start) in chunk.iter_mut().zip(v).zip(start) {
            *word = [v.wrapping_add(start)];
        }
    }
}

fn quarter_round(v: &mut [u32; CIPHER_WORDS], places: &[u8; 4]) {
    let [a, b, c, d] = places.map(|place| usize::from(place & 15));
    for (add, turn) in [(a, 16), (c, 12), (a, 8), (c, 7)] {
        // a += b, d = (d ^ a) <<< n; and so for c, d, b.
        let (from, to) = if add == a { (b, d) } else { (d, b) };
        v[add] = v[add].wrapping_add(v[from]);
        v[to] = (v[to] ^ v[add]).rotate_left(turn);
    }
}
