#!/bin/sh
# Python against Rust and colorednoise, built and measured:
#   sh cortex-host/python/benchmarks/speed.sh
#
# Builds the wheel (scripts/wheel.sh) and the Rust program in the wheel's profile, installs the wheel
# into a virtual environment of its own under target/ and runs speed.py there. With CORTEX_NO_BUILD=1
# it measures what was built before. Needs two minutes of a machine that does nothing else.
set -eu
cd "$(dirname "$0")/../../.."
target=$(rustc -vV | sed -n 's/^host: //p')
venv=target/speed-venv
program=target/python/$target/release/examples/fill_slice

if [ -z "${CORTEX_NO_BUILD:-}" ]; then
    sh scripts/wheel.sh "$target"
    # The flags of the wheel, so that its dependencies are taken as they are.
    . scripts/no-paths.sh
    cargo build -q --release --locked --example fill_slice --features pyo3/extension-module \
        --manifest-path cortex-host/python/Cargo.toml --target "$target" --target-dir target/python
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check colorednoise numpy
    "$venv/bin/pip" install -q --disable-pip-version-check --force-reinstall --no-deps \
        dist/cortex_rs-*_"$(uname -m)".whl
fi
"$venv/bin/python" cortex-host/python/benchmarks/speed.py "$program"
