"""A kernel as a program: gain times the input; `how` and `window` break it on purpose."""

import json
import struct
import sys
import time

read, write = sys.stdin.buffer, sys.stdout.buffer
task = json.loads(read.readline())
params = task["params"]
if params.get("how") == "no json":
    print("Welcome to this kernel!", flush=True)
values = task["window"] * task["channels"]
write.write(json.dumps({"output_values": values}).encode() + b"\n")
write.flush()
window = 0
while header := read.read(4):
    (count,) = struct.unpack("<I", header)
    rows = struct.unpack(f"<{count}f", read.read(4 * count))
    if count == 0:
        window = 0
        if params.get("how") == "raise at reset":
            raise ValueError("no state to go back to")
    elif window == params.get("window"):
        print("cannot go on", file=sys.stderr, flush=True)
        if params.get("how") == "exit":
            sys.exit(7)
        if params.get("how") == "sleep":
            time.sleep(1000)
        if params.get("how") == "too many":
            write.write(struct.pack("<I", values + 1))
        if params.get("how") == "print":
            print("hello", flush=True)
    window += count > 0
    write.write(struct.pack(f"<I{count}f", count, *[params.get("gain", 1.0) * x for x in rows]))
    write.flush()
