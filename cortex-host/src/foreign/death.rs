//! What a dead kernel process died of, as a sentence's end.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;

use crate::platform::shared_memory::Control;

/// An address this near to a buffer's end is taken for a write past it.
const NEAR_BYTES: u64 = 1 << 20;

/// The stack's end lies at most this far above what [`Control`] has for it: both are reckoned from the
/// address of a variable near the stack's top.
const GUARD_BYTES: u64 = 64 << 10;

/// Why a kernel process is gone, or had to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// It called `exit`, or returned from its thread.
    Exited(i32),
    /// It called `abort`, or failed an assertion.
    Aborted,
    /// A signal ended it.
    Signal(i32),
    /// It used an address near NULL.
    NullPointer,
    /// It used an address outside its output; how many bytes past the end (0: before it).
    PastOutput(u64),
    /// It used an address outside its input; how many bytes past the end (0: before it).
    PastInput(u64),
    /// It wrote into its input.
    WroteInput,
    /// It used more stack than there is.
    StackOverflow,
    /// It used an address where there is no memory.
    BadAddress(u64),
    /// It did not return in time and was ended; after how many milliseconds.
    NoReturn(u64),
    /// It closed descriptors that are not its own.
    DescriptorsClosed,
}

impl Death {
    /// What `status` and the process's last words say together.
    pub(super) fn of(status: ExitStatus, control: &Control) -> Self {
        let Some(signal) = status.signal() else {
            return Death::Exited(status.code().unwrap_or_default());
        };
        let reported = control.fault_signal.load(Ordering::SeqCst);
        match signal {
            libc::SIGABRT => Death::Aborted,
            libc::SIGSEGV if reported == signal => {
                let ranges = control.ranges.each_ref().map(|range| range.load(Ordering::SeqCst));
                of_address(control.fault_address.load(Ordering::SeqCst), ranges)
            }
            other => Death::Signal(other),
        }
    }
}

fn of_address(address: u64, ranges: [u64; 5]) -> Death {
    let [input, input_end, output, output_end, stack] = ranges;
    let past = |start: u64, end: u64| {
        if start == 0 {
            None
        } else if (end..end + NEAR_BYTES).contains(&address) {
            Some(address - end + 1)
        } else {
            (start.saturating_sub(NEAR_BYTES)..start).contains(&address).then_some(0)
        }
    };
    if address < 4096 {
        Death::NullPointer
    } else if let Some(bytes) = past(output, output_end) {
        Death::PastOutput(bytes)
    } else if (input..input_end).contains(&address) {
        Death::WroteInput
    } else if let Some(bytes) = past(input, input_end) {
        Death::PastInput(bytes)
    } else if stack != 0
        && (stack.saturating_sub(NEAR_BYTES)..stack + GUARD_BYTES).contains(&address)
    {
        Death::StackOverflow
    } else {
        Death::BadAddress(address)
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outside = |f: &mut fmt::Formatter<'_>, buffer: &str, bytes: u64| match bytes {
            0 => write!(f, "it used memory before its {buffer} (SIGSEGV)"),
            bytes => write!(f, "it used byte {bytes} past the end of its {buffer} (SIGSEGV)"),
        };
        match *self {
            Death::Exited(code) => write!(f, "it ended its process with exit code {code}"),
            Death::Aborted => f.write_str("it aborted (SIGABRT)"),
            Death::Signal(signal) => write!(f, "it was ended by {}", signal_name(signal)),
            Death::NullPointer => f.write_str("it used a null pointer (SIGSEGV)"),
            Death::PastOutput(bytes) => outside(f, "output", bytes),
            Death::PastInput(bytes) => outside(f, "input", bytes),
            Death::WroteInput => f.write_str("it wrote into its input (SIGSEGV)"),
            Death::StackOverflow => f.write_str("it overflowed its stack of 64 MiB (SIGSEGV)"),
            Death::BadAddress(address) => {
                write!(f, "it used the address {address:#x}, where it has no memory (SIGSEGV)")
            }
            Death::NoReturn(after_ms) => {
                write!(f, "it did not return within {after_ms} ms and was ended")
            }
            Death::DescriptorsClosed => {
                f.write_str("it closed file descriptors that are not its own")
            }
        }
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGSEGV => "SIGSEGV (bad memory access)",
        libc::SIGBUS => "SIGBUS (bad memory access)",
        libc::SIGILL => "SIGILL (illegal instruction)",
        libc::SIGFPE => "SIGFPE (division by zero)",
        libc::SIGKILL => "SIGKILL",
        libc::SIGTERM => "SIGTERM",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_named_by_what_they_are_near_to() {
        let m = 1 << 30;
        let ranges = [m, m + 640, 2 * m, 2 * m + 320, 3 * m];
        let of = |address| of_address(address, ranges);
        assert_eq!(of(8), Death::NullPointer);
        assert_eq!(of(2 * m + 320), Death::PastOutput(1));
        assert_eq!(of(2 * m - 1), Death::PastOutput(0));
        assert_eq!(of(m + 639), Death::WroteInput);
        assert_eq!(of(m + 641), Death::PastInput(2));
        assert_eq!(of(3 * m - 4096), Death::StackOverflow);
        assert_eq!(of(3 * m + (1 << 20)), Death::BadAddress(3 * m + (1 << 20)));
        assert_eq!(of(7 * m), Death::BadAddress(7 * m));
        assert_eq!(of_address(5000, [0; 5]), Death::BadAddress(5000));
    }
}
