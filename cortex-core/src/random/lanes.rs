//! ChaCha8 with one channel per vector lane.
//!
//! The same cipher as `rand_chacha` (a test compares the bits): every lane has the same key
//! and counter and its own stream number, so one pass yields the same words of N channels,
//! already in the sample-major order that the filters want. Written over `[u32; N]` so that
//! the compiler vectorises it for whatever the caller's function may use.

use super::WordBlock;

const DOUBLE_ROUNDS: usize = 4;
/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
const CIPHER_WORDS: usize = 16;

/// Words `64 * block ..` of streams `first_channel .. first_channel + N`.
#[inline(always)]
pub(super) fn words<const N: usize>(
    key: &[u8; 32],
    first_channel: u32,
    block: u64,
    words: &mut WordBlock<N>,
) {
    let mut start = [[0_u32; N]; CIPHER_WORDS];
    for (row, constant) in start.iter_mut().zip(CONSTANTS) {
        *row = [constant; N];
    }
    for (row, bytes) in start[4..12].iter_mut().zip(key.as_chunks::<4>().0) {
        *row = [u32::from_le_bytes(*bytes); N];
    }
    for (lane, stream) in start[14].iter_mut().enumerate() {
        *stream = first_channel.wrapping_add(lane as u32);
    }
    let (chunks, _) = words.as_chunks_mut::<CIPHER_WORDS>();
    let mut counter = block.wrapping_mul(chunks.len() as u64);
    for chunk in chunks {
        start[12] = [counter as u32; N];
        start[13] = [(counter >> 32) as u32; N];
        cipher(&start, chunk);
        counter = counter.wrapping_add(1);
    }
}

/// One ChaCha8 block in every lane.
#[inline(always)]
fn cipher<const N: usize>(start: &[[u32; N]; CIPHER_WORDS], out: &mut [[u32; N]; CIPHER_WORDS]) {
    let mut v = *start;
    for _ in 0..DOUBLE_ROUNDS {
        quarter_round(&mut v, 0, 4, 8, 12);
        quarter_round(&mut v, 1, 5, 9, 13);
        quarter_round(&mut v, 2, 6, 10, 14);
        quarter_round(&mut v, 3, 7, 11, 15);
        quarter_round(&mut v, 0, 5, 10, 15);
        quarter_round(&mut v, 1, 6, 11, 12);
        quarter_round(&mut v, 2, 7, 8, 13);
        quarter_round(&mut v, 3, 4, 9, 14);
    }
    for row in 0..CIPHER_WORDS {
        for lane in 0..N {
            out[row][lane] = v[row][lane].wrapping_add(start[row][lane]);
        }
    }
}

#[inline(always)]
fn quarter_round<const N: usize>(
    v: &mut [[u32; N]; CIPHER_WORDS],
    a: usize,
    b: usize,
    c: usize,
    d: usize,
) {
    add_xor_rotate::<N, 16>(v, a, b, d);
    add_xor_rotate::<N, 12>(v, c, d, b);
    add_xor_rotate::<N, 8>(v, a, b, d);
    add_xor_rotate::<N, 7>(v, c, d, b);
}

/// `a += b; d = rotate_left(d ^ a, ROTATION)` in every lane.
#[inline(always)]
fn add_xor_rotate<const N: usize, const ROTATION: u32>(
    v: &mut [[u32; N]; CIPHER_WORDS],
    a: usize,
    b: usize,
    d: usize,
) {
    for lane in 0..N {
        v[a][lane] = v[a][lane].wrapping_add(v[b][lane]);
        v[d][lane] = (v[d][lane] ^ v[a][lane]).rotate_left(ROTATION);
    }
}
