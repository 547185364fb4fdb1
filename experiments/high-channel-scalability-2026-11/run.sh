#!/bin/sh
# Generation over channel counts: size, time and peak memory of 60 s at 160 Hz.
#   sh experiments/high-channel-scalability-2026-11/run.sh [FOLDER]
# CORTEX_HOST names the program (default: cortex-host in PATH); needs python3 to read peak memory.
# The least time of five, v1 and v2, then each configuration once.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=${CORTEX_HOST:-cortex-host}
folder=${1:-$(mktemp -d)}
cd "$folder"

measure() {
    python3 -c '
import resource, subprocess, sys, time
best = float("inf")
for _ in range(5):
    start = time.perf_counter()
    subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
    best = min(best, time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{best:.3f} s | {peak:.1f} MiB")' "$@"
}

echo "| Channels | Size | v1: time | peak memory | v2: time | peak memory |"
echo "|---|---|---|---|---|---|"
for channels in 64 256 512 1024 2048; do
    megabytes=$(awk "BEGIN { printf \"%.1f\", $channels * 9600 * 4 / 1e6 }")
    row="| $channels | $megabytes MB"
    for version in v1 v2; do
        row="$row | $(measure "$binary" generate pink_noise "$channels" 160 60 data.float32 --force \
            --primitive "primitives/datasets/$version/synthetic")"
    done
    echo "$row |"
done
for channels in 64 256 512 1024 2048; do
    "$binary" run --quiet --config "$here/configs/synthetic-${channels}ch.yaml"
    echo "configs/synthetic-${channels}ch.yaml: ok"
done
