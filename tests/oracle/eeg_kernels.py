"""Compares raw kernel outputs over a real recording with SciPy in double precision.

    python eeg_kernels.py --recording FILE.float32 --channels 64 --sample-rate-hz 160
        --window 160 --hop 80 --kernel-data DIR [--windows N] [--tolerance 1e-5]
        [--spec '{"notch_iir": {"f0_hz": 50.0, "q": 30.0}}' ...] [KERNEL ...]

DIR/<kernel>/outputs.npy holds the values a kernel wrote, window after window, little-endian
float32, the first window fed `window` rows and each later one `hop`. KERNELs default to the
folders of DIR that hold outputs.npy; a kernel runs with its default parameters unless a --spec
names it. Prints one JSON object per kernel; exit code 1 when one is over the tolerance, has
values that are not finite, or not the number of windows asked (default: all that fit).

A streaming kernel's error is relative to the RMS of its channel's reference, a band power's to itself, a
spectrum's and a density's to the largest value of its window and channel: a bin far below the
largest carries the transform's absolute error, whatever the algorithm.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

from kernels import STREAMING, reference, split_spec


def worst_error(name, outputs, expected, channels, windows):
    error = np.abs(outputs - expected)
    if name in STREAMING:
        expected = expected.reshape(-1, channels)
        return np.max(error.reshape(-1, channels) / np.sqrt(np.mean(expected**2, axis=0)))
    if name == "goertzel":
        return np.max(error / expected)
    parts = 2 if name == "fft" else 1
    shape = (windows, -1, channels, parts)
    error, expected = error.reshape(shape), expected.reshape(shape)
    size = np.sqrt(np.sum(expected**2, axis=3))
    return np.max(np.sqrt(np.sum(error**2, axis=3)) / size.max(axis=1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=pathlib.Path, required=True)
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--sample-rate-hz", type=float, required=True)
    parser.add_argument("--window", type=int, required=True)
    parser.add_argument("--hop", type=int, required=True)
    parser.add_argument("--kernel-data", type=pathlib.Path, required=True)
    parser.add_argument("--windows", type=int)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--spec", type=json.loads, action="append", default=[])
    parser.add_argument("kernel", nargs="*")
    args = parser.parse_args()

    x = np.fromfile(args.recording, dtype="<f4").reshape(-1, args.channels).astype(np.float64)
    windows = args.windows or (len(x) - args.window) // args.hop + 1
    specs = {split_spec(spec)[0]: spec for spec in args.spec}
    found = sorted(path.parent.name for path in args.kernel_data.glob("*/outputs.npy"))
    kernels = args.kernel or found
    if not kernels:
        raise SystemExit(f"no outputs.npy below {args.kernel_data}")
    passed = True
    for name in kernels:
        outputs = np.load(args.kernel_data / name / "outputs.npy").ravel()
        spec = specs.get(name, {name: {}})
        expected = reference(spec, x, args.sample_rate_hz, args.window, args.hop, windows)
        result = {"kernel": name, "values": len(outputs), "expected_values": len(expected)}
        ok = len(outputs) == len(expected) and bool(np.isfinite(outputs).all())
        if ok:
            worst = float(worst_error(name, outputs, expected, args.channels, windows))
            result["worst_relative_error"] = worst
            ok = worst <= args.tolerance
        result["ok"] = ok
        passed &= ok
        print(json.dumps(result))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
