//! Generator v3's spikes: what units, bursts, drift, distant spikes and bad channels are drawn as,
//! against the distributions that the parameters describe.
//!
//! Seeds are fixed. Where not said otherwise a bound is 3 standard errors, which a right generator
//! exceeds with 0.27 % of the seeds.

use cortex_core::math;
use cortex_core::signal::spikes::{SPIKE_SAMPLES, SpikeParams, Spikes, TICKS, Waveform};
use cortex_core::signal::{
    BLOCK_SAMPLES, Fault, Generator, GeneratorVersion, Scratch, Signal, SourceSpec,
};

const RATE_HZ: f64 = 30_000.0;

fn spikes(params: &SpikeParams) -> Spikes {
    Spikes::new(params, RATE_HZ, 42).expect("valid parameters")
}

/// Mean, and standard deviation about it.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    (mean, math::sqrt(squares / (n - 1.0)))
}

/// Asserts that `found` is within 3 of `standard_error` of `expected`.
fn assert_near(what: &str, found: f64, expected: f64, standard_error: f64) {
    let off = (found - expected) / standard_error;
    assert!(off.abs() < 3.0, "{what}: {found} for {expected}, {off:.2} standard errors");
}

/// Amplitudes of units are log-normal about the median, those of a unit's spikes normal about the
/// unit's: mean, standard deviation, and the share within one standard deviation.
#[test]
fn amplitudes_are_log_normal_and_jitter() {
    let params = SpikeParams { unit_uv: 80.0, unit_sigma: 0.5, ..SpikeParams::default() };
    let (mut logs, mut relative) = (Vec::new(), Vec::new());
    spikes(&params).units(0, 4_000, |train| {
        let unit = *train.unit();
        logs.push(math::ln(f64::from(unit.amplitude_uv)));
        let amplitudes = train.take(10).map(|spike| spike.amplitude_uv / unit.amplitude_uv);
        relative.extend(amplitudes.map(f64::from));
    });
    for (what, values, mean, deviation) in [
        ("logarithm of a unit's amplitude", &logs, math::ln(80.0), 0.5),
        ("a spike's amplitude", &relative, 1.0, 0.05),
    ] {
        let n = values.len() as f64;
        assert!(n >= 4_000.0);
        let (found, spread) = moments(values);
        assert_near(what, found, mean, deviation / n.sqrt());
        assert_near("its deviation", spread, deviation, deviation / (2.0 * n).sqrt());
        let within = values.iter().filter(|value| (*value - mean).abs() < deviation).count() as f64;
        let share = 0.682_689_5;
        assert_near("share", within / n, share, (share * (1.0 - share) / n).sqrt());
    }
}

/// Without jitter the amplitude says which spike of its event one is: 0.9^k. So events are counted,
/// bursts among them, and the gaps within and between them are what the parameters ask for.
#[test]
fn bursts_are_as_many_as_long_and_as_dense_as_asked() {
    let (probability, burst, isi_ms, rate_hz, refractory_ms) = (0.3, 4, 6.0, 10.0, 2.0);
    let params = SpikeParams {
        burst_probability: probability,
        burst_spikes: burst,
        burst_isi_ms: isi_ms,
        firing_rate_hz: rate_hz,
        refractory_ms,
        spike_jitter: 0.0,
        ..SpikeParams::default()
    };
    let ms = |ticks: i64| ticks as f64 / TICKS as f64 / RATE_HZ * 1e3;
    let (mut lengths, mut within, mut between) = (Vec::new(), Vec::new(), Vec::new());
    spikes(&params).units(0, 200, |train| {
        let amplitude_uv = train.unit().amplitude_uv;
        let (mut last, mut length, mut events) = (None, 0, 0);
        for spike in train {
            let place = math::ln(f64::from(spike.amplitude_uv / amplitude_uv)) / math::ln(0.9);
            let place = place.round() as usize;
            match last {
                Some(before) if place > 0 => {
                    assert_eq!(place, length, "a burst's spikes come one after the other");
                    within.push(ms(spike.ticks - before));
                }
                Some(before) => {
                    lengths.push(length);
                    between.push(ms(spike.ticks - before));
                    events += 1;
                    // As many of each unit: a number of spikes would cut off bursts.
                    if events == 100 {
                        break;
                    }
                }
                None => assert_eq!(place, 0, "no burst is under way at the start"),
            }
            length = place + 1;
            last = Some(spike.ticks);
        }
    });
    assert!(lengths.iter().all(|&length| length == 1 || length == burst));
    let (n, bursts) = (lengths.len() as f64, lengths.iter().filter(|&&l| l == burst).count());
    let error = (probability * (1.0 - probability) / n).sqrt();
    assert_near("share of bursts", bursts as f64 / n, probability, error);
    // A gap is the refractory period and an exponential variate: its deviation is what exceeds it.
    let more = probability * (burst - 1) as f64;
    let event_ms = (1.0 + more) * 1e3 / rate_hz - more * isi_ms;
    for (what, gaps, mean) in [("within", &within, isi_ms), ("between", &between, event_ms)] {
        let n = gaps.len() as f64;
        assert_near(what, moments(gaps).0, mean, (mean - refractory_ms) / n.sqrt());
    }
}

/// Units move along the columns by the sine of the parameters, and their size at an electrode is the
/// gain of the design at the place they have then, in double precision. Single precision leaves some
/// ten roundings of 6e-8 and the sine's 1.5e-7 of a displacement of 0.4 pitches.
#[test]
fn drift_moves_the_units() {
    let (pitch_um, decay_um, drift_um, period_s) = (50.0, 25.0, 20.0, 7.0);
    let params = SpikeParams {
        pitch_um,
        decay_um,
        drift_um,
        drift_period_s: period_s,
        ..SpikeParams::default()
    };
    let spikes = spikes(&params);
    let (mut worst, mut least, mut greatest) = (0.0_f64, f64::INFINITY, 0.0_f64);
    spikes.units(0, 32, |train| {
        let unit = *train.unit();
        let [x, y] = unit.place.map(f64::from);
        // Room for the drift, so that a unit never leaves its cell.
        assert!(x.abs() <= 0.5 && y.abs() <= 0.5 - drift_um / pitch_um + 1e-6, "{x} {y}");
        for spike in train.take(200) {
            let turns = spike.sample() as f64 / (period_s * RATE_HZ);
            let moved = drift_um / pitch_um * math::sin(core::f64::consts::TAU * turns);
            let square = x * x + (y + moved) * (y + moved);
            let left = 1.0 - square / (1.5 * 1.5);
            let decays = pitch_um / decay_um;
            let gain = left * left / (1.0 + square * decays * decays);
            let found = spikes.amplitude_at_home_uv(&unit, &spike) / spike.amplitude_uv;
            worst = worst.max((f64::from(found) - gain).abs());
            (least, greatest) = (least.min(moved), greatest.max(moved));
        }
    });
    assert!(worst < 2e-6, "{worst:e}");
    assert!(least < -0.39 && greatest > 0.39, "{least} to {greatest}");
}

/// Distant spikes alone: a Poisson process of rate r of independent shapes has, by Campbell's theorem,
/// the mean r E[a] (area of a shape, 0) and the variance r E[a²] E[sum of its samples squared];
/// exponential amplitudes of mean m have E[a²] = 2 m². Shapes are those of the family, half-widths
/// and asymmetries uniform.
///
/// Standard error: the energy of a spike has the relative variance E[a⁴] / E[a²]² = 6, that of a
/// sum of n spikes 6 / n (and its own chance, which adds less than half of that at this rate).
#[test]
fn distant_spikes_have_the_power_of_their_process() {
    let (rate_hz, far_uv) = (200.0, 12.0);
    let params = SpikeParams {
        far_rate_hz: rate_hz,
        far_uv,
        noise_uv_rms: 0.0,
        // Units that nobody sees.
        unit_uv: 1e-6,
        unit_sigma: 0.0,
        firing_rate_hz: 0.01,
        ..SpikeParams::default()
    };
    let mut energy = 0.0;
    const STEPS: usize = 24;
    for width in 0..STEPS {
        for lean in 0..STEPS {
            let part = |step: usize| (step as f64 + 0.5) / STEPS as f64;
            let half_width = (0.55 + 0.3 * part(width)) * 1e-3 * RATE_HZ;
            let mut shape = [0.0; SPIKE_SAMPLES];
            Waveform::new(half_width, 0.2 * part(lean)).evaluate(0, &mut shape);
            energy += shape.iter().map(|&y| f64::from(y) * f64::from(y)).sum::<f64>();
        }
    }
    energy /= (STEPS * STEPS) as f64;
    let spec = SourceSpec::new(GeneratorVersion::V3, Signal::SpikeParams(params), RATE_HZ, 42);
    let generator = Generator::new(&spec).expect("valid parameters");
    const CHANNELS: usize = 32;
    const BLOCKS: usize = 2_000;
    let mut lanes = generator.start::<CHANNELS>(0);
    let mut scratch = Scratch::new();
    let mut power = 0.0;
    for _ in 0..BLOCKS {
        let mut out = [[0.0; CHANNELS]; BLOCK_SAMPLES];
        generator.fill(&mut lanes, &mut scratch, &mut out);
        power += out.as_flattened().iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    }
    power /= (CHANNELS * BLOCKS * BLOCK_SAMPLES) as f64;
    let expected = rate_hz / RATE_HZ * 2.0 * far_uv * far_uv * energy;
    let count = rate_hz * (CHANNELS * BLOCKS * BLOCK_SAMPLES) as f64 / RATE_HZ;
    assert!(count > 20_000.0);
    assert_near("power", power, expected, expected * (9.0 / count).sqrt());
}

/// As many channels are bad as asked, half of them flat; those of a smaller set stay what they are
/// by construction.
#[test]
fn channels_are_bad_as_often_as_asked() {
    let params = SpikeParams { bad_channel_rate: 0.2, ..SpikeParams::default() };
    let spikes = spikes(&params);
    let n = 10_000;
    let faults: Vec<Fault> = (0..n).filter_map(|channel| spikes.fault(channel)).collect();
    let (n, bad) = (f64::from(n), faults.len() as f64);
    assert_near("bad channels", bad / n, 0.2, (0.2 * 0.8 / n).sqrt());
    let flat = faults.iter().filter(|&&fault| fault == Fault::Flat).count() as f64;
    assert_near("flat of them", flat / bad, 0.5, (0.25 / bad).sqrt());
}
