//! A dataset larger than memory could be, filtered block by block:
//! `cargo run --release --example filter`

fn main() -> Result<(), cortex_host::Error> {
    let (channels, sample_rate_hz) = (64, 1000.0);
    let dataset = cortex_host::generate("pink_noise")
        .generator("v2")
        .channels(channels as u64)
        .sample_rate_hz(sample_rate_hz)
        .set("duration_s", 60.0)
        .build()?;
    let mut kernel = cortex_host::kernel("notch_iir")
        .channels(channels)
        .sample_rate_hz(sample_rate_hz)
        .set("f0_hz", 50.0)
        .build()?;
    let (mut squares, mut count) = (0.0, 0);
    for block in dataset.blocks(1000)? {
        for value in kernel.process(&block?)? {
            squares += f64::from(value) * f64::from(value);
            count += 1;
        }
    }
    println!("{count} values, RMS {:.1} µV without the mains", (squares / f64::from(count)).sqrt());
    Ok(())
}
