"""1024 channels x 120 s at 160 Hz from Python, from Rust and from colorednoise, in one run.

    cargo build --release --example fill_slice --features pyo3/extension-module \\
        --manifest-path cortex-host/python/Cargo.toml --target-dir target/python
    python cortex-host/python/benchmarks/speed.py target/python/release/examples/fill_slice

Each time is the least of many, with all cores; the rounds of the three are mixed, so that all meet
the same machine.
"""

import subprocess
import sys
import time

import colorednoise
import cortex
import numpy as np

SHAPE = {"channels": 1024, "sample_rate_hz": 160, "duration_s": 120}


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    best = {}

    def keep(name, value):
        best[name] = min(best.get(name, value), value)

    # numpy's transform makes whole channels; transposed and as float32 it is the same array.
    def peer():
        noise = colorednoise.powerlaw_psd_gaussian(1, (1024, 19_200), random_state=42)
        return np.ascontiguousarray(noise.T * 100, np.float32)

    for _ in range(4):
        for generator in ("v1", "v2"):
            for _ in range(10):
                keep(f"python {generator}",
                     seconds(lambda: cortex.generate("pink_noise", generator=generator, **SHAPE)))
        keep("colorednoise", seconds(peer))
        if len(sys.argv) > 1:
            for line in subprocess.check_output([sys.argv[1]], text=True).splitlines():
                generator, milliseconds = line.split()
                keep(f"rust {generator}", float(milliseconds) / 1e3)
    for name, value in best.items():
        print(f"{name:14} {value * 1e3:8.1f} ms")
    for generator in ("v1", "v2"):
        ours = best[f"python {generator}"]
        print(f"{generator}: {best['colorednoise'] / ours:.1f} times as fast as colorednoise", end="")
        rust = best.get(f"rust {generator}")
        print("" if rust is None else f", {ours / rust:.2f} x the time of fill_slice")


if __name__ == "__main__":
    main()
