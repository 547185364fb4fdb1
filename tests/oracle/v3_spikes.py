"""Finds v3's spikes by template matching on noiseless output, and filters its waveforms.

usage: v3_spikes.py DATA.float32 CHANNELS RATE_HZ SECONDS PARAMETERS.json

The templates are v3.py's, at whole samples. Every spike that no other one of the electrodes around
it disturbs must be found at its sample, and as its unit where the unit lies between electrodes that
are recorded; what is found is always a spike.
"""

import json
import sys

import numpy as np
from scipy import signal

import v3

data, channels, rate, seconds, parameters = sys.argv[1:]
channels, rate = int(channels), float(rate)
with open(parameters) as file:
    params = json.load(file)
x = np.fromfile(data, "<f4").reshape(-1, channels).T.astype(float)
samples = x.shape[1]
assert samples == round(float(seconds) * rate)
truth = np.load(data.removesuffix(".float32") + ".spikes.npy")
grid = v3.Grid(params, rate)


def edges():
    """After a zero-phase Butterworth band-pass of 300 to 6,000 Hz, the response at the ends of the
    support is below 1 % of the peak: over all half-widths and asymmetries that units draw."""
    worst = 0.0
    fine = 8 * rate  # the shape itself, not its sampling
    for order in (2, 3, 4, 5):
        sos = signal.butter(order, (300.0, 6000.0), "bandpass", fs=fine, output="sos")
        for half_ms in np.linspace(0.55, 0.85, 7):
            for a in np.linspace(0.0, 0.2, 5):
                half = round(half_ms * 1e-3 * fine)
                u = np.arange(-8 * half, 8 * half + 1) / half
                filtered = signal.sosfiltfilt(sos, v3.shape(u, a))
                ends = np.abs(filtered[[7 * half, 9 * half]])
                worst = max(worst, (ends / np.abs(filtered).max()).max())
    assert worst < 0.01, worst
    return worst


class Template:
    """A unit at the electrodes that see it: unit norm, and where its trough is."""

    def __init__(self, unit):
        self.unit = unit
        self.seen = [e for e in range(channels) if grid.gain(unit, e, 0) > 0]
        gains = np.array([grid.gain(unit, e, 0) for e in self.seen], dtype=float)
        ticks = 1000 * v3.TICKS
        shape = unit.evaluate(ticks)[: unit.samples].astype(float)
        self.lead = 1000 - unit.first_sample(ticks)
        self.shape = gains[:, None] * shape
        self.shape /= np.linalg.norm(self.shape)


def neighbours(a, b):
    """Whether some electrode sees both units."""
    a, b = a // 8, b // 8
    dx = abs(a % grid.columns - b % grid.columns)
    return dx <= 2 and abs(a // grid.columns - b // grid.columns) <= 2


templates = [Template(unit) for unit in v3.units(params, rate, params["seed"], channels)]
templates = {t.unit.number: t for t in templates if t.seen}
energy = np.cumsum(np.pad(x**2, ((0, 0), (1, 0))), axis=1)
scores = {}
for number, template in templates.items():
    length = template.shape.shape[1]
    product = sum(np.correlate(x[e], s, "valid") for e, s in zip(template.seen, template.shape))
    power = sum(energy[e, length:] - energy[e, :-length] for e in template.seen)
    score = np.full(samples, -1.0)
    # Cosine of the angle between window and template, at the sample of the trough.
    cosine = product / np.sqrt(np.maximum(power, 1e-12))
    cosine[power < 1e-3 * params["unit_uv"]] = -1.0
    score[template.lead : template.lead + len(cosine)] = cosine
    scores[number] = score
names = np.array(sorted(scores))
best = np.stack([scores[n] for n in names])

order = np.argsort(truth["sample"], kind="stable")
truth = truth[order]
checked = identified = 0
for i, spike in enumerate(truth):
    at, unit = int(spike["sample"]), int(spike["unit"])
    near = truth[max(i - 50, 0) : i + 51]
    near = near[(np.abs(near["sample"].astype(np.int64) - at) < 64)]
    alone = sum(neighbours(int(other["unit"]), unit) for other in near) == 1
    if not alone or not 64 <= at < samples - 64:
        continue
    # Elsewhere on the grid others fire at the same time.
    rivals = np.array([neighbours(int(number), unit) for number in names])
    window = np.where(rivals[:, None], best[:, at - 20 : at + 21], -1.0)
    winner, place = np.unravel_index(np.argmax(window), window.shape)
    # The trough's own fraction of a sample: nearly halfway between two, either is as good.
    found = at - 20 + place
    exact = [t for t, _ in templates[unit].unit.spikes(at + 64) if v3.nearest_sample(t) == at]
    beyond = (exact[0] + v3.TICKS // 2) % v3.TICKS
    halfway = min(beyond, v3.TICKS - beyond) < v3.TICKS // 500
    # A unit beyond the last row is seen from one side only: others look like it.
    inside = unit // 8 + grid.columns < channels
    assert names[winner] == unit or not inside, (at, unit, names[winner])
    identified += inside
    assert found == at or (halfway and abs(found - at) == 1), (at, found, exact)
    # As large as the truth says, at the electrode that it says: half a sample beside the trough
    # costs at most 15 (0.5 / 16.5)^2 = 1.4 % at 30 kHz, and the asymmetry's part.
    depth = -x[int(spike["electrode"]), at]
    assert abs(depth / spike["amplitude_uv"] - 1.0) < 0.02, (at, depth, spike["amplitude_uv"])
    checked += 1
# What is found, whatever the truth says: peaks of the best score are spikes.
top = best.max(axis=0)
peaks, _ = signal.find_peaks(top, height=0.97, distance=30)
known = truth["sample"].astype(np.int64)
distance = np.array([np.abs(known - p).min() for p in peaks])
assert distance.max() <= 1, peaks[distance > 1]
assert checked > 0.4 * len(truth), (checked, len(truth))
print(f"{checked} of {len(truth)} spikes are alone: each found at its sample, {identified} of "
      f"them as their unit; "
      f"{len(peaks)} peaks, none of them no spike; filtered edges at most {100 * edges():.2f} %")
