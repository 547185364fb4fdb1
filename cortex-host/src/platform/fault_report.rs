//! The last words of a process whose kernel breaks it: which signal, about which address.

use std::sync::atomic::{AtomicPtr, Ordering};

use super::shared_memory::{Control, SharedMemory};

/// Where the handler writes.
static REPORT: AtomicPtr<Control> = AtomicPtr::new(std::ptr::null_mut());

/// Bytes of the stack that the handler runs on.
const HANDLER_STACK_BYTES: usize = 64 << 10;

/// Signals that a program's own instructions raise.
const FAULTS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// From now on a fault of the process writes its signal and address into `memory` before it ends
/// the process as it would have anyway. The calling thread gets a stack of its own for that, so that
/// an overflow of its stack is reported too.
pub fn report_faults(memory: &'static SharedMemory) {
    REPORT.store(std::ptr::from_ref(memory.control()).cast_mut(), Ordering::SeqCst);
    let stack = Box::leak(vec![0_u8; HANDLER_STACK_BYTES].into_boxed_slice());
    let alternate = libc::stack_t {
        ss_sp: stack.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: HANDLER_STACK_BYTES,
    };
    // SAFETY: the stack is leaked, so it lives as long as the process, and nobody else uses it. The
    // structures are plain C of which all zero is a value, and the calls only read them.
    unsafe {
        libc::sigaltstack(&raw const alternate, std::ptr::null_mut());
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in FAULTS {
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Writes two words and lets the signal do what it does without a handler.
extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let report = REPORT.load(Ordering::SeqCst);
    if !report.is_null() && !info.is_null() {
        // SAFETY: the pointer is to a page that is never unmapped; only atomics are touched. The
        // system gives a valid `siginfo_t` to a handler set with SA_SIGINFO.
        unsafe {
            (*report).fault_address.store((*info).si_addr().addr() as u64, Ordering::SeqCst);
            (*report).fault_signal.store(signal, Ordering::SeqCst);
        }
    }
    // SAFETY: both calls are allowed in a handler. The signal is blocked until the handler returns, and
    // then ends the process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
