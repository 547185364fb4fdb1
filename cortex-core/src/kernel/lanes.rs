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

/// Channels of a tile.
pub(super) const fn tile_channels(lanes: usize) -> usize {
    if lanes == 1 { 1 } else { 32 }
}

/// The first `width` (at most N) of N lanes from the front of `values`; the others are zero.
#[inline(always)]
pub(super) fn load<const N: usize>(values: &[f32], width: usize) -> [f32; N] {
    if width >= N
        && let Some(lanes) = values.first_chunk()
    {
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
    if width >= N
        && let Some(all) = values.first_chunk_mut()
    {
        *all = *lanes;
        return;
    }
    for (value, &lane) in values.iter_mut().zip(&lanes[..width.min(N)]) {
        *value = lane;
    }
}

/// Runs `$body` for groups of channels that cover `$range`, with `$N` constant: 32, 16, 8 or 4 lanes, as
/// many as `$lanes` allows and no group more than half empty, or one. `$first` is the group's first
/// channel, `$width` the number of its channels.
macro_rules! for_groups {
    ($lanes:expr, $range:expr, |$N:ident, $first:ident, $width:ident| $body:block) => {{
        let range: core::ops::Range<usize> = $range;
        let mut $first = range.start;
        while $first < range.end {
            let left = range.end - $first;
            if $lanes >= 32 && left > 16 {
                for_groups!(@group 32, left, $N, $first, $width, $body);
            } else if $lanes >= 16 && left > 8 {
                for_groups!(@group 16, left, $N, $first, $width, $body);
            } else if $lanes >= 8 && left > 4 {
                for_groups!(@group 8, left, $N, $first, $width, $body);
            } else if $lanes >= 4 && left > 1 {
                for_groups!(@group 4, left, $N, $first, $width, $body);
            } else {
                for_groups!(@group 1, left, $N, $first, $width, $body);
            }
        }
    }};
    (@group $n:literal, $left:ident, $N:ident, $first:ident, $width:ident, $body:block) => {
        const $N: usize = $n;
        let $width = $N.min($left);
        $body
        $first += $width;
    };
}
pub(super) use for_groups;
