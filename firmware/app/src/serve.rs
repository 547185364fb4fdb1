//! The firmware proper: the board loop around the link's device session.

use cortex_core::kernel::{AnyForm, AnyKernel, Kernel, Q15Kernel};
use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::{Action, DeviceIdentity, DeviceSession, KernelEngine};
use cortex_core::random::SquareRoots;
use cortex_core::signal::{Lanes, SignalMemory};

use crate::{Board, Boot, transmit_all};

/// Longest run of bytes taken from the receiver at once.
const CHUNK_BYTES: usize = 64;

/// The firmware's working memory, sized by the board file.
///
/// `FRAME` is the longest frame in bytes and `TRANSMIT` at least
/// [`transmit_buffer_bytes`]`(FRAME)`; `VALUES` `f32` values hold a kernel's state, input and
/// output; `CHANNELS` is the most that seeded mode can generate, of v3's signals at most
/// [`cortex_core::signal::MEMORY_CHANNELS`].
pub struct Memory<
    const FRAME: usize,
    const TRANSMIT: usize,
    const VALUES: usize,
    const CHANNELS: usize,
> {
    frame: [u8; FRAME],
    transmit: [u8; TRANSMIT],
    values: [f32; VALUES],
    lanes: [Option<Lanes<1>>; CHANNELS],
    signals: SignalMemory,
}

/// An engine on static memory.
pub type StaticEngine<K> = KernelEngine<K, &'static mut [f32], &'static mut [Option<Lanes<1>>]>;

/// Makes the engine of an image from the memory for values and for seeded channels. It must not be
/// inlined: what it takes of the stack, the rest of the program has to itself.
pub type MakeEngine<K> = fn(&'static mut [f32], &'static mut [Option<Lanes<1>>]) -> StaticEngine<K>;

impl<const FRAME: usize, const TRANSMIT: usize, const VALUES: usize, const CHANNELS: usize>
    Memory<FRAME, TRANSMIT, VALUES, CHANNELS>
{
    /// Empty memory. A `TRANSMIT` too small for `FRAME` does not compile.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(TRANSMIT >= transmit_buffer_bytes(FRAME), "TRANSMIT is too small") };
        Self {
            frame: [0; FRAME],
            transmit: [0; TRANSMIT],
            values: [0.0; VALUES],
            lanes: [const { None }; CHANNELS],
            signals: SignalMemory::new(),
        }
    }
}

impl<const FRAME: usize, const TRANSMIT: usize, const VALUES: usize, const CHANNELS: usize> Default
    for Memory<FRAME, TRANSMIT, VALUES, CHANNELS>
{
    fn default() -> Self {
        Self::new()
    }
}

/// Serves hosts on `board` forever. `ring_bytes` is how many received bytes the board keeps
/// while nobody reads them; `watch` is called after every turn of the loop and looks after the
/// stack; `make_engine` is [`standard_engine`], or that of an image with kernels of the user's own;
/// `roots` are the processor's square roots.
///
/// # Panics
/// When the buffers are shorter than the session needs: [`DeviceSession::new`] says what it needs.
pub fn run<
    B: Board,
    K: Kernel,
    const FRAME: usize,
    const TRANSMIT: usize,
    const VALUES: usize,
    const CHANNELS: usize,
>(
    board: &mut B,
    boot: &Boot,
    ring_bytes: usize,
    memory: &'static mut Memory<FRAME, TRANSMIT, VALUES, CHANNELS>,
    watch: fn(),
    make_engine: MakeEngine<K>,
    roots: SquareRoots,
) -> ! {
    let Memory { frame, transmit, values, lanes, signals } = memory;
    let mut engine = make_engine(values, lanes);
    engine.set_square_roots(roots);
    engine.set_signal_memory(signals);
    let session = session(board, boot, ring_bytes, &mut engine, frame, transmit);
    serve(board, boot, session, watch)
}

/// The engine of the kernels of cortex-core, in all their forms. Neither this nor [`session`] nor [`serve`] is inlined:
/// what each takes of the stack, the others have to themselves.
#[inline(never)]
pub fn standard_engine(
    values: &'static mut [f32],
    lanes: &'static mut [Option<Lanes<1>>],
) -> StaticEngine<AnyForm> {
    KernelEngine::standard(values, lanes)
}

/// [`standard_engine`] of the kernels in single precision alone.
#[inline(never)]
pub fn single_precision_engine(
    values: &'static mut [f32],
    lanes: &'static mut [Option<Lanes<1>>],
) -> StaticEngine<AnyKernel> {
    KernelEngine::single_precision(values, lanes)
}

/// [`standard_engine`] of the kernels in q15 alone.
#[inline(never)]
pub fn q15_engine(
    values: &'static mut [f32],
    lanes: &'static mut [Option<Lanes<1>>],
) -> StaticEngine<Q15Kernel> {
    KernelEngine::q15(values, lanes)
}

/// A device session on borrowed memory.
type Session<'a, K> = DeviceSession<&'a mut StaticEngine<K>, &'a mut [u8]>;

/// Builds the session, not inlined either.
#[inline(never)]
fn session<'a, B: Board, K: Kernel>(
    board: &B,
    boot: &Boot,
    ring_bytes: usize,
    engine: &'a mut StaticEngine<K>,
    frame: &'a mut [u8],
    transmit: &'a mut [u8],
) -> Session<'a, K> {
    let clock = board.clock();
    let identity = DeviceIdentity {
        board: board.name(),
        firmware_version: env!("CARGO_PKG_VERSION"),
        firmware_commit: env!("CORTEX_COMMIT"),
        timer: clock.timer,
        tick_hz: u64::from(clock.hz),
        timer_bits: clock.bits,
        boot_count: boot.count,
        rx_ring_bytes: ring_bytes,
    };
    let Ok(session) = DeviceSession::new(&identity, engine, frame, transmit) else { panic!() };
    session
}

/// The loop.
#[inline(never)]
fn serve<B: Board, K: Kernel>(
    board: &mut B,
    boot: &Boot,
    mut session: Session<'_, K>,
    watch: fn(),
) -> ! {
    if let Some(crash) = &boot.crash {
        session.after_crash(crash.text(), crash.place);
    } else if board.watchdog_barked() {
        session.after_crash(b"watchdog: the program hung", 0);
    }
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        board.feed_watchdog();
        session.set_receive_losses(board.receive_losses());
        let count = board.receive(&mut chunk);
        let now = board.now();
        session.on_bytes(chunk.get(..count).unwrap_or_default(), now);
        match session.poll(now) {
            Action::Idle if count == 0 => board.rest(),
            Action::Idle => {}
            Action::Transmit(bytes) => transmit_all(board, bytes),
            Action::Run => {
                board.feed_watchdog();
                board.mask_receive(true);
                session.run(&mut || board.now());
                board.mask_receive(false);
            }
        }
        watch();
    }
}
