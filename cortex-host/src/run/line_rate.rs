//! Whether a serial line can carry a run in real time: said before the first late window.

use cortex_core::kernel::Kernel;

use super::built::BuiltKernel;
use super::kernel_job::kernel_job;
use crate::device::DeviceAddress;
use crate::harness::Pace;
use crate::plan::{Plan, Transfer};

/// Bits of a byte on the line: start, eight data, stop.
const LINE_BITS: f64 = 10.0;

/// Share of the line's bytes that samples can have: the rest frames them (measured 0.98 with
/// fragments of a kilobyte, docs/wire-format.md).
const SAMPLE_SHARE: f64 = 0.98;

/// What to tell the user when samples arrive or results leave faster than the line of a serial
/// device can carry them.
pub(super) fn too_slow(plan: &Plan, kernel: &BuiltKernel) -> Option<String> {
    let DeviceAddress::Serial { baud, .. } = plan.device else { return None };
    if plan.execution.pace != Pace::Realtime || plan.transfer != Transfer::Streamed {
        return None;
    }
    let shape = kernel.kernel_run.shape;
    let hops_per_s = shape.sample_rate_hz / shape.hop as f64;
    let bytes_per_s =
        |values: usize, value_bytes: usize| (values * value_bytes) as f64 * hops_per_s;
    let job = kernel_job(plan, kernel).ok()?;
    let there = bytes_per_s(shape.hop * shape.channels, job.input.sample_bytes());
    let output_values = kernel.kernel.as_ref().map_or(0, |kernel| kernel.output_len(shape.hop));
    let back = bytes_per_s(output_values, job.output.sample_bytes());
    // The two directions have a wire each.
    let wanted = there.max(back);
    let carried = f64::from(baud) / LINE_BITS * SAMPLE_SHARE;
    (wanted > carried).then(|| {
        format!(
            "{} moves {:.1} kB/s of samples, but a line of {baud} baud carries {:.1}: windows will \
             be late; use fewer channels, encoding: i16, results: digests or transfer: seeded (a \
             USB port without a line behind it may carry more)",
            kernel.kernel_run.name,
            wanted / 1e3,
            carried / 1e3
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, parse};
    use crate::primitive::Library;
    use crate::run::built::build;

    /// 16 channels at 250 Hz are 16 kB/s as f32; 115200 baud carry 11.3, 230400 carry 22.6.
    #[test]
    fn a_line_that_is_too_slow_is_named_with_what_it_carries() {
        let warning = |rest: &str| {
            let text = format!(
                "dataset: {{path: primitives/datasets/v1/synthetic, channels: 16, sample_rate_hz: \
                 250, params: {{signal_type: pink_noise, duration_s: 5}}}}\nkernels: [{{name: car, \
                 window: 100, hop: 50}}]\n{rest}"
            );
            let source = Source { name: "c.yaml".to_owned(), text, folder: None };
            let plan = Plan::new(&parse(&source).unwrap(), &Library::new(None)).unwrap();
            too_slow(&plan, &build(&plan).unwrap()[0])
        };
        let slow = warning("device: 'serial:///dev/ttyACM0?baud=115200'").unwrap();
        assert!(slow.contains("car moves 16.0 kB/s") && slow.contains("carries 11.3"), "{slow}");
        for enough in [
            "device: 'serial:///dev/ttyACM0?baud=230400'",
            "device: 'serial:///dev/ttyACM0?baud=115200'\nexecution: {pace: max}",
            "device: 'serial:///dev/ttyACM0?baud=115200'\ntransfer: seeded",
            "device: native",
        ] {
            assert_eq!(warning(enough), None, "{enough}");
        }
        // Half the bytes there; back they are as many as before.
        let halved = "device: 'serial:///dev/ttyACM0?baud=115200'\nencoding: i16\nscale_uv: 0.1";
        assert!(warning(halved).is_some());
        assert_eq!(warning(&format!("{halved}\nresults: digests")), None);
    }
}
