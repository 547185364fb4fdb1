//! `cortex_device.h`: the device session for firmware in C.

use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;
use core::{ptr, slice};

use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::message::{ReceiveLosses, TimerId};
use cortex_core::link::{Action, DeviceIdentity, DeviceSession};
use cortex_core::signal::Lanes;

use crate::arena::Arena;
use crate::{LinkedEngine, engine};

/// `cortex_device_config`.
#[repr(C)]
pub struct Config {
    struct_size: u32,
    timer: u32,
    timer_bits: u32,
    boot_count: u32,
    tick_hz: u64,
    board: *const c_char,
    firmware_version: *const c_char,
    ring_bytes: u32,
    frame_bytes: u32,
    channels: u32,
    memory_bytes: u32,
    memory: *mut c_void,
}

/// The session of a device; it lies in the caller's memory, with all that it borrows.
pub struct Device(DeviceSession<&'static mut LinkedEngine, &'static mut [u8]>);

const TIMERS: [TimerId; 5] = [
    TimerId::DwtCycleCounter,
    TimerId::SysTick,
    TimerId::PeripheralTimer,
    TimerId::RiscvCycle,
    TimerId::RiscvTime,
];

/// A device that waits for a host; null when something does not fit.
///
/// # Safety
/// `config` is null or as `cortex_device.h` says, and its memory is this device's for ever.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_device_start(config: *const Config) -> *mut Device {
    // SAFETY: promised by the caller.
    match unsafe { config.as_ref().and_then(|config| start(config)) } {
        Some(device) => device,
        None => ptr::null_mut(),
    }
}

/// # Safety
/// As [`cortex_device_start`].
#[allow(unsafe_code)]
unsafe fn start(config: &Config) -> Option<&'static mut Device> {
    if (config.struct_size as usize) < size_of::<Config>() {
        return None;
    }
    // SAFETY: promised by the caller.
    let mut memory = unsafe { Arena::new(config.memory, config.memory_bytes) }?;
    let device = memory.take::<MaybeUninit<Device>>()?;
    let engine_place = memory.take::<MaybeUninit<LinkedEngine>>()?;
    let frame_bytes = config.frame_bytes as usize;
    let frame = memory.take_filled(frame_bytes, || 0)?;
    let transmit = memory.take_filled(transmit_buffer_bytes(frame_bytes), || 0)?;
    let lanes = memory.take_filled(config.channels as usize, || None::<Lanes<1>>)?;
    let values = memory.take_rest(|| 0.0)?;
    // SAFETY: the header asks for texts that end with a zero byte.
    let [board, firmware_version] = [config.board, config.firmware_version].map(|text| unsafe {
        if text.is_null() { "" } else { CStr::from_ptr(text).to_str().unwrap_or_default() }
    });
    let identity = DeviceIdentity {
        board,
        firmware_version,
        firmware_commit: "",
        timer: *TIMERS.get(config.timer as usize)?,
        tick_hz: config.tick_hz,
        timer_bits: config.timer_bits as u8,
        boot_count: config.boot_count,
        rx_ring_bytes: config.ring_bytes as usize,
    };
    let engine = engine_place.write(engine(values, lanes));
    let session = DeviceSession::new(&identity, engine, frame, transmit).ok()?;
    Some(device.write(Device(session)))
}

/// Takes bytes from the line.
///
/// # Safety
/// `device` came from [`cortex_device_start`] and is used by one thread; `bytes` has `count` bytes.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_device_receive(
    device: *mut Device,
    bytes: *const u8,
    count: u32,
    now_ticks: u64,
) {
    if count > 0 {
        // SAFETY: promised by the caller.
        let (device, bytes) =
            unsafe { (&mut *device, slice::from_raw_parts(bytes, count as usize)) };
        device.0.on_bytes(bytes, now_ticks);
    }
}

/// What is to be done: 0 nothing, 1 transmit `count` bytes, 2 run.
///
/// # Safety
/// `device` as in [`cortex_device_receive`]; `bytes` and `count` may be written.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_device_poll(
    device: *mut Device,
    now_ticks: u64,
    bytes: *mut *const u8,
    count: *mut u32,
) -> u32 {
    // SAFETY: promised by the caller. The bytes lie in the transmit buffer, which only the next call
    // changes.
    unsafe {
        match (*device).0.poll(now_ticks) {
            Action::Idle => 0,
            Action::Transmit(frame) => {
                *bytes = frame.as_ptr();
                *count = frame.len() as u32;
                1
            }
            Action::Run => 2,
        }
    }
}

/// Runs the kernel over the window that is loaded.
///
/// # Safety
/// `device` as in [`cortex_device_receive`]; `now` may be called with `context`.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_device_run(
    device: *mut Device,
    now: unsafe extern "C" fn(*mut c_void) -> u64,
    context: *mut c_void,
) {
    // SAFETY: promised by the caller.
    unsafe { (*device).0.run(&mut || now(context)) }
}

/// What the receiver has lost since the start.
///
/// # Safety
/// `device` as in [`cortex_device_receive`].
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_device_losses(
    device: *mut Device,
    overruns: u32,
    ring_overflows: u32,
) {
    // SAFETY: promised by the caller.
    unsafe { (*device).0.set_receive_losses(ReceiveLosses { overruns, ring_overflows }) }
}
