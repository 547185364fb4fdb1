//! Sleeping until a byte arrives, without an interrupt handler.
//!
//! With interrupts masked for good, an enabled and pending one still ends `wfi`: the processor
//! sleeps, nothing preempts the program, and what woke it is read by polling. Source: ARMv7-M
//! Architecture Reference Manual (DDI 0403), B1.5.19; ARMv6-M (DDI 0419), B1.5.18.

use crate::Register;

/// One interrupt of a Cortex-M that ends sleep.
#[derive(Debug)]
pub struct WaitForInterrupt {
    clear_pending: Register,
    mask: u32,
}

impl WaitForInterrupt {
    /// Masks all interrupts and lets number `irq` (below 240) end sleep.
    #[allow(unsafe_code)]
    #[must_use]
    pub fn on(irq: u8) -> Self {
        cortex_m::interrupt::disable();
        let (word, mask) = (usize::from(irq / 32) * 4, 1 << (irq % 32));
        // SAFETY: ISER and ICPR of the NVIC exist on every Cortex-M; writing ones touches only
        // this interrupt, whose handler cannot run.
        let (enable, clear_pending) =
            unsafe { (Register::at(0xE000_E100 + word), Register::at(0xE000_E280 + word)) };
        enable.write(mask);
        Self { clear_pending, mask }
    }

    /// Sleeps until the interrupt is raised, unless `ready` says that there is work already.
    pub fn until(&self, ready: impl FnOnce() -> bool) {
        // First forget, then look: what comes between the two makes the interrupt pending again.
        self.clear_pending.write(self.mask);
        if !ready() {
            cortex_m::asm::wfi();
        }
    }
}
