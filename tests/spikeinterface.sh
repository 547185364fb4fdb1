#!/bin/sh
# SpikeInterface and scikit-learn against v3: sh tests/spikeinterface.sh
#
# `generate --spikeinterface` loads as a recording and a sorting, whose metrics agree with the
# parameters; `score` finds what SpikeInterface's comparison and scikit-learn find. Both come from
# PyPI into a virtual environment under target/.
set -eu
cd "$(dirname "$0")/.."
venv=target/spikeinterface-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c "import spikeinterface, sklearn, numba" 2>/dev/null ||
    "$venv/bin/pip" install -q --disable-pip-version-check \
        "spikeinterface==0.105.3" scikit-learn numba pandas matplotlib
program=${CARGO_TARGET_DIR:-target}/release/cortex-host
[ -n "${CORTEX_NO_BUILD:-}" ] || cargo build -q --release --locked -p cortex-host

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
"$venv/bin/python" tests/oracle/spikeinterface_metrics.py "$program" "$folder"
