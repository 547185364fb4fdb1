"""The fixed-point kernels in Python's integers, written from docs/numerics.md, and their digests.

    python fixed_point.py      prints {"kernel": {"q15": crc32, "q31": crc32}} as JSON

The digests are of every kernel with default parameters over the golden input (8 channels, 160 Hz,
window 160, hop 80, 10 windows) in steps of the scale that puts it at half of full scale. Python's
integers do not overflow: that no sum of 32 or 64 bits does is asserted here. Needs numpy.
"""

import json
import math
import zlib

import numpy as np

from kernels import golden_input

CHANNELS, WINDOW, HOP, WINDOWS, RATE = 8, 160, 80, 10, 160.0
TYPES = {"q15": 15, "q31": 31}
# 46.03 uV, the largest sample there can be, at half of full scale.
HALF_SCALE_UV = 46.03125


def scale_uv(bits):
    return 2.0 * HALF_SCALE_UV / (2**bits - 1)


def rounded(x):
    """Half up, of a double."""
    return math.floor(x + 0.5)


def shifted(x, by):
    return x << by if by >= 0 else (x + (1 << (-by - 1))) >> -by


def product(x, y, bits):
    return (x * y + (1 << (bits - 1))) >> bits


def clamp(x, bits):
    limit = 2**bits - 1
    return max(-limit, min(limit, x))


def fits(x, bits=32):
    assert -(2 ** (bits - 1)) <= x < 2 ** (bits - 1), x
    return x


def steps_of(x, bits):
    """round(x / scale), ties to even: the golden input does not saturate."""
    return [[int(v) for v in row] for row in np.rint(x / scale_uv(bits)).astype(np.int64)]


def car(rows, bits):
    out = []
    for row in rows:
        mean = math.floor((2 * sum(row) + len(row)) / (2 * len(row)))
        mean = (2 * sum(row) + len(row)) // (2 * len(row))
        out.append([clamp(x - mean, bits) for x in row])
    return out


def factor(value, bits):
    """(mantissa, shift): the mantissa has `bits` bits."""
    shift = bits
    scaled = value * 2.0**bits
    while scaled < 2.0 ** (bits - 1) and shift < bits + 29:
        scaled *= 2.0
        shift += 1
    return min(rounded(scaled), 2**bits - 1), shift


def notch(rows, bits, f0=60.0, q=30.0):
    half = math.pi * f0 / RATE
    g, beta = math.tan(half), math.tan(half / q)
    k = beta * (1 + g * g) / g
    c1 = 1 / (1 + g * (g + k))
    m1, m2, m3, mk = (factor(c, bits) for c in (c1, g * c1, g * g * c1, k))
    bound = 2 * (4 / math.pi * q + 2)
    shift = 29 - bits - math.ceil(math.log2(bound))
    times = lambda x, m: product(fits(x, 31), m[0], m[1])
    states = [[0, 0] for _ in rows[0]]
    out = []
    for row in rows:
        line = []
        for x, state in zip(row, states):
            a, b = state
            v = shifted(x, shift) - b
            w = times(a, m1) + times(v, m2)
            state[1] = fits(b + 2 * (times(a, m2) + times(v, m3)), 31)
            state[0] = fits(2 * w - a, 31)
            line.append(clamp(x - shifted(times(w, mk), -shift), bits))
        out.append(line)
    return out


def bandpass(rows, bits, low_hz=8.0, high_hz=30.0, taps=129):
    low, high = low_hz / (RATE / 2), high_hz / (RATE / 2)
    m = np.arange(taps) - (taps - 1) / 2
    h = high * np.sinc(high * m) - low * np.sinc(low * m)
    h *= 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(taps) / (taps - 1))
    h /= np.sum(h * np.cos(np.pi * m * (low + high) / 2))
    most = {15: 65536, 31: 2**31 - 1}[bits]
    fraction = bits + 1
    while np.sum(np.abs(h)) * 2.0**fraction > most - taps / 2:
        fraction -= 1
    h = [rounded(v * 2.0**fraction) for v in h]
    assert h == h[::-1]
    out = []
    for t in range(len(rows)):
        line = []
        for c in range(len(rows[0])):
            total = sum(h[n] * rows[t - n][c] for n in range(taps) if n <= t)
            fits(total, 32 if bits == 15 else 64)
            line.append(clamp(product(total, 1, fraction), bits))
        out.append(line)
    return out


def unit(value, bits):
    return rounded(value * 2.0 ** {15: 15, 31: 30}[bits])


def sines(nfft, bits):
    """(cos, sin) of 2 pi t/nfft from a table of a quarter."""
    quarter = nfft // 4
    table = [unit(math.sin(2 * math.pi * t / nfft), bits) for t in range(quarter + 1)]

    def at(t):
        if t <= quarter:
            return table[quarter - t], table[t]
        if t <= 2 * quarter:
            return -table[t - quarter], table[2 * quarter - t]
        return -table[3 * quarter - t], -table[t - 2 * quarter]

    return at


def rfft(samples, bits):
    """Radix 4 on half as many complex points, one pass of radix 2 first where the length asks for it."""
    nfft = len(samples)
    at, fraction = sines(nfft, bits), {15: 15, 31: 30}[bits]

    def turn(z, t):
        (re, im), (cos, sin) = z, at(t)
        return product(re * cos + im * sin, 1, fraction), product(im * cos - re * sin, 1, fraction)

    plus = lambda a, b: (fits(a[0] + b[0]), fits(a[1] + b[1]))
    minus = lambda a, b: (fits(a[0] - b[0]), fits(a[1] - b[1]))
    z = list(zip(samples[::2], samples[1::2]))
    half = len(z)

    def transform(points, stride):
        """Decimation in time: radix 4 from the top, radix 2 at the bottom."""
        n = len(points)
        if n == 1:
            return points
        if n == 2:
            return [plus(*points), minus(*points)]
        parts = [transform(points[i::4], 4 * stride) for i in range(4)]
        out = [None] * n
        for k in range(n // 4):
            x, y, w, v = (
                part[k] if i == 0 or k == 0 else turn(part[k], 2 * i * k * stride)
                for i, part in enumerate(parts)
            )
            even, odd, p, q = plus(x, w), plus(y, v), minus(x, w), minus(y, v)
            q = (q[1], -q[0])
            out[k], out[k + n // 4] = plus(even, odd), plus(p, q)
            out[k + n // 2], out[k + 3 * n // 4] = minus(even, odd), minus(p, q)
        return out

    z = transform(z, 1)
    halved = lambda x: (x + 1) >> 1
    out = [None] * (half + 1)
    out[0], out[half] = (fits(z[0][0] + z[0][1]), 0), (fits(z[0][0] - z[0][1]), 0)
    for k in range(1, half // 2):
        a, b = z[k], z[half - k]
        even = a[0] + b[0], a[1] - b[1]
        odd = turn((a[1] + b[1], b[0] - a[0]), k)
        out[k] = halved(fits(even[0] + odd[0])), halved(fits(even[1] + odd[1]))
        out[half - k] = halved(fits(even[0] - odd[0])), halved(fits(odd[1] - even[1]))
    out[half // 2] = z[half // 2][0], -z[half // 2][1]
    return out


def fft_shift(nfft, bits):
    return 29 - bits - nfft.bit_length() + 1


def fft(window, bits, nfft=256):
    """(bin, channel, re/im) flat, as 32-bit steps."""
    shift = fft_shift(nfft, bits)
    spectra = [
        rfft([shifted(x, shift) for x in line] + [0] * (nfft - len(line)), bits)
        for line in zip(*window)
    ]
    return [part for k in range(nfft // 2 + 1) for spectrum in spectra for part in spectrum[k]]


def welch(window, bits, nfft=256):
    """One segment (the default at a window of 160), in uV^2/Hz."""
    nperseg = len(window)
    shift = fft_shift(nfft, bits)
    hann = [unit(math.sin(math.pi * n / nperseg) ** 2, bits) for n in range(nperseg // 2 + 1)]
    fraction = {15: 15, 31: 30}[bits]
    # The single-precision form rounds 1 / (fs sum w^2) first.
    scale = float(np.float32(1.0 / (RATE * 0.375 * nperseg)))
    step_uv = scale_uv(bits) / 2.0**shift
    scale = np.float32(scale * step_uv * step_uv)
    columns = []
    for line in zip(*window):
        x = [shifted(v, shift) for v in line]
        mean = (2 * fits(sum(x)) + nperseg) // (2 * nperseg)
        x = [
            product(fits(v - mean), hann[min(t, nperseg - t)], fraction) for t, v in enumerate(x)
        ]
        spectrum = rfft(x + [0] * (nfft - nperseg), bits)
        column = []
        for k, (re, im) in enumerate(spectrum):
            power = np.float32(re * re + im * im)
            one_sided = scale if k in (0, nfft // 2) else np.float32(2.0) * scale
            column.append(np.float32(0.0) + one_sided * power)
        columns.append(column)
    return [columns[c][k] for k in range(nfft // 2 + 1) for c in range(len(columns))]


def goertzel(window, bits, bands=((8.0, 13.0), (13.0, 30.0))):
    length = len(window)
    bins = [range(rounded(low * length / RATE), rounded(high * length / RATE) + 1) for low, high in bands]
    bound = 2 * length * math.sqrt(2)
    for k in (k for band in bins for k in band):
        sine = abs(math.sin(2 * math.pi * k / length))
        bound = max(bound, 2 * length / max(sine, 2 / (length + 1)))
    shift = 30 - bits - math.ceil(math.log2(bound))
    step_uv = scale_uv(bits) / 2.0**shift
    scale = np.float32(step_uv * step_uv)
    out = []
    for band in bins:
        for line in zip(*window):
            total = 0
            for k in band:
                half = math.pi * k / length
                upper = 4 * k > length
                chord = math.cos(half) if upper else math.sin(half)
                big_k = rounded(4 * chord * chord * 2.0**29)
                sine = rounded(2 * math.sin(half) * math.cos(half) * 2.0**30)
                s = d = 0
                origin = shifted(line[0], shift)
                for n, x in enumerate(line):
                    x = shifted(x, shift) - origin
                    d = fits(d + (-x if upper and n % 2 else x) - product(s, big_k, 29))
                    s = fits(s + d)
                if k == 0:
                    d += origin * length
                total += (d - product(s, big_k, 30)) ** 2 + product(s, sine, 30) ** 2
            out.append(np.float32(total) * scale)
    return out


def crc_of(values):
    if isinstance(values[0], np.float32):
        return zlib.crc32(np.array(values, "<f4").tobytes())
    return zlib.crc32(np.array(values, "<i4").tobytes())


def main():
    x = golden_input(WINDOW + HOP * (WINDOWS - 1), CHANNELS)
    digests = {}
    for name in ("noop", "car", "notch_iir", "bandpass_fir", "goertzel", "welch_psd", "fft"):
        digests[name] = {}
        for dtype, bits in TYPES.items():
            rows = steps_of(x, bits)
            starts = [HOP * i for i in range(WINDOWS)]
            windows = [rows[start : start + WINDOW] for start in starts]
            streaming = {"noop": lambda r, _: r, "car": car, "notch_iir": notch, "bandpass_fir": bandpass}
            if name in streaming:
                values = [v for row in streaming[name](rows, bits) for v in row]
            else:
                kernel = {"goertzel": goertzel, "welch_psd": welch, "fft": fft}[name]
                values = [v for window in windows for v in kernel(window, bits)]
            digests[name][dtype] = f"{crc_of(values):08x}"
    print(json.dumps(digests))


if __name__ == "__main__":
    main()
