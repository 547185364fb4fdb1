"""Generator v2 from its description alone, in double precision: the independent reference.

Power-law noise, white noise, chirps and effects. ChaCha8 and Box-Muller come from pink_v1.py
(plain integers, real logarithms); the power-law filter's gains are found anew by numpy's
least-squares solver, its closed-form target by scipy's sine integral.

Usage: v2.py OUT.json   (needs numpy and scipy)
"""

import json
import math
import sys

import numpy as np
from scipy.special import sici

import pink_v1


def words(seed, domain, stream, first_block, blocks):
    return pink_v1.chacha8_words(seed, stream, first_block, blocks, domain)


def power_law_design(corner, exponent):
    c = 2.0 * math.pi * corner
    ratios = max(1, math.ceil(math.log(1.2 / c) / math.log(5.0)))
    ratio = (1.2 / c - 1.0) ** (1.0 / ratios)
    rates = np.array([c] + [c * (1.0 + ratio**i) for i in range(ratios + 1)])
    decay = np.append(np.float32(-np.expm1(-rates)).astype(float), float(np.float32(1.7)))
    pole = 1.0 - decay
    w = np.exp(np.linspace(math.log(0.3 * c), math.log(math.pi), 64))
    z = np.exp(-1j * w)
    n = np.arange(1, 65)
    series = (2.0 * sici(n * math.pi)[0] / math.pi - 1.0) / n
    log_d = -(math.log(math.pi) - 1.0) + (series[:, None] * np.exp(-1j * np.outer(n, w))).sum(0)
    target = np.exp(exponent / 2.0 * (log_d - np.log(1.0 - math.exp(-c) * z)))
    basis = np.array([1.0 / (1.0 - p * z) for p in pole] + [np.ones(64), z]).T / target[:, None]
    real = np.vstack([basis.real, basis.imag])
    gain = np.linalg.lstsq(real, np.concatenate([np.ones(64), np.zeros(64)]), rcond=None)[0]
    gains, taps = gain[:-2], gain[-2:]
    k = np.arange(4000)
    h = (gains[:, None] * pole[:, None] ** k).sum(0)
    h[:2] += taps
    covariance = 1.0 / (decay[:, None] + decay[None, :] - decay[:, None] * decay[None, :])
    beyond = gains * pole**4000
    variance = (h**2).sum() + beyond @ covariance @ beyond
    return decay, gains, taps, covariance, math.sqrt(variance)


def power_law(seed, channel, sample_rate_hz, low_corner_hz, exponent, amplitude_uv_rms, samples):
    decay, gains, taps, covariance, sigma = power_law_design(low_corner_hz / sample_rate_hz, exponent)
    blocks = -(-samples // 64)
    z = pink_v1.normals(words(seed, b"cortex/pink/v2", channel, 0, 1 + blocks))
    state = np.linalg.cholesky(covariance) @ z[: len(decay)]
    before = z[63]
    state = state + before - decay * state
    out = []
    for w in z[64:]:
        state = state + w - decay * state
        out.append((taps[0] * w + taps[1] * before + gains @ state) * amplitude_uv_rms / sigma)
        before = w
    return out[:samples]


def white(seed, channel, amplitude_uv_rms, samples):
    z = pink_v1.normals(words(seed, b"cortex/white/v2", channel, 0, -(-samples // 64)))
    return list(z[:samples] * amplitude_uv_rms)


def chirp(sample_rate_hz, start_hz, end_hz, sweep_s, sweep, amplitude_uv_peak, samples):
    n = round(sweep_s * sample_rate_hz)
    t = (np.arange(samples) % n) / sample_rate_hz
    length = n / sample_rate_hz
    if sweep == "linear":
        turns = start_hz * t + (end_hz - start_hz) * t**2 / (2.0 * length)
    else:
        ratio = end_hz / start_hz
        turns = start_hz * length / math.log(ratio) * (ratio ** (t / length) - 1.0)
    return list(amplitude_uv_peak * np.sin(2.0 * math.pi * turns))


def effects(samples, seed, channel, sample_rate_hz, line_hz, line_uv, offset_uv, limit_uv, nan_rate):
    n = np.arange(len(samples))
    x = np.array(samples) + line_uv * np.sin(2.0 * math.pi * line_hz * n / sample_rate_hz)
    x = np.clip(x + offset_uv, -limit_uv, limit_uv)
    loss = np.array(words(seed, b"cortex/nan/v2", channel, 0, -(-len(samples) // 64)))
    lost = loss[: len(samples)] < round(nan_rate * 2**32)
    return [None if gone else float(v) for v, gone in zip(x, lost)]


def cases():
    base = {"seed": 42, "channel": 3, "sample_rate_hz": 160.0}
    for exponent, rate, corner in ((1.0, 160.0, 0.05), (1.5, 30000.0, 0.5), (0.5, 250.0, 1.0)):
        args = {"low_corner_hz": corner, "exponent": exponent, "amplitude_uv_rms": 100.0}
        case = {**base, "sample_rate_hz": rate}
        yield {**case, "signal": {"PowerLawNoise": args}, "samples_uv": power_law(**case, **args, samples=200)}
    args = {"amplitude_uv_rms": 50.0}
    yield {**base, "signal": {"WhiteNoise": args}, "samples_uv": white(42, 3, 50.0, 200)}
    for sweep in ("linear", "logarithmic"):
        for start, end in ((1.0, 70.0), (70.0, 1.0)):
            args = {"start_hz": start, "end_hz": end, "sweep_s": 1.5, "sweep": sweep, "amplitude_uv_peak": 80.0}
            yield {**base, "signal": {"Chirp": args}, "samples_uv": chirp(160.0, **args, samples=500)}
    args = {"amplitude_uv_rms": 50.0}
    chain = {"line_hz": 50.0, "line_uv": 20.0, "offset_uv": -12.5, "limit_uv": 60.0, "nan_rate": 0.05}
    spoilt = effects(white(42, 3, 50.0, 500), 42, 3, 160.0, **chain)
    yield {**base, "signal": {"WhiteNoise": args}, "effects": chain, "samples_uv": spoilt}


if __name__ == "__main__":
    result = []
    for case in cases():
        case["samples_uv"] = [None if x is None else round(float(x), 6) for x in case["samples_uv"]]
        result.append(case)
    with open(sys.argv[1], "w") as file:
        json.dump(result, file, indent=0)
        file.write("\n")
