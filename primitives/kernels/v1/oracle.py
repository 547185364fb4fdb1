"""References of the compiled kernels in double precision, with NumPy and SciPy.

As a program it is an oracle for `cortex-host validate NAME`, in the framing of
docs/guides/your-own-kernel.md. As a module it is what tests/oracle/kernels.py makes golden files from.
"""

import json
import struct
import sys

import numpy as np

STREAMING = ("noop", "car", "notch_iir", "bandpass_fir")


def next_power_of_two(length):
    return max(8, 1 << (length - 1).bit_length())


def stream(name, params, x, fs):
    """Output rows of a streaming kernel over all input rows, from silence."""
    if name == "noop":
        return x
    if name == "car":
        return x - np.nanmean(x, axis=1, keepdims=True)
    # Imported where it is used: it takes longer than all that an oracle computes.
    from scipy import signal

    if name == "notch_iir":
        b, a = signal.iirnotch(params.get("f0_hz", 60.0), params.get("q", 30.0), fs=fs)
        return signal.lfilter(b, a, x, axis=0)
    if name == "bandpass_fir":
        edges = [params.get("low_hz", 8.0), params.get("high_hz", 30.0)]
        taps = signal.firwin(params.get("taps", 129), edges, pass_zero=False, fs=fs)
        return signal.lfilter(taps, [1.0], x, axis=0)
    raise SystemExit(f"no reference for kernel {name}")


def windowed(name, params, window, fs):
    """Result of a windowed kernel for one window (samples x channels), flat."""
    length = len(window)
    if name == "goertzel":
        bands = params.get("bands", [{"low_hz": 8, "high_hz": 13}, {"low_hz": 13, "high_hz": 30}])
        power = np.abs(np.fft.rfft(window, axis=0)) ** 2
        bin_of = lambda hz: int(np.floor(hz * length / fs + 0.5))
        return np.concatenate(
            [power[bin_of(b["low_hz"]) : bin_of(b["high_hz"]) + 1].sum(axis=0) for b in bands]
        )
    if name == "welch_psd":
        from scipy import signal

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


def held(x):
    """Missing samples replaced by the channel's previous one, 0 before the first."""
    x = x.copy()
    previous = np.zeros(x.shape[1])
    for row in x:
        bad = ~(np.abs(row) <= 1e12)
        row[bad] = previous[bad]
        previous = row
    return x


def main():
    read, write = sys.stdin.buffer, sys.stdout.buffer
    task = json.loads(read.readline())
    name, params, fs = task["name"], task["params"], task["sample_rate_hz"]
    channels, window = task["channels"], task["window"]
    # The largest answer: spectra have at most twice the values of their transform.
    longest = max(next_power_of_two(window), params.get("nfft") or 0)
    write.write(json.dumps({"output_values": 2 * (longest + 2) * channels}).encode() + b"\n")
    write.flush()
    rows = np.zeros((0, channels))
    while header := read.read(4):
        (count,) = struct.unpack("<I", header)
        new = np.frombuffer(read.read(4 * count), "<f4").astype(float).reshape(-1, channels)
        if count == 0:
            rows, output = np.zeros((0, channels)), np.zeros(0)
        else:
            rows = np.concatenate([rows, new])
            # The common average leaves missing samples out; noop passes them; all others hold.
            x = rows if name in ("noop", "car") else held(rows)
            if name in STREAMING:
                output = stream(name, params, x, fs)[-len(new) :].ravel()
            else:
                output = windowed(name, params, x[-window:], fs)
        write.write(struct.pack("<I", len(output)) + output.astype("<f4").tobytes())
        write.flush()


if __name__ == "__main__":
    main()
