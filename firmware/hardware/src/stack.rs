//! The stack: painted at the start, watched while the program runs.
//!
//! `memory.x` puts the stack below the variables, at the bottom of the RAM: what outgrows it
//! meets no variable but an address without memory, and faults. [`check`] sees the same a little
//! earlier, while there is still room to say so. What of the paint is gone says how deep the
//! stack ever was: tests/tests/emulated/firmware_budget.rs reads it out of the emulated boards.

use core::hint::black_box;

use cortex_app::Crash;

use crate::retained::crashed;

/// What unused stack holds.
const PAINT: u32 = 0x5AFE_57AC;
/// The lowest words of the stack: once one of them is used, the program ends.
const GUARD_WORDS: usize = 32;
/// Kept between what runs and what is painted: the frame of [`paint`] itself.
const MARGIN_BYTES: usize = 256;

#[allow(unsafe_code)]
// SAFETY: memory.x defines both; they are addresses, and only their addresses are taken.
unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
}

/// The lowest word of the stack.
fn lowest() -> *const u32 {
    &raw const _stack_end
}

/// The address behind the highest word.
fn highest() -> *const u32 {
    &raw const _stack_start
}

/// Paints what of the stack nobody uses yet.
#[allow(unsafe_code)]
#[inline(never)]
pub(crate) fn paint() {
    let here = 0_u32;
    let top = black_box(&raw const here).addr() - MARGIN_BYTES;
    let mut word = lowest().cast_mut();
    while word.addr() < top {
        // SAFETY: between the stack's lowest address and below every frame in use nothing lives.
        unsafe { word.write_volatile(PAINT) };
        word = word.wrapping_add(1);
    }
}

/// Ends the program with "stack overflow" once the stack is used to its last 128 bytes.
#[allow(unsafe_code)]
pub fn check() {
    for index in 0..GUARD_WORDS {
        // SAFETY: the stack is longer than its guard; a word of it may be read at any time.
        if unsafe { lowest().wrapping_add(index).read_volatile() } != PAINT {
            end_on_empty_stack();
        }
    }
}

/// The crash of a program that used up its stack.
pub(crate) fn overflow() -> Crash {
    Crash::new("stack overflow", (highest().addr() - lowest().addr()) as u32)
}

/// Whether `count` bytes from `address` on lie within the stack.
pub(crate) fn holds(address: usize, count: usize) -> bool {
    (lowest().addr()..=highest().addr() - count).contains(&address)
}

extern "C" fn end() -> ! {
    crashed(overflow())
}

/// [`end`], from the top of the stack: nothing is left at its bottom.
#[allow(unsafe_code)]
#[unsafe(naked)]
extern "C" fn end_on_empty_stack() -> ! {
    // SAFETY: whatever the stack held is given up; `end` never returns to it.
    #[cfg(target_arch = "arm")]
    core::arch::naked_asm!("ldr r0, =_stack_start", "mov sp, r0", "bl {end}", end = sym end);
    #[cfg(target_arch = "riscv32")]
    core::arch::naked_asm!("la sp, _stack_start", "j {end}", end = sym end);
    #[cfg(not(target_os = "none"))]
    core::arch::naked_asm!("/* no board: {end} */", end = sym end);
}
