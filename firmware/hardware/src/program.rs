//! The two programs of every board, from its first instruction on.

#[cfg(target_abi = "eabihf")]
use cortex_app::serve::single_precision_engine as engine;
#[cfg(not(target_abi = "eabihf"))]
use cortex_app::serve::standard_engine as engine;
use cortex_app::serve::{MakeEngine, Memory};
use cortex_app::{Board, selftest, serve};
use cortex_core::kernel::Kernel;

use crate::square_roots::SQUARE_ROOTS;
use crate::{ConstStaticCell, retained, stack};

/// The firmware proper: `start` gives the board, `ring_bytes` is how many received bytes it keeps
/// while nobody reads them. Without a floating-point unit it has the kernels in fixed point beside
/// those in single precision.
///
/// # Panics
/// When it is called twice, or when `memory` is shorter than the session needs.
pub fn firmware<
    B: Board,
    const FRAME: usize,
    const TRANSMIT: usize,
    const VALUES: usize,
    const CHANNELS: usize,
>(
    start: impl FnOnce() -> B,
    ring_bytes: usize,
    memory: &'static ConstStaticCell<Memory<FRAME, TRANSMIT, VALUES, CHANNELS>>,
) -> ! {
    firmware_with(start, ring_bytes, memory, engine)
}

/// The same with the kernels of another engine, such as `cortex_c::engine` makes of a library of
/// the user's own.
///
/// # Panics
/// As [`firmware`].
pub fn firmware_with<
    B: Board,
    K: Kernel,
    const FRAME: usize,
    const TRANSMIT: usize,
    const VALUES: usize,
    const CHANNELS: usize,
>(
    start: impl FnOnce() -> B,
    ring_bytes: usize,
    memory: &'static ConstStaticCell<Memory<FRAME, TRANSMIT, VALUES, CHANNELS>>,
    make_engine: MakeEngine<K>,
) -> ! {
    stack::paint();
    let boot = retained::start();
    serve::run(
        &mut start(),
        &boot,
        ring_bytes,
        memory.take(),
        stack::check,
        make_engine,
        SQUARE_ROOTS,
    )
}

/// The self-test ([`cortex_app::selftest`]).
///
/// # Panics
/// When it is called twice.
pub fn selftest<B: Board>(start: impl FnOnce() -> B) -> ! {
    static MEMORY: ConstStaticCell<selftest::Memory> =
        ConstStaticCell::new(selftest::Memory::new());
    stack::paint();
    let boot = retained::start();
    selftest::run(&mut start(), &boot, MEMORY.take(), stack::check, SQUARE_ROOTS)
}
