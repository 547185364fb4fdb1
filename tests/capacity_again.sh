#!/bin/sh
# The answer of `capacity`, run again: sh tests/capacity_again.sh [FOLDER]
#
# Asks for the most channels of bandpass_fir that hold for CORTEX_SECONDS (60) and then runs that
# value CORTEX_AGAIN times (20) as long; 19 of 20 must hold, as the confidence of 95 % says. With a
# FOLDER it goes on where it was stopped. Needs a machine that does nothing else, and half an hour.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=${CORTEX_HOST:-$here/../target/release/cortex-host}
seconds=${CORTEX_SECONDS:-60}
times=${CORTEX_AGAIN:-20}
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
cd "$folder"

# A window every 50 ms; one second of data, gone through once for each second.
cat >again.yaml <<'YAML'
dataset:
  path: "primitives/datasets/v2/synthetic"
  params: { signal_type: "pink_noise", duration_s: 1, seed: 42 }
  channels: 2048
  sample_rate_hz: 2000
realtime: { scheduler: "fifo" }
kernels:
  - { name: "bandpass_fir", window: 100, hop: 100, params: { taps: 1025 } }
execution: { warmup_windows: 1 }
YAML

"$binary" capacity --config again.yaml --vary channels --seconds "$seconds" --out capacity --json \
    >capacity.json
channels=$(sed -n 's/^ *"holds": \([0-9][0-9]*\),*$/\1/p' capacity.json | head -1)
echo "the answer: $channels channels for $seconds s"
n=0
held=0
while [ "$n" -lt "$times" ]; do
    n=$((n + 1))
    if [ ! -f "again/run-$n/summary.json" ] || ! grep -q '"complete"' "again/run-$n/summary.json"; then
        rm -rf "again/run-$n"
        "$binary" run --config again.yaml --set "dataset.channels=$channels" --quiet \
            --set "execution.repeat_count=$seconds" --set output.directory=again --name "run-$n"
    fi
    if grep -q '"deadline_missed": 0$' "again/run-$n/summary.json"; then
        held=$((held + 1))
    else
        grep -m 1 '"deadline_missed"' "again/run-$n/summary.json"
    fi
done
echo "run again $times times for $seconds s: $held held"
# 19 of 20, rounded down.
[ "$held" -ge $((times * 19 / 20)) ]
