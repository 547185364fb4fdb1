"""Pink noise v1 from its description alone, in double precision: the independent reference.

Written from the module docs of cortex-core's signal::pink_v1 and random, not from its code
path: ChaCha8 in plain integers, Box-Muller with the real log, sqrt, sin and cos, the filter as
one long impulse response with recursive one-pole sections, no FFT.

Usage: pink_v1.py OUT.json   (needs numpy)
"""

import json
import math
import sys

import numpy as np

BLOCK = 64
TAPS = 33
DELAY = 8
CORRECTION = [
    0.932452626, 0.041438624, -0.009864433, 0.004863067, -0.002258763,
    0.002018695, -0.000810592, 0.001132454, -0.002745365,
]


def chacha8_words(seed, stream, first_block, blocks, domain=b"cortex/pink/v1"):
    """Words of `blocks` 64-word blocks from `first_block` on."""
    key = seed.to_bytes(8, "little") + domain.ljust(24, b"\0")
    key_words = [int.from_bytes(key[i : i + 4], "little") for i in range(0, 32, 4)]
    mask = 0xFFFFFFFF
    words = []

    def quarter(v, a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            v[x] = (v[x] + v[y]) & mask
            t = v[z] ^ v[x]
            v[z] = ((t << r) | (t >> (32 - r))) & mask

    for counter in range(first_block * 4, (first_block + blocks) * 4):
        start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key_words,
                 counter & mask, counter >> 32, stream, 0]
        v = list(start)
        for _ in range(4):
            quarter(v, 0, 4, 8, 12)
            quarter(v, 1, 5, 9, 13)
            quarter(v, 2, 6, 10, 14)
            quarter(v, 3, 7, 11, 15)
            quarter(v, 0, 5, 10, 15)
            quarter(v, 1, 6, 11, 12)
            quarter(v, 2, 7, 8, 13)
            quarter(v, 3, 4, 9, 14)
        words += [(a + b) & mask for a, b in zip(v, start)]
    return words


def normals(words):
    out = []
    for radius_word, angle_word in zip(words[::2], words[1::2]):
        uniform = min(1.0, ((radius_word >> 1) + 0.5) / 2**31)
        radius = math.sqrt(-2.0 * math.log(uniform))
        angle = 2.0 * math.pi * angle_word / 2**32
        out += [radius * math.cos(angle), radius * math.sin(angle)]
    return np.array(out)


def design(corner):
    rate = 2.0 * math.pi * corner / 4.0
    rates = [rate]
    while rates[-1] < 8.0 / TAPS:
        rates.append(rates[-1] * 4.0)
    # The filter holds 1 - pole as a 32-bit float: that is part of the definition.
    decay = np.float32(-np.expm1(-np.array(rates))).astype(float)
    pole = 1.0 - decay
    gain = math.log(4.0) * np.sqrt(rates) / math.pi
    gain[0] *= 2.0
    fir = np.array(CORRECTION[:0:-1] + CORRECTION)
    gain = gain * np.array([np.sum(fir * p ** np.arange(-8.0, 9.0)) for p in pole])
    h = np.ones(TAPS + 1)
    for k in range(1, TAPS + 1):
        h[k] = h[k - 1] * (k - 0.5) / k
    target = np.convolve(fir, h)[: TAPS + 1]
    k = np.arange(TAPS + 1)
    tail = np.where(k >= DELAY, (gain[:, None] * pole[:, None] ** (k - DELAY)).sum(0), 0.0)
    head = target[:TAPS] - tail[:TAPS] - (target[TAPS] - tail[TAPS])
    # Variance by brute force: a million taps, then the closed form of what is left.
    total = tail[:TAPS] + head
    beyond = sum(
        gi * gj * (pi * pj) ** (TAPS - DELAY) / (di + dj - di * dj)
        for gi, pi, di in zip(gain, pole, decay)
        for gj, pj, dj in zip(gain, pole, decay)
    )
    return head, decay, gain, math.sqrt((total**2).sum() + beyond)


def pink(seed, channel, sample_rate_hz, low_corner_hz, amplitude_uv_rms, samples):
    head, decay, gain, sigma = design(low_corner_hz / sample_rate_hz)
    blocks = -(-samples // BLOCK)
    z = normals(chacha8_words(seed, channel, 0, 2 + blocks))
    setup, noise = z[:BLOCK], z[BLOCK:]  # noise[64] is the noise of sample 0
    covariance = 1.0 / (decay[:, None] + decay[None, :] - decay[:, None] * decay[None, :])
    state = np.linalg.cholesky(covariance) @ setup[: len(decay)]
    out = []
    for n in range(len(noise) - DELAY):
        state = state + noise[n] - decay * state
        at = n + DELAY  # the tail lags by DELAY samples
        if at >= BLOCK:
            recent = noise[at - TAPS + 1 : at + 1][::-1]
            out.append(float(head @ recent + gain @ state) * amplitude_uv_rms / sigma)
    return out[:samples]


CASES = [
    {"seed": 42, "channel": 0, "sample_rate_hz": 160.0, "low_corner_hz": 0.05},
    {"seed": 42, "channel": 5, "sample_rate_hz": 160.0, "low_corner_hz": 0.05},
    {"seed": 2**64 - 1, "channel": 1023, "sample_rate_hz": 30000.0, "low_corner_hz": 0.5},
]

if __name__ == "__main__":
    for case in CASES:
        case["amplitude_uv_rms"] = 100.0
        case["samples_uv"] = [round(x, 6) for x in pink(samples=200, **case)]
    with open(sys.argv[1], "w") as file:
        json.dump(CASES, file, indent=0)
        file.write("\n")
