//! A dataset in memory and in a file: `cargo run --release --example generate`

fn main() -> Result<(), cortex_host::Error> {
    let dataset = cortex_host::generate("pink_noise")
        .channels(64)
        .sample_rate_hz(160.0)
        .set("duration_s", 10.0)
        .set("seed", 42)
        .build()?;
    let samples = dataset.to_vec()?;
    println!("{} samples x {} channels", dataset.samples(), dataset.channels());
    println!("first sample of every channel, µV: {:?}", &samples[..dataset.channels()]);

    let file = std::env::temp_dir().join("cortex-example.float32");
    let manifest = dataset.write(&file)?;
    println!("{}: {}", file.display(), manifest.digest());
    Ok(())
}
