//! Digests of every signal of every version and of every kernel in every form, as text: two
//! processors that print the same compute the same bits. `sh tests/portability.sh` compares them.
//! `cargo run -p cortex-bci-core --example digests`

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::golden::{GOLDEN_SHAPE, GOLDEN_WINDOWS, fill_golden_rows};
use cortex_core::kernel::{FixedPoint, FixedType, Kernel, KernelForm, KernelName, KernelSpec};
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, Scratch, SignalKind, SourceSpec,
};

/// Of each signal's specimen.
const CHANNELS: u32 = 3;
const BLOCKS: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for version in GeneratorVersion::ALL {
        for kind in SignalKind::ALL {
            let signal = kind.specimen();
            if signal.is_in(version) {
                let spec = SourceSpec::new(version, signal, kind.specimen_rate_hz(), 42);
                println!("signal {version} {kind:?} {:08x}", of_signal(&spec)?);
            }
        }
    }
    for name in KernelName::ALL {
        for dtype in [None, Some(FixedType::Q15), Some(FixedType::Q31)] {
            // The golden input, at most 46.03125 uV, at half the scale.
            let scale_uv = |dtype: FixedType| 2.0 * 46.031_25 / f64::from(dtype.limit());
            let fixed = dtype.map(|dtype| FixedPoint { dtype, scale_uv: scale_uv(dtype) });
            let form = dtype.map_or("f32", FixedType::as_str);
            match of_kernel(KernelForm { spec: KernelSpec::with_defaults(name), fixed }) {
                Ok(digest) => println!("kernel {name} {form} {digest:08x}"),
                // Not every kernel has the forms in fixed point.
                Err(_) if dtype.is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn of_signal(spec: &SourceSpec) -> Result<u32, Box<dyn std::error::Error>> {
    let generator = Generator::new(spec)?;
    let (mut scratch, mut block) = (Scratch::new(), [[0.0]; BLOCK_SAMPLES]);
    scratch.set_memory(Box::leak(Box::default()));
    let mut digest = SampleDigest::new();
    for channel in 0..CHANNELS {
        let mut lanes = generator.start_one(channel);
        for _ in 0..BLOCKS {
            generator.fill_one(&mut lanes, &mut scratch, &mut block);
            digest.update(block.as_flattened());
        }
    }
    Ok(digest.finish())
}

fn of_kernel(form: KernelForm) -> Result<u32, Box<dyn std::error::Error>> {
    let kernel = form.build(GOLDEN_SHAPE)?;
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    let mut output = vec![0.0; kernel.output_len(GOLDEN_SHAPE.window)];
    let mut digest = SampleDigest::new();
    let mut first = 0;
    for window in 0..GOLDEN_WINDOWS {
        let rows = if window == 0 { GOLDEN_SHAPE.window } else { GOLDEN_SHAPE.hop };
        let mut input = vec![0.0; rows * GOLDEN_SHAPE.channels];
        fill_golden_rows(first, GOLDEN_SHAPE.channels, &mut input);
        if let Some(format) = form.fixed {
            format.encode(&mut input);
        }
        let written = kernel
            .process(&mut state, &input, &mut output)
            .map_err(|fault| format!("{fault:?}"))?;
        digest.update(&output[..written]);
        first += rows as u32;
    }
    Ok(digest.finish())
}
