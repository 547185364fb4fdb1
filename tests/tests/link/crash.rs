//! A device whose program crashed within a session says at the next frame what it crashed with.

use cortex_core::link::message::Configure;
use cortex_core::link::{Encoding, Failure, HostEvent};
use cortex_tests::link_sim::{LeakyKernel, LineModel, Simulation, run_blocks};

#[test]
fn a_crash_ends_the_session_by_name() {
    let configure = Configure {
        channels: 2,
        window: 48,
        hop: 32,
        sample_rate_hz: 250.0,
        input: Encoding::F32,
        output: Encoding::F32,
        kernel: LeakyKernel::ECHO,
    };
    let mut sim = Simulation::new(LineModel::usb_serial(256), 7);
    let mut crashed = false;
    let run = run_blocks(&mut sim, &configure, 10, 60_000_000_000, |sim, done| {
        if done == 3 && !crashed {
            crashed = true;
            sim.reset_device();
            sim.device.after_crash(b"stack overflow", 7_680);
        }
    });
    let Some(HostEvent::Failed(failure)) = run.failed else { panic!("{run:?}") };
    let Failure::Crashed { text, place } = &failure else { panic!("{failure}") };
    assert_eq!((text.as_str(), *place), ("stack overflow", 7_680));
    assert!(failure.to_string().contains("stack overflow, 7680"), "{failure}");
}
