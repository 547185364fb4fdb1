"""1024 channels x 120 s at 160 Hz from Python, from Rust and from colorednoise, in one run.

    sh cortex-host/python/benchmarks/speed.sh

Each time is the least of many, with all cores; the rounds of the three are mixed, so that all meet
the same machine. Exits with 1 when a limit is not held: 1.1 x the time of fill_slice, and 12 (v1)
and 20 (v2) times as fast as colorednoise.
"""

import subprocess
import sys
import time

import colorednoise
import cortex
import numpy as np

TIMES_FILL_SLICE = 1.1
TIMES_COLOREDNOISE = {"v1": 12, "v2": 20}
SHAPE = {"channels": 1024, "sample_rate_hz": 160, "duration_s": 120}


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    best = {}

    def keep(name, value):
        best[name] = min(best.get(name, value), value)

    def peer():
        return colorednoise.powerlaw_psd_gaussian(1, (1024, 19_200), random_state=42)

    # It makes whole channels in float64: transposed, in µV and float32 it is the same array.
    def same_array():
        return np.ascontiguousarray(peer().T * 100, np.float32)

    for _ in range(4):
        for generator in ("v1", "v2"):
            for _ in range(10):
                keep(f"python {generator}",
                     seconds(lambda: cortex.generate("pink_noise", generator=generator, **SHAPE)))
        keep("colorednoise", seconds(peer))
        keep("as float32", seconds(same_array))
        for line in subprocess.check_output([sys.argv[1]], text=True).splitlines():
            generator, milliseconds = line.split()
            keep(f"rust {generator}", float(milliseconds) / 1e3)
    for name, value in best.items():
        print(f"{name:14} {value * 1e3:8.1f} ms")
    held = True
    for generator, least in TIMES_COLOREDNOISE.items():
        ours = best[f"python {generator}"]
        faster, longer = best["colorednoise"] / ours, ours / best[f"rust {generator}"]
        print(f"{generator}: {faster:.1f} times as fast as colorednoise (at least {least}), "
              f"{longer:.2f} x the time of fill_slice (at most {TIMES_FILL_SLICE})")
        held &= faster >= least and longer <= TIMES_FILL_SLICE
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
