//! A strand: neighbouring channels whose generator state travels together between threads.

use std::ops::Range;

use cortex_core::signal::{BLOCK_SAMPLES, Generator, LaneBlock, Lanes, Scratch};

use super::scale::{Scale, rescale};
use crate::platform::simd::{SimdLevel, SimdPath, Vectorised};
use crate::platform::tile_ring::CellWriter;

/// Channels that strands are cut at: the widest group.
pub(super) const WIDE: usize = 32;

/// The channels of one strand, with the state of each, in groups as wide as the path likes best
/// (`widest`) and narrower ones for what is left at the end.
pub(super) struct Strand {
    thirty_two: Vec<Group<32>>,
    sixteen: Vec<Group<16>>,
    eight: Vec<Group<8>>,
    four: Vec<Group<4>>,
    one: Vec<Group<1>>,
}

/// Up to `N` neighbouring channels.
struct Group<const N: usize> {
    /// Column in the strand of the group's first channel.
    column: usize,
    /// Channels wanted of the `N` generated.
    channels: usize,
    lanes: Lanes<N>,
}

/// What one thread needs beside the strands; one per thread.
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

impl Strand {
    /// `channels` at sample 0.
    pub(super) fn start(generator: &Generator, channels: Range<u32>, path: SimdPath) -> Self {
        let mut strand = Self {
            thirty_two: Vec::new(),
            sixteen: Vec::new(),
            eight: Vec::new(),
            four: Vec::new(),
            one: Vec::new(),
        };
        let mut next = channels.start;
        while next < channels.end {
            let left = (channels.end - next) as usize;
            let column = (next - channels.start) as usize;
            let channels = left.min(widest(path, generator.is_pink_v1()));
            match channels {
                1 => strand.one.push(start(generator, path, next, column, channels)),
                2..=4 => strand.four.push(start(generator, path, next, column, channels)),
                5..=8 => strand.eight.push(start(generator, path, next, column, channels)),
                9..=16 => strand.sixteen.push(start(generator, path, next, column, channels)),
                _ => strand.thirty_two.push(start(generator, path, next, column, channels)),
            }
            next += channels as u32;
        }
        strand
    }

    /// Generates the next rows of every channel into `cell`, as many as it has. All cells but a
    /// dataset's last have whole blocks. `scales` are those of the strand's channels.
    pub(super) fn fill(
        &mut self,
        generator: &Generator,
        path: SimdPath,
        scales: Option<&[Scale]>,
        workspace: &mut Workspace,
        cell: &mut CellWriter<'_>,
    ) {
        for group in &mut self.thirty_two {
            path.run(Fill { generator, group, scales, buffers: &mut workspace.thirty_two, cell });
        }
        for group in &mut self.sixteen {
            path.run(Fill { generator, group, scales, buffers: &mut workspace.sixteen, cell });
        }
        for group in &mut self.eight {
            path.run(Fill { generator, group, scales, buffers: &mut workspace.eight, cell });
        }
        for group in &mut self.four {
            path.run(Fill { generator, group, scales, buffers: &mut workspace.four, cell });
        }
        for group in &mut self.one {
            path.run(Fill { generator, group, scales, buffers: &mut workspace.one, cell });
        }
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
) -> Group<N> {
    path.run(Start { generator, first_channel, column, channels })
}

/// Starting a group may already generate (pre-roll), so it runs vectorised too.
struct Start<'a, const N: usize> {
    generator: &'a Generator,
    first_channel: u32,
    column: usize,
    channels: usize,
}

impl<const N: usize> Vectorised for Start<'_, N> {
    type Output = Group<N>;

    #[inline(always)]
    fn run<const LANES: usize>(self) -> Group<N> {
        Group {
            column: self.column,
            channels: self.channels,
            lanes: self.generator.start::<N>(self.first_channel),
        }
    }
}

/// The next rows of one group.
struct Fill<'a, 'c, const N: usize> {
    generator: &'a Generator,
    group: &'a mut Group<N>,
    scales: Option<&'a [Scale]>,
    buffers: &'a mut Buffers<N>,
    cell: &'a mut CellWriter<'c>,
}

impl<const N: usize> Vectorised for Fill<'_, '_, N> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize>(self) {
        let Self { generator, group, scales, buffers, cell } = self;
        let Buffers { scratch, block } = buffers;
        let block = &mut block.0;
        let rows = cell.rows();
        let mut row = 0;
        while row < rows {
            generator.fill::<N>(&mut group.lanes, scratch, block);
            if let Some(scales) = scales.and_then(|all| all.get(group.column..)) {
                rescale(block, scales);
            }
            let taken = BLOCK_SAMPLES.min(rows - row);
            cell.store(row, group.column, group.channels, &block[..taken]);
            row += taken;
        }
    }
}
