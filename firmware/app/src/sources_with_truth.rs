//! What the self-test generates of v3. The tests of the emulated boards have this file, too.

use cortex_core::signal::eeg::ParadigmName;
use cortex_core::signal::front_end::{ConverterName, FrontEndParams};
use cortex_core::signal::{EegParams, GeneratorVersion, SourceSpec, SpikeParams};

/// The signals of v3 in the self-test, each at a rate of its own: spikes as they are by default, the
/// same through a front end, and an EEG with everything that may be in it.
#[must_use]
pub fn sources_with_truth() -> [(&'static str, SourceSpec); 3] {
    let v3 = |signal, rate_hz| SourceSpec::new(GeneratorVersion::V3, signal, rate_hz, 42);
    let front_end = FrontEndParams {
        converter: ConverterName::IntanRhd,
        packet_samples: 10,
        loss_rate: 0.1,
        burst_packets: 4.0,
        ..FrontEndParams::default()
    };
    let busy = SpikeParams {
        firing_rate_hz: 40.0,
        burst_probability: 0.3,
        columns: 3,
        drift_um: 10.0,
        bad_channel_rate: 0.3,
        front_end: Some(front_end),
        ..SpikeParams::default()
    };
    let eeg = EegParams {
        paradigm: ParadigmName::P300,
        target_probability: 0.5,
        blinks_per_min: 30.0,
        emg_per_min: 20.0,
        ecg_per_min: 70.0,
        pops_per_min: 20.0,
        wander_uv: 20.0,
        mains_uv: 5.0,
        ..EegParams::default()
    };
    [
        ("v3/spikes", v3(SpikeParams::default().into(), 30_000.0)),
        ("v3/spikes+front_end", v3(busy.into(), 30_000.0)),
        ("v3/eeg+artefacts", v3(eeg.into(), 250.0)),
    ]
}
