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
    BLOCK_SAMPLES, Chirp, Effects, Generator, GeneratorVersion, LaneBlock, Lanes, LineNoise,
    PinkNoise, PowerLawNoise, Scratch, Signal, SignalMemory, SineWave, SourceSpec, Sweep,
    WhiteNoise,
};

use crate::{Board, Boot, transmit_all};

/// Channels in every digest.
pub const CHANNELS: usize = 8;
/// Blocks of [`BLOCK_SAMPLES`] in every digest.
pub const BLOCKS: usize = 64;

/// The signals of v1 and v2 in the self-test at 160 Hz and seed 42, with the names its lines carry.
#[must_use]
pub fn sources() -> [(&'static str, SourceSpec); 6] {
    let v1 = |signal| SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    let v2 = |signal| SourceSpec::new(GeneratorVersion::V2, signal, 160.0, 42);
    let sine = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 });
    let (amplitude_uv_rms, low_corner_hz) = (100.0, 0.05);
    let white = Signal::WhiteNoise(WhiteNoise { amplitude_uv_rms });
    let effects = Effects {
        dc_offset_uv: 20.0,
        nan_rate: 0.01,
        saturation_level_uv: Some(150.0),
        line_noise: Some(LineNoise { frequency_hz: 50.0, amplitude_uv: 10.0 }),
    };
    [
        ("v1/sine_wave", v1(sine)),
        ("v1/pink_noise", v1(Signal::PinkNoise(PinkNoise { amplitude_uv_rms, low_corner_hz }))),
        (
            "v2/pink_noise",
            v2(Signal::PowerLawNoise(PowerLawNoise {
                amplitude_uv_rms,
                low_corner_hz,
                exponent: 1.0,
            })),
        ),
        ("v2/white_noise", v2(white)),
        (
            "v2/chirp",
            v2(Signal::Chirp(Chirp {
                start_hz: 1.0,
                end_hz: 40.0,
                sweep_s: 10.0,
                sweep: Sweep::Logarithmic,
                amplitude_uv_peak: 100.0,
            })),
        ),
        ("v2/white_noise+effects", SourceSpec { effects, ..v2(white) }),
    ]
}

/// Those of v3, each at a rate of its own: spikes as they are by default, the same through a front
/// end, and an EEG with everything that may be in it.
#[cfg(feature = "v3")]
#[must_use]
pub fn sources_with_truth() -> [(&'static str, SourceSpec); 3] {
    use cortex_core::signal::eeg::ParadigmName;
    use cortex_core::signal::front_end::{ConverterName, FrontEndParams};
    use cortex_core::signal::{EegParams, SpikeParams};

    let v3 = |signal, rate_hz| SourceSpec::new(GeneratorVersion::V3, signal, rate_hz, 42);
    let front_end = FrontEndParams {
        converter: ConverterName::IntanRhd,
        packet_samples: 10,
        loss_rate: 0.1,
        burst_packets: 4.0,
        ..FrontEndParams::default()
    };
    let busy = SpikeParams {
        firing_rate_hz: 40.0,
        burst_probability: 0.3,
        columns: 3,
        drift_um: 10.0,
        bad_channel_rate: 0.3,
        front_end: Some(front_end),
        ..SpikeParams::default()
    };
    let eeg = EegParams {
        paradigm: ParadigmName::P300,
        target_probability: 0.5,
        blinks_per_min: 30.0,
        emg_per_min: 20.0,
        ecg_per_min: 70.0,
        pops_per_min: 20.0,
        wander_uv: 20.0,
        mains_uv: 5.0,
        ..EegParams::default()
    };
    [
        ("v3/spikes", v3(SpikeParams::default().into(), 30_000.0)),
        ("v3/spikes+front_end", v3(busy.into(), 30_000.0)),
        ("v3/eeg+artefacts", v3(eeg.into(), 250.0)),
    ]
}

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
