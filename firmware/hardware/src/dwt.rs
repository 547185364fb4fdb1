//! The cycle counter of Cortex-M3 and above.
//!
//! Source: ARMv7-M Architecture Reference Manual (DDI 0403), C1.8. QEMU says that the counter
//! exists and never advances it, so it is asked to move before it is believed.

use cortex_m::peripheral::{DCB, DWT};

/// How many turns of an empty loop the counter gets to move.
const PROBE_TURNS: u32 = 64;

/// The running 32-bit cycle counter.
#[derive(Debug)]
pub struct CycleCounter(());

impl CycleCounter {
    /// Switches the counter on; `None` when it is not there or does not move.
    #[must_use]
    pub fn probe(mut dcb: DCB, mut dwt: DWT) -> Option<Self> {
        if !DWT::has_cycle_counter() {
            return None;
        }
        dcb.enable_trace();
        dwt.enable_cycle_counter();
        let before = DWT::cycle_count();
        for _ in 0..PROBE_TURNS {
            core::hint::spin_loop();
        }
        (DWT::cycle_count() != before).then_some(Self(()))
    }

    /// Cycles, modulo 2^32.
    #[inline]
    #[must_use]
    pub fn ticks(&self) -> u32 {
        DWT::cycle_count()
    }
}
