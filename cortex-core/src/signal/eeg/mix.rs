//! Mixing: every channel is a weighted sum of what all of them share.

use core::ops::Range;

use super::state::{COLUMNS, SourceBlock};
use crate::signal::LaneBlock;

/// Rows that are mixed at once where there are vectors: their sums stay in registers and do not wait
/// for each other.
const ROWS: usize = if cfg!(feature = "std") { 4 } else { 1 };

/// Adds the columns `range` of `block`, in order, to `out` times `scale`.
#[inline(always)]
pub(super) fn mix<const N: usize>(
    scale: f32,
    weights: &[[f32; N]; COLUMNS],
    block: &SourceBlock,
    range: Range<usize>,
    out: &mut LaneBlock<N>,
) {
    let mut lane = 0;
    while lane + 16 <= N {
        mix_lanes::<N, 16>(lane, scale, weights, block, range.clone(), out);
        lane += 16;
    }
    if lane + 8 <= N {
        mix_lanes::<N, 8>(lane, scale, weights, block, range.clone(), out);
        lane += 8;
    }
    while lane < N {
        mix_lanes::<N, 1>(lane, scale, weights, block, range.clone(), out);
        lane += 1;
    }
}

/// [`mix`] of `W` lanes from `first` on.
#[inline(always)]
fn mix_lanes<const N: usize, const W: usize>(
    first: usize,
    scale: f32,
    weights: &[[f32; N]; COLUMNS],
    block: &SourceBlock,
    range: Range<usize>,
    out: &mut LaneBlock<N>,
) {
    let rows = out.as_chunks_mut::<ROWS>().0.iter_mut();
    for (rows, columns) in rows.zip(block.as_chunks::<ROWS>().0) {
        let mut sums = [[0.0; W]; ROWS];
        for (sums, row) in sums.iter_mut().zip(rows.iter()) {
            for lane in 0..W {
                sums[lane] = row[first + lane] * scale;
            }
        }
        for column in range.clone() {
            let Some(weights) = weights[column][first..].first_chunk::<W>() else { return };
            for (sums, row) in sums.iter_mut().zip(columns) {
                let value = row[column];
                for lane in 0..W {
                    sums[lane] += value * weights[lane];
                }
            }
        }
        for (sums, row) in sums.iter().zip(rows) {
            row[first..first + W].copy_from_slice(sums);
        }
    }
}
