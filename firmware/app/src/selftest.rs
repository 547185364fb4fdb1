//! The self-test: a board without a host proves that it computes the same bits.
//!
//! After any received byte it prints one line per result, then `end`, and waits for the next
//! byte. Numbers come as `key=value`, so that people and tests read the same text:
//!
//! ```text
//! board name=mps2-an386 boot=1 timer=PeripheralTimer hz=25000000 bits=32
//! digest signal=v1/sine_wave channels=8 blocks=64 crc32=89abcdef
//! cost signal=v1/sine_wave samples=64 ticks_min=1000 ticks_max=1000 ticks_sum=512000
//! end
//! ```
//!
//! Digests cover all channels in file order (sample-major); costs are those of one block of
//! one channel: least, greatest and sum of all that were generated.
//!
//! After the byte `!` it uses up its stack on purpose, after `?` most of it: the fault and the
//! guard must restart the board. A board that starts after a crash says so unasked, and in
//! every report: `crash text=stack overflow place=BYTES`.

use core::fmt::{self, Write};
use core::hint::black_box;

use cortex_core::digest::SampleDigest;
use cortex_core::random::SquareRoots;
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, LaneBlock, Lanes, Scratch, SignalMemory, SourceSpec,
};

use crate::sources::sources;
#[cfg(feature = "v3")]
use crate::sources_with_truth::sources_with_truth;
use crate::{Board, Boot, transmit_all};

/// Channels in every digest.
pub const CHANNELS: usize = 8;
/// Blocks of [`BLOCK_SAMPLES`] in every digest.
pub const BLOCKS: usize = 64;

/// The self-test's memory: too much for a small board's stack.
pub struct Memory {
    signals: SignalMemory,
    work: Work,
}

/// What it works in.
struct Work {
    generator: Generator,
    lanes: [Option<Lanes<1>>; CHANNELS],
    scratch: Scratch<1>,
    block: LaneBlock<1>,
    rows: [[f32; CHANNELS]; BLOCK_SAMPLES],
}

impl Memory {
    /// Empty memory.
    #[must_use]
    pub const fn new() -> Self {
        let work = Work {
            generator: Generator::silence(),
            lanes: [const { None }; CHANNELS],
            scratch: Scratch::new(),
            block: [[0.0]; BLOCK_SAMPLES],
            rows: [[0.0; CHANNELS]; BLOCK_SAMPLES],
        };
        Self { signals: SignalMemory::new(), work }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs the self-test on `board` forever. `watch` looks after the stack; `roots` are the processor's
/// square roots.
pub fn run<B: Board>(
    board: &mut B,
    boot: &Boot,
    memory: &'static mut Memory,
    watch: fn(),
    roots: SquareRoots,
) -> ! {
    let Memory { signals, work } = memory;
    work.scratch.set_memory(signals);
    work.scratch.set_square_roots(roots);
    if boot.crash.is_some() {
        head(board, boot);
    }
    loop {
        let mut byte = [0];
        while board.receive(&mut byte) == 0 {
            board.rest();
        }
        match &byte {
            b"!" => _ = exhaust(|| {}, 0),
            b"?" => _ = exhaust(watch, 0),
            _ => report(board, boot, work),
        }
        watch();
    }
}

/// Calls itself until something ends it.
#[inline(never)]
fn exhaust(watch: fn(), depth: u32) -> u32 {
    watch();
    if black_box(depth) == u32::MAX { depth } else { black_box(exhaust(watch, depth + 1)) + 1 }
}

/// Prints every line of the self-test once.
fn report<B: Board>(board: &mut B, boot: &Boot, work: &mut Work) {
    head(board, boot);
    for (name, spec) in sources() {
        source(board, name, &spec, work);
    }
    #[cfg(feature = "v3")]
    for (name, spec) in sources_with_truth() {
        source(board, name, &spec, work);
    }
    line(board, format_args!("end"));
}

/// Prints who the board is and what its last run ended with.
fn head<B: Board>(board: &mut B, boot: &Boot) {
    let clock = board.clock();
    let name = board.name();
    line(
        board,
        format_args!(
            "board name={name} boot={} timer={:?} hz={} bits={}",
            boot.count, clock.timer, clock.hz, clock.bits
        ),
    );
    if let Some(crash) = boot.crash {
        line(
            board,
            format_args!("crash text={} place={}", crash.text().escape_ascii(), crash.place),
        );
    }
}

/// Prints the lines of one source.
fn source<B: Board>(board: &mut B, name: &str, spec: &SourceSpec, work: &mut Work) {
    match work.generator.redesign(spec) {
        Ok(()) => source_lines(board, name, work),
        // Built without generator v2: nothing else is wrong with these specifications.
        Err(_) => line(board, format_args!("absent signal={name}")),
    }
}

/// Generates one source and prints its digest and its cost.
#[inline(never)]
fn source_lines<B: Board>(board: &mut B, name: &str, work: &mut Work) {
    let Work { generator, lanes, scratch, block, rows } = work;
    for (channel, lane) in (0..).zip(lanes.iter_mut()) {
        *lane = Some(generator.start_one(channel));
    }
    let mut digest = SampleDigest::new();
    let mut ticks = (u64::MAX, 0, 0);
    for _ in 0..BLOCKS {
        for (channel, lanes) in lanes.iter_mut().flatten().enumerate() {
            let begun = board.now();
            generator.fill_one(lanes, scratch, block);
            let cost = board.now() - begun;
            ticks = (ticks.0.min(cost), ticks.1.max(cost), ticks.2 + cost);
            for (row, [sample]) in rows.iter_mut().zip(&*block) {
                row[channel] = *sample;
            }
        }
        digest.update(rows.as_flattened());
    }
    line(
        board,
        format_args!(
            "digest signal={name} channels={CHANNELS} blocks={BLOCKS} crc32={:08x}",
            digest.finish()
        ),
    );
    line(
        board,
        format_args!(
            "cost signal={name} samples={BLOCK_SAMPLES} ticks_min={} ticks_max={} ticks_sum={}",
            ticks.0, ticks.1, ticks.2
        ),
    );
}

fn line<B: Board>(board: &mut B, text: fmt::Arguments<'_>) {
    let mut out = Out(board);
    // `Out` never fails.
    let _ = out.write_fmt(text);
    let _ = out.write_str("\r\n");
}

/// Text to the board's serial port, waiting until all is taken.
struct Out<'a, B>(&'a mut B);

impl<B: Board> Write for Out<'_, B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        transmit_all(self.0, text.as_bytes());
        Ok(())
    }
}
