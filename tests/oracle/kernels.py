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

PRIMITIVES = pathlib.Path(__file__).resolve().parents[2] / "primitives/kernels/v1"
sys.path.insert(0, str(PRIMITIVES))
import oracle  # noqa: E402
from oracle import STREAMING, next_power_of_two  # noqa: E402

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


def stream(spec, x, fs):
    """Output rows of a streaming kernel over all input rows, from silence."""
    return oracle.stream(*split_spec(spec), x, fs)


def windowed(spec, window, fs):
    """Result of a windowed kernel for one window (samples x channels), flat."""
    return oracle.windowed(*split_spec(spec), window, fs)


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
