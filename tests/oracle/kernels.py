"""SciPy/NumPy reference of every kernel, in double precision, and the golden files made from it.

    python kernels.py OUT_DIR      writes OUT_DIR/kernels.json and OUT_DIR/kernels.f32

kernels.json lists the cases; a case's reference outputs are `values` little-endian float32 from
value `offset` of kernels.f32 on, in the order a kernel writes them, window after window. The first
window brings `window` new rows, each later one `hop`. Streaming kernels do not depend on how rows
are split, so cases that differ in the hop alone share one reference.

The input is the golden input of cortex-core's kernel/golden.rs, written again here from its
formula. Needs numpy and scipy.
"""

import json
import pathlib
import sys

import numpy as np
from scipy import signal

STREAMING = ("noop", "car", "notch_iir", "bandpass_fir")
CHANNELS = 3
WINDOWS = 5


def golden_input(rows, channels):
    """The integer-made input, rows x channels, exact."""
    n = np.arange(rows, dtype=np.uint64)[:, None]
    c = np.arange(channels, dtype=np.uint64)[None, :]
    word = np.uint64(0xFFFFFFFF)
    value = (n * np.uint64(2654435761) + c * np.uint64(2246822519) + np.uint64(374761393)) & word
    value ^= value >> np.uint64(15)
    value = (value * np.uint64(2246822519)) & word
    value ^= value >> np.uint64(13)
    noise = (value >> np.uint64(20)).astype(np.int64) - 2048
    triangle = 64 * np.abs((n % np.uint64(16)).astype(np.int64) - 8) - 256
    offset = 320 * (c % np.uint64(5)).astype(np.int64) - 640
    return (noise + triangle + offset) / 64.0


def split_spec(spec):
    """(name, params) of a kernel spec such as {"notch_iir": {...}}."""
    (name, params), = spec.items()
    return name, params


def next_power_of_two(length):
    return max(8, 1 << (length - 1).bit_length())


def stream(spec, x, fs):
    """Output rows of a streaming kernel over all input rows, from silence."""
    name, params = split_spec(spec)
    if name == "noop":
        return x
    if name == "car":
        return x - x.mean(axis=1, keepdims=True)
    if name == "notch_iir":
        b, a = signal.iirnotch(params.get("f0_hz", 60.0), params.get("q", 30.0), fs=fs)
        return signal.lfilter(b, a, x, axis=0)
    if name == "bandpass_fir":
        edges = [params.get("low_hz", 8.0), params.get("high_hz", 30.0)]
        taps = signal.firwin(params.get("taps", 129), edges, pass_zero=False, fs=fs)
        return signal.lfilter(taps, [1.0], x, axis=0)
    raise SystemExit(f"no reference for kernel {name}")


def windowed(spec, window, fs):
    """Result of a windowed kernel for one window (samples x channels), flat."""
    name, params = split_spec(spec)
    length = len(window)
    if name == "goertzel":
        bands = params.get("bands", [{"low_hz": 8, "high_hz": 13}, {"low_hz": 13, "high_hz": 30}])
        power = np.abs(np.fft.rfft(window, axis=0)) ** 2
        bin_of = lambda hz: int(np.floor(hz * length / fs + 0.5))
        return np.concatenate(
            [power[bin_of(b["low_hz"]) : bin_of(b["high_hz"]) + 1].sum(axis=0) for b in bands]
        )
    if name == "welch_psd":
        nperseg = params.get("nperseg") or min(256, length)
        noverlap = params.get("noverlap")
        _, psd = signal.welch(
            window,
            fs,
            window="hann",
            nperseg=nperseg,
            noverlap=nperseg // 2 if noverlap is None else noverlap,
            nfft=params.get("nfft") or next_power_of_two(nperseg),
            detrend="constant",
            scaling="density",
            average="mean",
            axis=0,
        )
        return psd.ravel()
    if name == "fft":
        spectrum = np.fft.rfft(window, n=params.get("nfft") or next_power_of_two(length), axis=0)
        return np.stack([spectrum.real, spectrum.imag], axis=-1).ravel()
    raise SystemExit(f"no reference for kernel {name}")


def reference(spec, x, fs, window, hop, windows):
    """All outputs, window after window, flat."""
    if split_spec(spec)[0] in STREAMING:
        return stream(spec, x[: window + hop * (windows - 1)], fs).ravel()
    starts = range(0, hop * windows, hop)
    return np.concatenate([windowed(spec, x[s : s + window], fs) for s in starts])


def golden_specs(rate, window):
    specs = [{"noop": {}}, {"car": {}}] if rate == 160 else [{"car": {}}]
    specs += [{"notch_iir": {"f0_hz": f0, "q": 30.0}} for f0 in (50.0, 60.0)]
    specs += [{"bandpass_fir": {"low_hz": 8.0, "high_hz": 30.0, "taps": 129}}]
    specs += [{"goertzel": {}}, {"welch_psd": {}}, {"fft": {}}]
    specs += [{"welch_psd": {"nperseg": 50, "noverlap": 20, "nfft": 128}}]
    specs += [{"fft": {"nfft": 2 * next_power_of_two(window)}}] if rate == 160 else []
    if rate == 250:
        upper = {"low_hz": 70.0, "high_hz": 124.0}
        specs += [{"goertzel": {"bands": [{"low_hz": 0.0, "high_hz": 3.0}, upper]}}]
        specs += [{"bandpass_fir": {"low_hz": 1.0, "high_hz": 40.0, "taps": 64}}]
    return specs


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = pathlib.Path(sys.argv[1])
    cases, blobs, total = [], [], 0

    def add(spec, rate, window, hops):
        nonlocal total
        x = golden_input(window * WINDOWS, CHANNELS)
        streaming = split_spec(spec)[0] in STREAMING
        shared = total
        for hop in sorted(hops, reverse=True):  # the longest first: the others are its prefixes
            values = reference(spec, x, rate, window, hop, WINDOWS).astype("<f4")
            share = streaming and hop < max(hops)
            cases.append(
                {
                    "spec": spec,
                    "sample_rate_hz": rate,
                    "channels": CHANNELS,
                    "window": window,
                    "hop": hop,
                    "windows": WINDOWS,
                    "offset": shared if share else total,
                    "values": len(values),
                }
            )
            if not share:
                blobs.append(values)
                total += len(values)

    for rate, window, odd in ((160, 160, 37), (250, 250, 61), (1000, 500, 113)):
        for spec in golden_specs(rate, window):
            add(spec, rate, window, (window // 2, window, odd))
    add({"goertzel": {}}, 1000, 1000, (500,))
    add({"welch_psd": {"nperseg": 256, "noverlap": 128}}, 1000, 1000, (500,))
    np.concatenate(blobs).tofile(out / "kernels.f32")
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (out / "kernels.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
