//! Channels abreast: how the kernels' loops become vector instructions.
//!
//! A kernel's loops run over `[f32; N]`, one channel a lane. `N` is constant, each loop over lanes is
//! whole and its body has no branch, which is what a compiler turns into vector instructions of whatever
//! width the surrounding function may use. Lanes never meet, so every `N` gives the same bits.
//!
//! State is kept in *tiles*: the rows of [`tile_channels`] channels lie together, so that a kernel
//! which looks at one tile for long keeps it in the nearest cache. Without vectors (`LANES` = 1, a
//! microcontroller) a tile is one channel and its samples lie one after the other.

/// Channels abreast of [`Kernel::process`](super::Kernel::process), which knows no vector width: what 128-bit
/// vectors run well with on a desktop (feature `std`), one on a microcontroller.
pub const BASELINE_LANES: usize = if cfg!(feature = "std") { 8 } else { 1 };

/// Most channels that any kernel takes abreast; scratch memory is sized by it.
pub const MAX_LANES: usize = if cfg!(feature = "std") { 32 } else { 1 };

/// Whether floating-point operations are instructions: where they are calls, nothing else counts, and code
/// unrolled for registers costs flash that small boards do not have.
pub(super) const HAS_FPU: bool = cfg!(any(feature = "std", target_abi = "eabihf"));

/// Channels of a tile.
pub(super) const fn tile_channels(lanes: usize) -> usize {
    if lanes == 1 { 1 } else { 32 }
}

/// N lanes from the front of `values`, of which `width` are wanted; the others are what lies behind, or zero
/// where nothing does.
#[inline(always)]
pub(super) fn load<const N: usize>(values: &[f32], width: usize) -> [f32; N] {
    if N == 1 {
        return [values[0]; N];
    }
    if let Some(lanes) = values.first_chunk() {
        return *lanes;
    }
    let mut lanes = [0.0; N];
    for (lane, &value) in lanes[..width.min(N)].iter_mut().zip(values) {
        *lane = value;
    }
    lanes
}

/// Writes the first `width` (at most N) of N lanes to the front of `values`.
#[inline(always)]
pub(super) fn store<const N: usize>(lanes: &[f32; N], values: &mut [f32], width: usize) {
    if N == 1 {
        values[0] = lanes[0];
        return;
    }
    if width >= N
        && let Some(all) = values.first_chunk_mut()
    {
        *all = *lanes;
        return;
    }
    // In pieces of fixed lengths: a copy of any length is a call.
    let (mut lanes, mut values) = (&lanes[..width.min(N)], values);
    macro_rules! piece {
        ($($n:literal)*) => {
            $(if let Some((now, rest)) = lanes.split_first_chunk::<$n>()
                && let Some((place, later)) = core::mem::take(&mut values).split_first_chunk_mut()
            {
                *place = *now;
                (lanes, values) = (rest, later);
            })*
        };
    }
    piece!(64 32 16 8 4 2 1);
    let _ = (lanes, values);
}

/// Runs `$body` for groups of channels that cover `$range`, with `$N` constant: 32 lanes, which may not
/// all be in use, or one where no more than `$few` channels are left or `$lanes` is 1. `$first` is the group's
/// first channel, `$width` the number of its channels.
///
/// No other number of lanes is worth its code: compilers unroll loops over 16 or fewer lanes and
/// make poor vectors of the pieces.
macro_rules! for_groups {
    ($lanes:expr, $few:expr, $range:expr, |$N:ident, $first:ident, $width:ident| $body:block) => {{
        let range: core::ops::Range<usize> = $range;
        let mut $first = range.start;
        while $first < range.end {
            let left = range.end - $first;
            if $lanes > 1 && left > $few {
                const $N: usize = 32;
                let $width = $N.min(left);
                $body
                $first += $width;
            } else {
                const $N: usize = 1;
                let $width = 1;
                $body
                $first += 1;
            }
        }
    }};
}
pub(super) use for_groups;

/// Runs `$body` for whole groups of 32, 8 and 4 lanes and single ones that cover `$range`: for work that is
/// all loads and stores.
macro_rules! for_whole_groups {
    ($lanes:expr, $range:expr, |$N:ident, $first:ident| $body:block) => {{
        let range: core::ops::Range<usize> = $range;
        let mut $first = range.start;
        while $first < range.end {
            let left = range.end - $first;
            if $lanes > 1 && left >= 32 {
                const $N: usize = 32;
                $body
                $first += 32;
            } else if $lanes > 1 && left >= 8 {
                const $N: usize = 8;
                $body
                $first += 8;
            } else if $lanes > 1 && left >= 4 {
                const $N: usize = 4;
                $body
                $first += 4;
            } else {
                const $N: usize = 1;
                $body
                $first += 1;
            }
        }
    }};
}
pub(super) use for_whole_groups;
