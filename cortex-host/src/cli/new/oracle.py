"""Reference of @NAME@ in double precision, for cortex-host validate.

A program in the framing of docs/guides/your-own-kernel.md: one line of JSON each way, then for each window a
count and that many float32, little-endian, each way; a count of 0 asks for the state before the first
sample.
"""

import json
import math
import struct
import sys


def main():
    read, write = sys.stdin.buffer, sys.stdout.buffer
    task = json.loads(read.readline())
    channels = task["channels"]
    write.write(json.dumps({"output_values": task["window"] * channels}).encode() + b"\n")
    write.flush()
    w = 2.0 * math.pi * task["params"].get("cutoff_hz", 10.0) / task["sample_rate_hz"]
    a = w / (1.0 + w)
    held, y = [0.0] * channels, [0.0] * channels
    while header := read.read(4):
        (count,) = struct.unpack("<I", header)
        x = struct.unpack(f"<{count}f", read.read(4 * count))
        if count == 0:
            held, y = [0.0] * channels, [0.0] * channels
        output = []
        for n, sample in enumerate(x):
            c = n % channels
            if abs(sample) <= 1e12:  # False for NaN.
                held[c] = sample
            y[c] += a * (held[c] - y[c])
            output.append(y[c])
        write.write(struct.pack(f"<I{count}f", count, *output))
        write.flush()


main()
