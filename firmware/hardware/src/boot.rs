//! What survives a reset: the boot count and the last crash, in RAM that nobody clears.
//!
//! After power comes, that RAM holds anything: a check word tells. A panic or a fault writes
//! why into it and resets the board, so that the next start can say so ([`start`]).

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use cortex_app::{Boot, Crash};

/// Added to the boot count to make the check word; changes with the layout of [`Kept`].
const CHECK: u32 = 0xC07E_0001;

#[derive(Clone, Copy)]
struct Kept {
    count: u32,
    check: u32,
    crashed: u32,
    crash: Crash,
}

struct Memory(UnsafeCell<MaybeUninit<Kept>>);

// SAFETY: touched only in `start`, before anything else runs, and in `crashed`, which never returns.
#[allow(unsafe_code)]
unsafe impl Sync for Memory {}

#[allow(unsafe_code)]
// SAFETY: the runtime's linker script keeps `.uninit` in RAM and leaves it alone.
#[unsafe(link_section = ".uninit.cortex_boot")]
static KEPT: Memory = Memory(UnsafeCell::new(MaybeUninit::uninit()));

/// Counts this start, takes what the last one left and paints the stack. Once, first thing in
/// `main`.
#[allow(unsafe_code)]
#[inline(never)]
pub(crate) fn start() -> Boot {
    crate::stack::paint();
    let kept = KEPT.0.get().cast::<Kept>();
    // SAFETY: the pointer is that of a static. `Kept` is made of integers, for which every
    // bit pattern is a value, and a volatile read makes what the RAM holds such a value.
    let before = unsafe { kept.read_volatile() };
    let warm = before.check == before.count.wrapping_add(CHECK);
    let count = if warm { before.count.wrapping_add(1) } else { 1 };
    let crash = (warm && before.crashed == CHECK).then_some(before.crash);
    let now = Kept { count, check: count.wrapping_add(CHECK), crashed: 0, ..before };
    // SAFETY: as above.
    unsafe { kept.write_volatile(now) };
    Boot { count, crash }
}

/// Keeps `crash` over a reset, and resets.
#[allow(unsafe_code)]
pub(crate) fn crashed(crash: Crash) -> ! {
    let kept = KEPT.0.get().cast::<Kept>();
    // SAFETY: as in `start`; nothing runs after this.
    unsafe { kept.write_volatile(Kept { crashed: CHECK, crash, ..kept.read_volatile() }) };
    reset()
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crashed(info.location().map_or_else(
        || Crash::new("panic", 0),
        |location| Crash::new(location.file(), location.line()),
    ))
}

#[cfg(target_arch = "arm")]
mod arm {
    //! Reset and faults of Cortex-M.

    use cortex_m_rt::{ExceptionFrame, exception};

    use super::{Crash, crashed};

    pub(super) fn reset() -> ! {
        cortex_m::peripheral::SCB::sys_reset()
    }

    #[allow(unsafe_code)]
    // SAFETY: only what `crashed` does happens here; the program never goes on.
    #[exception]
    unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
        crashed(Crash::new("hard fault", frame.pc()))
    }
}

#[cfg(target_arch = "riscv32")]
mod riscv32 {
    //! Reset and exceptions of RISC-V.

    use super::{Crash, crashed};

    /// Starts over at the runtime's first instruction, which sets up all it needs.
    #[allow(unsafe_code)]
    pub(super) fn reset() -> ! {
        // SAFETY: `_start` is the entry that the processor also jumps to; it never returns.
        unsafe { core::arch::asm!("j _start", options(noreturn)) }
    }

    #[allow(unsafe_code)]
    // SAFETY: the runtime calls this name for every exception; the program never goes on.
    #[unsafe(no_mangle)]
    extern "C" fn ExceptionHandler(_frame: &riscv_rt::TrapFrame) -> ! {
        crashed(Crash::new("exception", riscv::register::mepc::read() as u32))
    }
}

#[cfg(target_arch = "arm")]
use arm::reset;
#[cfg(target_arch = "riscv32")]
use riscv32::reset;

#[cfg(not(target_os = "none"))]
fn reset() -> ! {
    unreachable!("there is no board to reset")
}
