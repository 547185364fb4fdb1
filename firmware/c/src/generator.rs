//! `cortex_device.h`: generator version 1 for firmware in C.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::{ptr, slice};

use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, LaneBlock, Lanes, PinkNoise, Scratch, Signal,
    SineWave, SourceSpec,
};

use crate::arena::Arena;

/// `cortex_signal`.
#[repr(C)]
pub struct CSignal {
    struct_size: u32,
    channels: u32,
    seed: u64,
    sample_rate_hz: f64,
    amplitude_uv: f64,
    low_corner_hz: f64,
    frequency_hz: f64,
}

/// A generator with its channels; it lies in the caller's memory.
pub struct Channels {
    generator: Generator,
    scratch: Scratch<1>,
    block: LaneBlock<1>,
    lanes: &'static mut [Option<Lanes<1>>],
}

/// Bytes of memory for so many channels.
#[allow(unsafe_code)]
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn cortex_generator_bytes(channels: u32) -> u32 {
    let lanes = (channels as usize).saturating_mul(size_of::<Option<Lanes<1>>>());
    let gap = align_of::<Option<Lanes<1>>>();
    u32::try_from(lanes.saturating_add(size_of::<Channels>() + gap)).unwrap_or(u32::MAX)
}

/// A generator at its first sample; null when a parameter is out of range or memory too small.
///
/// # Safety
/// `signal` is null or as `cortex_device.h` says; the memory is this generator's for ever.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_generator_start(
    signal: *const CSignal,
    memory: *mut c_void,
    memory_bytes: u32,
) -> *mut Channels {
    // SAFETY: promised by the caller.
    let started = unsafe {
        signal
            .as_ref()
            .zip(Arena::new(memory, memory_bytes))
            .and_then(|(signal, memory)| start(signal, memory))
    };
    started.map_or(ptr::null_mut(), ptr::from_mut)
}

fn start(signal: &CSignal, mut memory: Arena) -> Option<&'static mut Channels> {
    if (signal.struct_size as usize) < size_of::<CSignal>() || signal.channels == 0 {
        return None;
    }
    let amplitude = signal.amplitude_uv;
    let kind = if signal.low_corner_hz == 0.0 {
        Signal::SineWave(SineWave {
            frequency_hz: signal.frequency_hz,
            amplitude_uv_peak: amplitude,
        })
    } else {
        Signal::PinkNoise(PinkNoise {
            amplitude_uv_rms: amplitude,
            low_corner_hz: signal.low_corner_hz,
        })
    };
    let spec = SourceSpec::new(GeneratorVersion::V1, kind, signal.sample_rate_hz, signal.seed);
    let place = memory.take::<MaybeUninit<Channels>>()?;
    let lanes = memory.take_filled(signal.channels as usize, || None)?;
    let channels = place.write(Channels {
        generator: Generator::silence(),
        scratch: Scratch::new(),
        block: [[0.0]; BLOCK_SAMPLES],
        lanes,
    });
    channels.generator.redesign(&spec).ok()?;
    for (channel, lane) in (0..).zip(channels.lanes.iter_mut()) {
        *lane = Some(channels.generator.start_one(channel));
    }
    Some(channels)
}

/// The next 64 rows.
///
/// # Safety
/// `channels` came from [`cortex_generator_start`]; `rows` has room for 64 of them.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cortex_generator_fill(channels: *mut Channels, rows: *mut f32) {
    // SAFETY: promised by the caller.
    let Channels { generator, scratch, block, lanes } = unsafe { &mut *channels };
    let width = lanes.len();
    // SAFETY: promised by the caller.
    let rows = unsafe { slice::from_raw_parts_mut(rows, width * BLOCK_SAMPLES) };
    for (channel, lane) in lanes.iter_mut().flatten().enumerate() {
        generator.fill_one(lane, scratch, block);
        for (row, [sample]) in rows.chunks_exact_mut(width).zip(&*block) {
            if let Some(slot) = row.get_mut(channel) {
                *slot = *sample;
            }
        }
    }
}
