//! A run of blocks through a simulation, and what it should put out.

use cortex_core::kernel::{Kernel, KernelShape};
use cortex_core::link::HostEvent;
use cortex_core::link::message::Configure;

use super::{LeakyKernel, Simulation};

/// Samples of block `block`: reproducible, different everywhere, many zero bytes among them.
#[must_use]
pub fn block_samples(block: u32, values: usize) -> Vec<f32> {
    (0..values as u32)
        .map(|n| {
            let mixed = (block.wrapping_mul(0x9E37_79B9) ^ n.wrapping_mul(0x85EB_CA6B)) >> 8;
            (mixed as f32 - 8_388_608.0) / 65_536.0
        })
        .collect()
}

/// What [`run_blocks`] saw.
#[derive(Clone, Debug, PartialEq)]
pub struct BlocksRun {
    /// Outputs in order.
    pub outputs: Vec<Vec<f32>>,
    /// Why it ended early, if it did.
    pub failed: Option<HostEvent>,
    /// When the first block was handed over and the last result was there.
    pub span_ns: (u64, u64),
}

/// Connects, configures and runs `blocks` blocks, handing over each as soon as the session
/// takes it. `before` is called before every step and may disturb the simulation.
pub fn run_blocks(
    sim: &mut Simulation,
    configure: &Configure<'_>,
    blocks: u32,
    limit_ns: u64,
    mut before: impl FnMut(&mut Simulation, usize),
) -> BlocksRun {
    let mut run = BlocksRun { outputs: Vec::new(), failed: None, span_ns: (0, 0) };
    let mut next_block = 0;
    let mut configured = false;
    loop {
        before(sim, run.outputs.len());
        match sim.next_event(limit_ns) {
            Some(HostEvent::Connected) => {
                sim.host.configure(configure).expect("idle");
            }
            Some(HostEvent::Configured(_)) => {
                run.span_ns.0 = sim.now_ns;
                configured = true;
                offer(sim, configure, &mut next_block, blocks);
            }
            Some(HostEvent::Delivered) => {
                if configured {
                    offer(sim, configure, &mut next_block, blocks);
                }
            }
            Some(HostEvent::Result { block, .. }) => {
                assert_eq!(block as usize, run.outputs.len());
                run.outputs.push(sim.host.output().to_vec());
                run.span_ns.1 = sim.now_ns;
                if run.outputs.len() == blocks as usize {
                    return run;
                }
                offer(sim, configure, &mut next_block, blocks);
            }
            Some(HostEvent::Pong(_)) => {}
            other => {
                run.failed = other;
                return run;
            }
        }
    }
}

fn offer(sim: &mut Simulation, configure: &Configure<'_>, next_block: &mut u32, blocks: u32) {
    if *next_block < blocks && sim.host.can_request() {
        let values = (configure.rows(*next_block) * configure.channels) as usize;
        sim.host.send_block(*next_block, &block_samples(*next_block, values)).expect("room");
        *next_block += 1;
    }
}

/// The outputs of the same kernel run here, on the samples the device sees.
#[must_use]
pub fn expected_outputs(configure: &Configure<'_>, blocks: u32) -> Vec<Vec<f32>> {
    let shape = KernelShape {
        channels: configure.channels as usize,
        window: configure.window as usize,
        hop: configure.hop as usize,
        sample_rate_hz: configure.sample_rate_hz,
    };
    let kernel = LeakyKernel::build(&shape, configure.kernel).expect("known kernel");
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    (0..blocks)
        .map(|block| {
            let rows = configure.rows(block) as usize;
            let mut input = block_samples(block, rows * shape.channels);
            configure.input.apply(&mut input);
            let mut output = vec![0.0; kernel.output_len(rows)];
            let count = kernel.process(&mut state, &input, &mut output).expect("accepted");
            output.truncate(count);
            output
        })
        .collect()
}
