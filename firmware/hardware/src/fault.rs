//! What ends a program: panics, and faults of the processor. Each is kept over the reset that
//! follows.

#[cfg(target_os = "none")]
use core::panic::PanicInfo;

#[cfg(target_os = "none")]
use cortex_app::Crash;

#[cfg(target_os = "none")]
use crate::retained::crashed;

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
    //! Faults of Cortex-M.

    use cortex_app::Crash;

    use crate::retained::crashed;
    use crate::stack;

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
    //! Exceptions of RISC-V.

    use cortex_app::Crash;

    use crate::retained::crashed;
    use crate::stack;

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
