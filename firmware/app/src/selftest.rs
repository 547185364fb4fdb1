//! The self-test: a board without a host proves that it computes the same bits.
//!
//! After any received byte it prints one line per result, then `end`, and waits for the next
//! byte. Numbers come as `key=value`, so that people and tests read the same text:
//!
//! ```text
//! board name=mps2-an386 clock=cmsdk-timer hz=25000000 bits=32
//! digest signal=v1/sine_wave channels=8 blocks=64 crc32=89abcdef
//! cost signal=v1/sine_wave samples=64 ticks_min=1000 ticks_max=1000
//! end
//! ```

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use crate::Board;

/// Runs the self-test on `board` for ever.
pub fn run<B: Board>(board: &mut B) -> ! {
    loop {
        let mut byte = [0];
        while board.receive(&mut byte) == 0 {
            board.rest();
        }
        report(board);
    }
}

/// Prints the panic's message for ever, so that a terminal opened later still shows it.
pub fn panicked<B: Board>(board: &mut B, info: &PanicInfo<'_>) -> ! {
    loop {
        line(board, format_args!("panic {info}"));
        for _ in 0..1_000_000 {
            board.rest();
        }
    }
}

fn report<B: Board>(board: &mut B) {
    let clock = board.clock();
    line(
        board,
        format_args!(
            "board name={} clock={} hz={} bits={}",
            B::NAME,
            clock.name,
            clock.hz,
            clock.bits
        ),
    );
    line(board, format_args!("end"));
}

fn line<B: Board>(board: &mut B, text: fmt::Arguments<'_>) {
    let mut out = Out(board);
    // `Out` never fails.
    let _ = out.write_fmt(text);
    let _ = out.write_str("\r\n");
}

/// Text to the board's serial port, waiting until all is taken.
struct Out<'a, B>(&'a mut B);

impl<B: Board> Write for Out<'_, B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let taken = self.0.transmit(rest);
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }
}
