//! One channel of a dataset, block by block, as a microcontroller makes it:
//! `cargo run -p cortex-bci-core --example one_channel`

use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, Scratch, Signal, SignalKind, SourceSpec,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let signal: Signal = SignalKind::PinkNoise.specimen();
    let spec = SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    let generator = Generator::new(&spec)?;

    // All the memory it needs: no heap, the same bits as on a desktop.
    let mut lanes = generator.start_one(0);
    let mut scratch = Scratch::new();
    let mut block = [[0.0]; BLOCK_SAMPLES];
    generator.fill_one(&mut lanes, &mut scratch, &mut block);
    println!("the first samples in µV: {:?}", &block[..4]);
    Ok(())
}
