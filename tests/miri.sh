#!/bin/sh
# Miri over what it can run of the project: cortex-core's tests, and the unsafe tile ring of the
# host: sh tests/miri.sh
#
# Needs a nightly toolchain, which has Miri as a component; without one this says so and ends
# with 0. Tests that take Miri minutes, or that it cannot run, are marked where they stand.
set -eu
cd "$(dirname "$0")/.."

if ! command -v rustup >/dev/null 2>&1; then
    echo "Miri is not run: it is a component of nightly toolchains, which rustup installs"
    exit 0
fi
if ! rustup run nightly cargo miri --version >/dev/null 2>&1 &&
    ! rustup toolchain install nightly --profile minimal --component miri,rust-src >/dev/null 2>&1; then
    echo "Miri is not run: no nightly toolchain with the components miri and rust-src could be installed"
    exit 0
fi

start=$(date +%s)
export MIRIFLAGS="-Zmiri-disable-isolation"
cargo +nightly miri setup -q --target-dir target/miri
cargo +nightly miri test -q --target-dir target/miri -p cortex-bci-core --lib
cargo +nightly miri test -q --target-dir target/miri -p cortex-host --lib platform::tile_ring
echo "Miri: no undefined behaviour found in $(($(date +%s) - start)) s"
