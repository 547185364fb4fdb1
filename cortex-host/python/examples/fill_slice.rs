//! The time of `fill_slice` alone, for benchmarks/speed.py to compare with.

use std::time::Instant;

fn main() -> Result<(), cortex_host::Error> {
    for generator in ["v1", "v2"] {
        let dataset = cortex_host::generate("pink_noise")
            .generator(generator)
            .channels(1024)
            .sample_rate_hz(160.0)
            .set("duration_s", 120)
            .build()?;
        let mut best_ms = f64::INFINITY;
        for _ in 0..20 {
            let start = Instant::now();
            let mut samples = vec![0.0; dataset.len()];
            dataset.fill_slice(&mut samples)?;
            best_ms = best_ms.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("{generator} {best_ms:.3}");
    }
    Ok(())
}
