"""Writes a recording with known oddities and what NumPy and SciPy say of it, as JSON.

usage: inspect_expected.py DATA.float32 SEGMENT_SAMPLES
"""

import json
import sys

import numpy as np
import scipy.signal

rate, samples = 250.0, 60_000
rng = np.random.default_rng(11)
spectrum = np.fft.rfft(rng.normal(size=samples))
spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
pink = np.fft.irfft(spectrum, samples)
time = np.arange(samples) / rate
data = np.stack([
    50 * pink / pink.std() + 3,
    rng.normal(0, 10, samples),
    rng.normal(0, 10, samples) + 20 * np.sin(2 * np.pi * 50 * time),
    np.full(samples, -7.5),
    rng.normal(0, 10, samples),
], axis=1).astype("<f4")
data[1000:1003, 4] = np.nan
data[5, 4] = np.inf
data.tofile(sys.argv[1])
segment = int(sys.argv[2])


def slope(f, p, low, high):
    line = np.min([np.abs(f - m * np.maximum(1, np.round(f / m))) for m in (50, 60)], axis=0)
    keep = (f >= low) & (f <= high) & (line >= 1.5) & (p > 0)
    if keep.sum() < 3:
        return None
    x, y = np.log10(f[keep]), np.log10(p[keep])
    band = np.floor((x - np.log10(low)) / (np.log10(2) / 4)).astype(int)
    xs = [x[band == b].mean() for b in np.unique(band)]
    ys = [y[band == b].mean() for b in np.unique(band)]
    return float(np.polyfit(xs, ys, 1)[0])


def line(f, p, at):
    away = np.abs(f - at)
    floor = np.sort(p[(away >= 2) & (away <= 6)])
    if floor[len(floor) // 2] == 0:
        return None
    return float(10 * np.log10(p[away <= 1].max() / floor[len(floor) // 2]))


channels = []
for x in data.T.astype(np.float64):
    good = x[np.isfinite(x)]
    # Segments with a sample that is not finite are left out of the average.
    starts = range(0, samples - segment + 1, segment // 2)
    pieces = [x[s:s + segment] for s in starts if np.isfinite(x[s:s + segment]).all()]
    f, each = scipy.signal.welch(np.array(pieces), rate, "hann", segment, detrend="constant")
    p = each.mean(axis=0)[1:]
    channels.append({
        "mean_uv": good.mean(), "rms_uv": np.sqrt((good ** 2).mean()),
        "min_uv": good.min(), "max_uv": good.max(),
        "nan_count": int(np.isnan(x).sum()), "infinite_count": int(np.isinf(x).sum()),
        "slope": slope(f[1:], p, 1.0, 100.0),
        "line_50_db": line(f[1:], p, 50), "line_60_db": line(f[1:], p, 60),
    })
print(json.dumps(channels))
