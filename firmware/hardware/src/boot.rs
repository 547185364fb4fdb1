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

    use super::{Crash, crashed};
    use crate::stack;

    pub(super) fn reset() -> ! {
        cortex_m::peripheral::SCB::sys_reset()
    }

    /// Every fault ends here, on an empty stack: a full one may be what the fault is about.
    #[allow(unsafe_code)]
    // SAFETY: the vector table asks for this name; the program never goes on, so that nothing
    // on the stack is missed.
    #[unsafe(no_mangle)]
    #[unsafe(naked)]
    unsafe extern "C" fn HardFault() -> ! {
        core::arch::naked_asm!(
            "mov r0, sp",
            "ldr r1, =_stack_start",
            "mov sp, r1",
            "bl {fault}",
            fault = sym fault,
        )
    }

    /// `frame` is where the processor has put eight registers, the seventh of them the program
    /// counter, unless there was no room.
    #[allow(unsafe_code)]
    extern "C" fn fault(frame: *const [u32; 8]) -> ! {
        if !stack::holds(frame.addr(), size_of_val(&[0_u32; 8])) {
            crashed(stack::overflow());
        }
        // SAFETY: the eight words lie within the stack, which is RAM.
        let [.., pc, _] = unsafe { frame.read_volatile() };
        crashed(Crash::new("hard fault", pc))
    }
}

#[cfg(target_arch = "riscv32")]
mod riscv32 {
    //! Reset and exceptions of RISC-V.

    use super::{Crash, crashed};
    use crate::stack;

    /// Starts over at the runtime's first instruction, which sets up all it needs.
    #[allow(unsafe_code)]
    pub(super) fn reset() -> ! {
        // SAFETY: `_start` is the entry that the processor also jumps to; it never returns.
        unsafe { core::arch::asm!("j _start", options(noreturn)) }
    }

    /// Every exception ends here, on an empty stack: a full one may be what it is about. There
    /// are no interrupts.
    #[allow(unsafe_code)]
    // SAFETY: the runtime puts this name into `mtvec`, which wants it aligned; the program never
    // goes on, so that nothing on the stack is missed.
    #[unsafe(no_mangle)]
    #[unsafe(link_section = ".trap.start")]
    #[unsafe(naked)]
    unsafe extern "C" fn _start_trap() -> ! {
        core::arch::naked_asm!(
            ".balign 4",
            "mv a0, sp",
            "la sp, _stack_start",
            "j {exception}",
            exception = sym exception,
        )
    }

    extern "C" fn exception(sp: usize) -> ! {
        crashed(if stack::holds(sp, 0) {
            Crash::new("exception", riscv::register::mepc::read() as u32)
        } else {
            stack::overflow()
        })
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
