//! The linear map that makes a channel exact.

use cortex_core::signal::LaneBlock;

/// What makes a channel exact: its samples become `(x - mean_uv) * gain`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChannelScale {
    pub mean_uv: f64,
    pub gain: f64,
}

/// Makes the lanes' samples exact; `scales` may be shorter than the lanes.
#[inline(always)]
pub(super) fn rescale<const N: usize>(block: &mut LaneBlock<N>, scales: &[ChannelScale]) {
    let mut mean_uv = [0.0; N];
    let mut gain = [0.0; N];
    for (lane, scale) in scales.iter().take(N).enumerate() {
        (mean_uv[lane], gain[lane]) = (scale.mean_uv, scale.gain);
    }
    for row in block {
        for lane in 0..N {
            row[lane] = ((f64::from(row[lane]) - mean_uv[lane]) * gain[lane]) as f32;
        }
    }
}
