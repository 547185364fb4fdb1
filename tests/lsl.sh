#!/bin/sh
# `stream --lsl` against pylsl on this machine: sh tests/lsl.sh [SECONDS]
#
# 64 channels at 1 kHz for SECONDS (120): nothing lost or doubled, sent and received within 1 ms of the
# time stamp at p99, and a drift of the arrivals below 1 ppm when it is long enough to see that
# (600 s). Opt-in: the figures need a machine that does nothing else. pylsl, which brings liblsl, comes
# from PyPI into a virtual environment under target/.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-120}
venv=target/lsl-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c "import pylsl, numpy" 2>/dev/null ||
    "$venv/bin/pip" install -q --disable-pip-version-check pylsl numpy
PYLSL_LIB=${PYLSL_LIB:-$("$venv/bin/python" -c "import pylsl.lib as l; print(l.lib._name)")}
export PYLSL_LIB
program=${CARGO_TARGET_DIR:-target}/release/cortex-host
[ -n "${CORTEX_NO_BUILD:-}" ] || cargo build -q --release --locked -p cortex-host

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
"$program" --quiet generate eeg 64 1000 "$seconds" "$folder/p300.float32" --paradigm=p300
"$program" stream --lsl --wait --json --name cortex-test "$folder/p300.float32.manifest.yaml" \
    >"$folder/sent.json" &
player=$!
# Ten parts per million of a short stream are less than the scheduler's noise.
limit=10
[ "$seconds" -lt 600 ] || limit=1
code=0
"$venv/bin/python" tests/oracle/lsl_inlet.py cortex-test "$folder/p300.float32" 64 1000 \
    "$folder/p300_events.tsv" 1 "$limit" || code=1
[ "$code" = 0 ] || kill "$player" 2>/dev/null || true
wait "$player" || code=1
"$venv/bin/python" - "$folder/sent.json" <<'PYTHON' || code=1
import json, sys
sent = json.load(open(sys.argv[1]))
print(f"sent late by {sent['late_p99_us']:.1f} µs at p99, {sent['late_max_us']:.1f} µs at most")
assert sent["late_p99_us"] < 1000
PYTHON
exit $code
