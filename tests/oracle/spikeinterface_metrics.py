"""Loads `generate --spikeinterface` with SpikeInterface, and compares its metrics with the parameters;
compares `score` with SpikeInterface's comparison and with scikit-learn.

usage: spikeinterface_metrics.py CORTEX_HOST FOLDER
"""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import spikeinterface.full as si
from sklearn import metrics

program, folder = sys.argv[1], Path(sys.argv[2])
RATE_HZ, SECONDS, CHANNELS = 30_000.0, 120.0, 16
FIRING_HZ, REFRACTORY_MS, NOISE_UV, JITTER = 10.0, 2.0, 10.0, 0.05


def host(*arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


host("generate", "spikes", CHANNELS, RATE_HZ, SECONDS, "--spikeinterface", "si", "--columns=4",
     f"--firing-rate-hz={FIRING_HZ}", f"--refractory-ms={REFRACTORY_MS}",
     f"--noise-uv-rms={NOISE_UV}", f"--spike-jitter={JITTER}", "--far-rate-hz=0", "--quiet")
recording, sorting = si.load(folder / "si/recording"), si.load(folder / "si/sorting")

# Shape, samples and places.
assert recording.get_num_channels() == CHANNELS and recording.sampling_frequency == RATE_HZ
assert recording.get_num_samples() == int(SECONDS * RATE_HZ)
raw = np.fromfile(folder / "si/recording/recording.float32", "<f4").reshape(-1, CHANNELS)
np.testing.assert_array_equal(recording.get_traces(end_frame=5_000, return_in_uV=True), raw[:5_000])
places = recording.get_channel_locations()
np.testing.assert_array_equal(places[[0, 1, 4]], [[0, 0], [50, 0], [0, 50]])

# The sorting is the truth's.
truth = np.load(folder / "si/recording/recording.spikes.npy")
for unit in sorting.unit_ids:
    mine = truth["sample"][truth["unit"] == unit]
    np.testing.assert_array_equal(sorting.get_unit_spike_train(unit_id=unit), mine)
own = [unit for unit in sorting.unit_ids if unit // 8 < CHANNELS]
assert len(own) == CHANNELS

# Rates: a renewal process of n spikes has a count with the variance n (1 - r t)^2, with the
# refractory time t at rate r; 3 standard errors of the pooled count (0.27 % false alarms).
analyzer = si.create_sorting_analyzer(sorting.select_units(own), recording, sparse=False)
analyzer.compute(["random_spikes", "noise_levels"], verbose=False)
analyzer.compute("waveforms", ms_before=1.5, ms_after=1.5)
analyzer.compute(["templates", "spike_amplitudes"])
names = ["num_spikes", "firing_rate", "snr", "isi_violation", "rp_violation", "amplitude_median"]
# Two spikes of a unit are never less than 60 samples apart. rp_violation counts gaps up to its period
# rounded to samples, isi_violation in seconds, where 60 / 30 kHz may round below 2 ms.
less_ms = REFRACTORY_MS - 1e3 / RATE_HZ
analyzer.compute("quality_metrics", metric_names=names,
                 metric_params={"isi_violation": {"isi_threshold_ms": REFRACTORY_MS - 0.5e3 / RATE_HZ},
                                "rp_violation": {"refractory_period_ms": less_ms}})
table = analyzer.get_extension("quality_metrics").get_data()
count = CHANNELS * FIRING_HZ * SECONDS
error = math.sqrt(count) * (1.0 - FIRING_HZ * REFRACTORY_MS * 1e-3)
assert abs(table["num_spikes"].sum() - count) < 3.0 * error
rate = table["firing_rate"].mean()
assert table["isi_violations_count"].sum() == 0
assert table["rp_violations"].sum() == 0

# Amplitudes: SpikeInterface's are of the template's greatest electrode, at the spike's sample. Noise
# adds its standard deviation over the root of n, the sub-sample trough misses up to 1.4 %.
amplitude = sorting.get_property("amplitude_uv")
found = np.abs(table["amplitude_median"].to_numpy())
known = np.array([amplitude[list(sorting.unit_ids).index(unit)] for unit in table.index])
off = found / known - 1.0
assert np.abs(off).max() < 0.05, off

# SNR: peak of the template over the noise of its electrode (median absolute deviation), which spikes
# raise above the parameter by less than a tenth.
levels = analyzer.get_extension("noise_levels").get_data()
assert np.all((levels > 0.95 * NOISE_UV) & (levels < 1.25 * NOISE_UV)), levels
snr = table["snr"].to_numpy()
implied = known / levels.mean()
assert np.abs(snr / implied - 1.0).max() < 0.15, snr / implied
print(f"SpikeInterface: {len(own)} units, "
      f"rate {rate:.3f} Hz for {FIRING_HZ:g} +- {error / CHANNELS / SECONDS:.3f}, 0 refractory "
      f"violations in {int(table['num_spikes'].sum())} spikes, amplitudes within "
      f"{100 * np.abs(off).max():.1f} %, noise {levels.mean():.2f} uV for {NOISE_UV:g}, SNR within "
      f"{100 * np.abs(snr / implied - 1).max():.1f} %")

# `score` against SpikeInterface's comparison: a detection with jitter, losses and false alarms.
random = np.random.default_rng(5)
times = []
for unit in own:
    train = sorting.get_unit_spike_train(unit_id=unit)
    train = train[random.random(len(train)) < 0.9]
    train = train + random.integers(-6, 7, size=len(train))
    extra = random.integers(0, int(SECONDS * RATE_HZ), size=len(train) // 10)
    times.append(np.concatenate([train, extra]))
for unit, train in zip(own[:4], times[:4]):
    detected = np.sort(train)
    one = si.NumpySorting.from_unit_dict({unit: detected}, RATE_HZ)
    comparison = si.compare_sorter_to_ground_truth(sorting.select_units([unit]), one, delta_time=0.4)
    performance = comparison.get_performance().iloc[0]
    for name, trains in (("truth", sorting.get_unit_spike_train(unit_id=unit)), ("found", detected)):
        with open(folder / f"{name}.tsv", "w") as file:
            file.write("onset\n" + "".join(f"{float(sample) / RATE_HZ}\n" for sample in trains))
    # 0.4 ms are 12 samples; half a sample more so that rounding decides nothing.
    score = json.loads(host("score", "truth.tsv", "found.tsv", "--tolerance-ms", 12.5 / 30, "--json"))
    assert abs(score["recall"] - performance["recall"]) < 2e-3, (score, performance)
    assert abs(score["precision"] - performance["precision"]) < 2e-3, (score, performance)
print(f"score and SpikeInterface's comparison: recall {score['recall']:.4f} and "
      f"{performance['recall']:.4f}, precision {score['precision']:.4f} and "
      f"{performance['precision']:.4f}")

# `score` of a classifier against scikit-learn.
names = ["standard", "target", "other"]
known = random.choice(names, size=2_000, p=[0.6, 0.3, 0.1])
answers = np.where(random.random(2_000) < 0.75, known, random.choice(names, size=2_000))
for name, column in (("truth", known), ("found", answers)):
    with open(folder / f"{name}.tsv", "w") as file:
        file.write("onset\ttrial_type\n")
        file.writelines(f"{0.5 * k}\t{label}\n" for k, label in enumerate(column))
score = json.loads(host("score", "truth.tsv", "found.tsv", "--tolerance-ms", 100, "--json"))["classes"]
assert score["names"] == sorted(names)
np.testing.assert_array_equal(score["confusion"], metrics.confusion_matrix(known, answers))
assert abs(score["accuracy"] - metrics.accuracy_score(known, answers)) < 1e-12
assert abs(score["kappa"] - metrics.cohen_kappa_score(known, answers)) < 1e-12
print(f"score and scikit-learn: accuracy {score['accuracy']:.4f}, kappa {score['kappa']:.4f}, equal")
