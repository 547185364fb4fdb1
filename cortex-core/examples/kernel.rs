//! A kernel with its state in an array: `cargo run -p cortex-bci-core --example kernel`

use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = KernelSpec::with_defaults(KernelName::NotchIir);
    let shape = KernelShape { channels: 2, window: 160, hop: 80, sample_rate_hz: 160.0 };
    let kernel = spec.build(shape)?;

    let mut state = [0.0; 256];
    assert!(kernel.state_len() <= state.len());
    kernel.reset(&mut state);
    // Two samples of two channels, in µV.
    let rows = [1.0, -1.0, 0.5, -0.5];
    let mut filtered = [0.0; 4];
    kernel.process(&mut state, &rows, &mut filtered)?;
    println!("{filtered:?}");
    Ok(())
}
