//! `normalize: exact`: every channel of a file gets zero mean and exactly the RMS asked for.
//!
//! The data are generated twice: once to take each channel's mean and variance, once to write
//! `(x - mean) * gain`. A channel's sums run in time order in `f64`, whoever computes them, so the
//! result does not depend on threads, vectors or shards.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cortex_core::math;
use cortex_core::signal::{BLOCK_SAMPLES, Generator, LaneBlock, Scratch};

use super::Recipe;
use super::engine::{PassError, Settings, on_threads};
use super::scale::ChannelScale;
use crate::base::Progress;
use crate::platform::simd::{SimdPath, Vectorised};

/// Channels measured together.
const LANES: usize = 16;

/// Blocks measured between two looks at whether to go on.
const BLOCKS_AT_ONCE: u64 = 256;

/// The scales of `channels`, which belong to `recipe`; none when it is not to be normalised.
pub(super) fn measure(
    recipe: &Recipe,
    generator: &Generator,
    channels: Range<u32>,
    settings: &Settings,
    progress: &Progress,
) -> Result<Option<Vec<ChannelScale>>, PassError> {
    let Some(rms_uv) = recipe.exact_rms_uv else { return Ok(None) };
    let groups: Vec<u32> = channels.clone().step_by(LANES).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![ChannelScale { mean_uv: 0.0, gain: 1.0 }; channels.len()]);
    let work = |_| {
        while let Some(first) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
            if progress.is_cancelled() {
                return;
            }
            let Some(group) =
                group(generator, *first, recipe.samples, rms_uv, settings.path, progress)
            else {
                return;
            };
            let Ok(mut found) = found.lock() else { return };
            let column = (*first - channels.start) as usize;
            for (scale, own) in found.iter_mut().skip(column).zip(group) {
                *scale = own;
            }
        }
    };
    on_threads(settings.threads, work);
    if progress.is_cancelled() {
        return Err(PassError::Interrupted);
    }
    match found.into_inner() {
        Ok(scales) => Ok(Some(scales)),
        Err(_) => Err(PassError::Io(std::io::Error::other("a measuring thread failed"))),
    }
}

/// The scales of channels `first..first + LANES`; none when cancelled.
fn group(
    generator: &Generator,
    first: u32,
    samples: u64,
    rms_uv: f64,
    path: SimdPath,
    progress: &Progress,
) -> Option<[ChannelScale; LANES]> {
    let mut state = path.run(Start { generator, first });
    let mut left = samples;
    while left > 0 {
        if progress.is_cancelled() {
            return None;
        }
        let now = left.min(BLOCKS_AT_ONCE * BLOCK_SAMPLES as u64);
        path.run(Add { generator, state: &mut state, samples: now });
        left -= now;
    }
    let count = samples as f64;
    Some(std::array::from_fn(|lane| {
        let mean_uv = state.sum[lane] / count;
        // Of the process's own mean 0: the mean is of the RMS's size at most, so that the
        // difference keeps all digits that matter.
        let variance = state.squares[lane] / count - mean_uv * mean_uv;
        let gain = if variance > 0.0 { rms_uv / math::sqrt(variance) } else { 0.0 };
        ChannelScale { mean_uv, gain }
    }))
}

struct Sums {
    lanes: cortex_core::signal::Lanes<LANES>,
    scratch: Box<Scratch<LANES>>,
    sum: [f64; LANES],
    squares: [f64; LANES],
}

struct Start<'a> {
    generator: &'a Generator,
    first: u32,
}

impl Vectorised for Start<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<const PATH_LANES: usize>(self) -> Sums {
        Sums {
            lanes: self.generator.start(self.first),
            scratch: Box::default(),
            sum: [0.0; LANES],
            squares: [0.0; LANES],
        }
    }
}

/// Adds the next samples of a group to its sums: whole blocks, but at the end.
struct Add<'a> {
    generator: &'a Generator,
    state: &'a mut Sums,
    samples: u64,
}

impl Vectorised for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const PATH_LANES: usize>(self) {
        let Self { generator, state, samples } = self;
        let mut block: LaneBlock<LANES> = [[0.0; LANES]; BLOCK_SAMPLES];
        let mut left = samples;
        while left > 0 {
            generator.fill(&mut state.lanes, &mut state.scratch, &mut block);
            // At most BLOCK_SAMPLES, a usize.
            let rows = left.min(BLOCK_SAMPLES as u64) as usize;
            for row in block.iter().take(rows) {
                for lane in 0..LANES {
                    let value = f64::from(row[lane]);
                    state.sum[lane] += value;
                    state.squares[lane] += value * value;
                }
            }
            left -= rows as u64;
        }
    }
}
