//! What survives a reset: the boot count and the last crash, in RAM that nobody clears.
//!
//! After power comes, that RAM holds anything: a check word tells. What ends the program writes
//! why into it and resets the board, so that the next start can say so ([`start`]).

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use cortex_app::{Boot, Crash};

/// Added to the boot count to make the check word; changes with the layout of [`Retained`].
const CHECK: u32 = 0xC07E_0001;

#[derive(Clone, Copy)]
struct Retained {
    count: u32,
    check: u32,
    crashed: u32,
    crash: Crash,
}

struct Memory(UnsafeCell<MaybeUninit<Retained>>);

// SAFETY: touched only in `start`, before anything else runs, and in `crashed`, which never returns.
#[allow(unsafe_code)]
unsafe impl Sync for Memory {}

#[allow(unsafe_code)]
// SAFETY: the runtime's linker script keeps `.uninit` in RAM and leaves it alone.
#[unsafe(link_section = ".uninit.cortex_boot")]
static RETAINED: Memory = Memory(UnsafeCell::new(MaybeUninit::uninit()));

/// Counts this start and takes what the last one left. Once, first thing in `main`.
#[allow(unsafe_code)]
#[inline(never)]
pub(crate) fn start() -> Boot {
    let retained = RETAINED.0.get().cast::<Retained>();
    // SAFETY: the pointer is that of a static. `Retained` is made of integers, for which every
    // bit pattern is a value, and a volatile read makes what the RAM holds such a value.
    let before = unsafe { retained.read_volatile() };
    let warm = before.check == before.count.wrapping_add(CHECK);
    let count = if warm { before.count.wrapping_add(1) } else { 1 };
    let crash = (warm && before.crashed == CHECK).then_some(before.crash);
    let now = Retained { count, check: count.wrapping_add(CHECK), crashed: 0, ..before };
    // SAFETY: as above.
    unsafe { retained.write_volatile(now) };
    Boot { count, crash }
}

/// Keeps `crash` over a reset, and resets.
#[allow(unsafe_code)]
pub(crate) fn crashed(crash: Crash) -> ! {
    let retained = RETAINED.0.get().cast::<Retained>();
    // SAFETY: as in `start`; nothing runs after this.
    unsafe {
        retained.write_volatile(Retained { crashed: CHECK, crash, ..retained.read_volatile() })
    };
    reset()
}

#[cfg(target_arch = "arm")]
fn reset() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

/// Starts over at the runtime's first instruction, which sets up all it needs.
#[cfg(target_arch = "riscv32")]
#[allow(unsafe_code)]
fn reset() -> ! {
    // SAFETY: `_start` is the entry that the processor also jumps to; it never returns.
    unsafe { core::arch::asm!("j _start", options(noreturn)) }
}

#[cfg(not(target_os = "none"))]
fn reset() -> ! {
    unreachable!("there is no board to reset")
}
