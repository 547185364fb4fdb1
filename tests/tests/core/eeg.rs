//! Generator v3's EEG: stability of the bits, and its design recovered from samples.

use cortex_core::signal::eeg::{Eeg, EegParams, ParadigmName, TrialEvent, name};
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, Scratch, Signal, SourceSpec,
};

const RATE_HZ: f64 = 250.0;
const CHANNELS: usize = 21;

fn eeg(params: &EegParams) -> Eeg {
    Eeg::new(&params.model(), RATE_HZ, 42).expect("valid parameters")
}

/// Samples of channels `first .. first + N`.
fn samples<const N: usize>(params: &EegParams, first: u32, blocks: usize) -> Vec<[f32; N]> {
    let spec = SourceSpec::new(GeneratorVersion::V3, Signal::EegParams(*params), RATE_HZ, 42);
    let generator = Generator::new(&spec).expect("valid parameters");
    let mut lanes = generator.start::<N>(first);
    let mut scratch = Scratch::new();
    let mut rows = Vec::with_capacity(blocks * BLOCK_SAMPLES);
    for _ in 0..blocks {
        let mut out = [[0.0; N]; BLOCK_SAMPLES];
        generator.fill(&mut lanes, &mut scratch, &mut out);
        rows.extend_from_slice(&out);
    }
    rows
}

fn channel(wanted: &str) -> usize {
    (0..64).find(|&c| name(c) == Some(wanted)).expect("in the montage")
}

/// The background alone, nearly white, so that samples are nearly independent.
fn background() -> EegParams {
    EegParams {
        background_exponent: 0.01,
        mu_uv_rms: 0.0,
        beta_uv_rms: 0.0,
        alpha_uv_rms: 0.0,
        ..EegParams::default()
    }
}

#[test]
fn a_channel_does_not_know_the_montage() {
    let eeg = EegParams {
        paradigm: ParadigmName::P300,
        trial_s: Some(0.3),
        target_probability: 0.3,
        snr_db: Some(-6.0),
        blinks_per_min: 20.0,
        pops_per_min: 30.0,
        pop_decay_s: 0.05,
        wander_uv: 30.0,
        mains_uv: 3.0,
        bad_channel_rate: 0.3,
        ..EegParams::default()
    };
    let (wide, shifted) = (samples::<16>(&eeg, 0, 20), samples::<5>(&eeg, 7, 20));
    for c in 0..16 {
        let alone = samples::<1>(&eeg, c as u32, 20);
        for (row, one) in alone.iter().enumerate() {
            assert_eq!(wide[row][c].to_bits(), one[0].to_bits(), "channel {c}, sample {row}");
            if (7..12).contains(&c) {
                assert_eq!(shifted[row][c - 7].to_bits(), one[0].to_bits());
            }
        }
    }
}

/// Sample covariances against the design's: the standard error of a covariance of n Gaussian
/// samples is sqrt((C_aa C_bb + C_ab²) / n); with 231 pairs, 5 of them (false alarm 1e-4).
#[test]
fn the_background_has_the_covariance_of_the_design() {
    let eeg = eeg(&background());
    let rows = samples::<CHANNELS>(&background(), 0, 1_200);
    let n = rows.len() as f64;
    for a in 0..CHANNELS {
        for b in 0..=a {
            let sum: f64 = rows.iter().map(|row| f64::from(row[a]) * f64::from(row[b])).sum();
            let (expected, aa, bb) =
                (eeg.covariance(a, b), eeg.covariance(a, a), eeg.covariance(b, b));
            let error = ((aa * bb + expected * expected) / n).sqrt();
            let off = (sum / n - expected) / error;
            assert!(off.abs() < 5.0, "{:?} {:?}: {off:.1} standard errors", name(a), name(b));
        }
    }
    let variance = eeg.covariance(3, 3);
    assert!((variance - 225.0).abs() < 1e-9, "{variance}");
}

/// The average of 200 target epochs at Pz against the response: a bump of 10 µV at 0.35 s, at its
/// peak and where it is zero, within 3 standard errors of the average (background of 15 µV; 9
/// points, false alarm 2.4 %, fixed seed).
#[test]
fn averages_of_epochs_recover_the_response() {
    let params =
        EegParams { paradigm: ParadigmName::P300, target_probability: 0.5, ..background() };
    let eeg = eeg(&params);
    let rows = samples::<CHANNELS>(&params, 0, 1_700);
    let pz = channel("Pz");
    let targets: Vec<TrialEvent> =
        eeg.events().take(420).filter(|event| event.class == 1).collect();
    assert!(targets.len() >= 180);
    let epochs = targets.iter().take(200).collect::<Vec<_>>();
    for (seconds, expected) in [
        (0.0, 0.0),
        (0.1, 0.0),
        (0.15, 0.0),
        (0.25, 10.0 * 0.421_875),
        (0.35, 10.0),
        (0.45, 10.0 * 0.421_875),
        (0.55, 0.0),
        (0.7, 0.0),
        (0.9, 0.0),
    ] {
        let at = (seconds * RATE_HZ) as usize;
        let values = epochs.iter().map(|e| f64::from(rows[e.sample as usize + at][pz]));
        let mean = values.sum::<f64>() / epochs.len() as f64;
        // 0.35 s and 0.25 s lie half a sample beside a sample.
        let slack = 10.0 * 0.02;
        let error = 15.0 / (epochs.len() as f64).sqrt();
        assert!((mean - expected).abs() < 3.0 * error + slack, "{seconds} s: {mean}");
    }
}

/// Power of C3 and C4 during imagery against that at rest, with rhythms that outweigh the rest by
/// far: falls by the depth over the hemisphere opposite to the hand, and only there. The power of
/// a rhythm of bandwidth 4 Hz over 60 trials of 2 s has about 60 * 2 * 4 * pi/2 = 750 degrees of
/// freedom a side: 5 % standard error of a ratio, of which 3 are allowed (false alarm 1 %).
#[test]
fn imagery_lowers_the_power_by_the_depth() {
    let params = EegParams {
        paradigm: ParadigmName::MotorImagery,
        ers_gain: 0.0,
        background_uv_rms: 0.5,
        mu_uv_rms: 50.0,
        mu_hz: 12.0,
        mu_bandwidth_hz: 4.0,
        ..background()
    };
    let eeg = eeg(&params);
    let rows = samples::<CHANNELS>(&params, 0, 4_000);
    for (site, class) in [("C3", 1), ("C4", 0)] {
        let c = channel(site);
        let power = |start: u64| -> f64 {
            let range = start as usize..start as usize + 500;
            rows[range].iter().map(|row| f64::from(row[c]) * f64::from(row[c])).sum()
        };
        let mut sums = [[0.0; 2]; 2];
        for event in eeg.events().take(125) {
            let own = usize::from(event.class == class);
            sums[own][0] += power(event.sample - 500);
            sums[own][1] += power(event.sample + 250);
        }
        let [other, own] = sums.map(|[rest, imagery]| imagery / rest);
        assert!((own - 0.5).abs() < 0.15 * 0.5, "{site}: {own}");
        assert!((other - 1.0).abs() < 0.15, "{site}: {other}");
    }
}
