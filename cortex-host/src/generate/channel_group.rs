//! A channel group: neighbouring channels whose generator state travels together between threads.

use std::ops::Range;

use cortex_core::signal::{BLOCK_SAMPLES, Generator, LaneBlock, Lanes, Scratch, SharedState};

use super::scale::{ChannelScale, rescale};
use crate::platform::simd::{SimdLevel, SimdPath, Vectorised};
use crate::platform::tile_ring::CellWriter;

/// Channel groups are cut at multiples of this: the widest lane group.
pub(super) const WIDE: usize = 32;

/// Neighbouring channels, with the state of each, in lane groups as wide as the path likes best
/// (`widest`) and narrower ones for what is left at the end.
pub(super) struct ChannelGroup {
    thirty_two: Vec<LaneGroup<32>>,
    sixteen: Vec<LaneGroup<16>>,
    eight: Vec<LaneGroup<8>>,
    four: Vec<LaneGroup<4>>,
    one: Vec<LaneGroup<1>>,
    shared: SharedState,
}

/// Up to `N` neighbouring channels.
struct LaneGroup<const N: usize> {
    /// Column in the channel group of the first channel.
    column: usize,
    /// Channels wanted of the `N` generated.
    channels: usize,
    lanes: Lanes<N>,
}

/// What one thread needs beside the channel groups; one per thread.
pub(super) struct Workspace {
    thirty_two: Buffers<32>,
    sixteen: Buffers<16>,
    eight: Buffers<8>,
    four: Buffers<4>,
    one: Buffers<1>,
}

struct Buffers<const N: usize> {
    scratch: Box<Scratch<N>>,
    block: Box<AlignedBlock<N>>,
}

/// A block that starts at a cache line: a vector that straddles two costs twice.
#[repr(C, align(64))]
struct AlignedBlock<const N: usize>(LaneBlock<N>);

impl ChannelGroup {
    /// `channels` at sample 0.
    pub(super) fn start(generator: &Generator, channels: Range<u32>, path: SimdPath) -> Self {
        let mut group = Self {
            thirty_two: Vec::new(),
            sixteen: Vec::new(),
            eight: Vec::new(),
            four: Vec::new(),
            one: Vec::new(),
            shared: SharedState::EMPTY,
        };
        let mut next = channels.start;
        while next < channels.end {
            let left = (channels.end - next) as usize;
            let column = (next - channels.start) as usize;
            let channels = left.min(widest(path, generator.is_pink_v1()));
            match channels {
                1 => group.one.push(start(generator, path, next, column, channels)),
                2..=4 => group.four.push(start(generator, path, next, column, channels)),
                5..=8 => group.eight.push(start(generator, path, next, column, channels)),
                9..=16 => group.sixteen.push(start(generator, path, next, column, channels)),
                _ => group.thirty_two.push(start(generator, path, next, column, channels)),
            }
            next += channels as u32;
        }
        group
    }

    /// Generates the next rows of every channel into `cell`, as many as it has. All cells but a
    /// dataset's last have whole blocks. `scales` are those of the group's channels.
    pub(super) fn fill(
        &mut self,
        generator: &Generator,
        path: SimdPath,
        scales: Option<&[ChannelScale]>,
        workspace: &mut Workspace,
        cell: &mut CellWriter<'_>,
    ) {
        let rows = cell.rows();
        // What channels share is computed once when all of them have a block before the next.
        let step = if generator.shares() { BLOCK_SAMPLES } else { rows };
        let Self { thirty_two, sixteen, eight, four, one, shared } = self;
        for first in (0..rows).step_by(step.max(1)) {
            let part = first..(first + step).min(rows);
            let mut task = Task { generator, path, scales, shared, rows: part, cell };
            task.fill(thirty_two, &mut workspace.thirty_two);
            task.fill(sixteen, &mut workspace.sixteen);
            task.fill(eight, &mut workspace.eight);
            task.fill(four, &mut workspace.four);
            task.fill(one, &mut workspace.one);
        }
    }
}

/// What is to be filled.
struct Task<'a, 'c> {
    generator: &'a Generator,
    path: SimdPath,
    scales: Option<&'a [ChannelScale]>,
    shared: &'a mut SharedState,
    rows: Range<usize>,
    cell: &'a mut CellWriter<'c>,
}

impl Task<'_, '_> {
    /// Fills the rows of `groups`. What channels share stays with the group of channels, since
    /// the workspace goes from one to the other.
    fn fill<const N: usize>(&mut self, groups: &mut [LaneGroup<N>], buffers: &mut Buffers<N>) {
        let Self { generator, path, scales, rows, .. } = self;
        buffers.scratch.swap_shared(self.shared);
        for group in groups {
            let (rows, cell) = (rows.clone(), &mut *self.cell);
            path.run(Fill { generator, group, scales: *scales, buffers, rows, cell });
        }
        buffers.scratch.swap_shared(self.shared);
    }
}

impl Workspace {
    pub(super) fn new() -> Self {
        Self {
            thirty_two: Buffers::new(),
            sixteen: Buffers::new(),
            eight: Buffers::new(),
            four: Buffers::new(),
            one: Buffers::new(),
        }
    }
}

impl<const N: usize> Buffers<N> {
    fn new() -> Self {
        Self { scratch: Box::default(), block: Box::new(AlignedBlock([[0.0; N]; BLOCK_SAMPLES])) }
    }
}

/// Channels of the groups that run fastest: all vector registers in use, none spilled
/// (measured, docs/performance.md).
fn widest(path: SimdPath, pink_v1: bool) -> usize {
    match path.level() {
        SimdLevel::Scalar => 1,
        SimdLevel::Sse2 | SimdLevel::Neon => 8,
        SimdLevel::Avx2 => 16,
        // v1's transform works in place on its lanes' registers; 32 lanes spill.
        SimdLevel::Avx512 if pink_v1 => 16,
        SimdLevel::Avx512 => 32,
    }
}

fn start<const N: usize>(
    generator: &Generator,
    path: SimdPath,
    first_channel: u32,
    column: usize,
    channels: usize,
) -> LaneGroup<N> {
    path.run(Start { generator, first_channel, column, channels })
}

/// Starting a lane group may already generate (pre-roll), so it runs vectorised too.
struct Start<'a, const N: usize> {
    generator: &'a Generator,
    first_channel: u32,
    column: usize,
    channels: usize,
}

impl<const N: usize> Vectorised for Start<'_, N> {
    type Output = LaneGroup<N>;

    #[inline(always)]
    fn run<const LANES: usize>(self) -> LaneGroup<N> {
        LaneGroup {
            column: self.column,
            channels: self.channels,
            lanes: self.generator.start::<N>(self.first_channel),
        }
    }
}

/// The next rows of one lane group.
struct Fill<'a, 'c, const N: usize> {
    generator: &'a Generator,
    group: &'a mut LaneGroup<N>,
    scales: Option<&'a [ChannelScale]>,
    buffers: &'a mut Buffers<N>,
    rows: Range<usize>,
    cell: &'a mut CellWriter<'c>,
}

impl<const N: usize> Vectorised for Fill<'_, '_, N> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize>(self) {
        let Self { generator, group, scales, buffers, rows, cell } = self;
        let Buffers { scratch, block } = buffers;
        let block = &mut block.0;
        let mut row = rows.start;
        while row < rows.end {
            generator.fill::<N>(&mut group.lanes, scratch, block);
            if let Some(scales) = scales.and_then(|all| all.get(group.column..)) {
                rescale(block, scales);
            }
            let taken = BLOCK_SAMPLES.min(rows.end - row);
            cell.store(row, group.column, group.channels, &block[..taken]);
            row += taken;
        }
    }
}
