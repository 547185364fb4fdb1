//! UART and timer of Arm's Cortex-M System Design Kit, as on the MPS2 boards.
//!
//! Source: Arm Cortex-M System Design Kit Technical Reference Manual (DDI 0479), sections 4.2
//! (timer) and 4.3 (UART).

use crate::Register;

/// The CMSDK UART: one byte of buffer each way.
#[derive(Debug)]
pub struct Uart {
    data: Register,
    state: Register,
    interrupts: Register,
}

/// STATE bit 0: the transmit buffer is full.
const TRANSMIT_FULL: u32 = 1;
/// STATE bit 1: a received byte waits.
const RECEIVE_FULL: u32 = 2;

impl Uart {
    /// The UART at `base`, switched on for both directions, `clock_hz / baud` cycles a bit
    /// (at least 16).
    ///
    /// # Safety
    /// A CMSDK UART must stand at `base`, and this must be its only driver.
    #[allow(unsafe_code)]
    #[must_use]
    pub unsafe fn new(base: usize, clock_hz: u32, baud: u32) -> Self {
        // SAFETY: promised by the caller; offsets from DDI 0479, table 4-4.
        let (data, state, control, interrupts, divider) = unsafe {
            (
                Register::at(base),
                Register::at(base + 0x04),
                Register::at(base + 0x08),
                Register::at(base + 0x0C),
                Register::at(base + 0x10),
            )
        };
        divider.write((clock_hz / baud).max(16));
        // Transmitter, receiver, receive interrupt.
        control.write(0b1011);
        Self { data, state, interrupts }
    }

    /// The next received byte, if there is one.
    pub fn receive(&mut self) -> Option<u8> {
        (self.state.read() & RECEIVE_FULL != 0).then(|| self.data.read() as u8)
    }

    /// Takes the receive interrupt back and says whether a byte waits all the same.
    pub fn rearm(&mut self) -> bool {
        self.interrupts.write(RECEIVE_FULL);
        self.state.read() & RECEIVE_FULL != 0
    }

    /// Sends `byte` if the transmitter is free; says whether it was taken.
    pub fn transmit(&mut self, byte: u8) -> bool {
        let free = self.state.read() & TRANSMIT_FULL == 0;
        if free {
            self.data.write(u32::from(byte));
        }
        free
    }
}

/// A CMSDK timer, free-running over 32 bits.
#[derive(Debug)]
pub struct Timer {
    value: Register,
}

impl Timer {
    /// The timer at `base`, started.
    ///
    /// # Safety
    /// A CMSDK timer must stand at `base`, and this must be its only driver.
    #[allow(unsafe_code)]
    #[must_use]
    pub unsafe fn new(base: usize) -> Self {
        // SAFETY: promised by the caller; offsets from DDI 0479, table 4-1.
        let (control, value, reload) =
            unsafe { (Register::at(base), Register::at(base + 0x04), Register::at(base + 0x08)) };
        reload.write(u32::MAX);
        value.write(u32::MAX);
        control.write(1);
        Self { value }
    }

    /// Ticks since the start, modulo 2^32 (the hardware counts down).
    #[inline]
    #[must_use]
    pub fn ticks(&self) -> u32 {
        !self.value.read()
    }
}
