#!/bin/sh
# `stream --lsl` against pylsl on this machine: sh tests/lsl.sh [SECONDS]
#
# 64 channels at 1 kHz for SECONDS (120): nothing lost or doubled, half of the samples received within
# a fraction of a millisecond, p99 below 1 ms, and the clock's drift below 1 ppm when it is long enough
# to see that (600 s). Opt-in: the figures need a machine that does nothing else. pylsl, which
# brings liblsl, comes from PyPI into a virtual environment under target/.
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
"$program" stream --lsl --wait --name cortex-test "$folder/p300.float32.manifest.yaml" &
player=$!
# Ten parts per million of a short stream are less than the scheduler's noise.
limit=10
[ "$seconds" -lt 600 ] || limit=1
code=0
"$venv/bin/python" tests/oracle/lsl_inlet.py cortex-test "$folder/p300.float32" 64 1000 \
    "$folder/p300_events.tsv" 1 "$limit" || code=1
[ "$code" = 0 ] || kill "$player" 2>/dev/null || true
wait "$player" || code=1
exit $code
