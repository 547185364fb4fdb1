#!/bin/sh
# Every check of the project, with its own set-up: sh tests/all.sh
#
# Set-up: rustup targets for the microcontrollers; QEMU, Chromium, Valgrind and g++ from Debian's
# packages when root; a Python virtual environment with SciPy, MNE and edfio under target/ (they are
# oracles only). Whatever cannot be set up is said in one line, and the checks that need it are skipped.
set -eu
cd "$(dirname "$0")/.."

THUMB="thumbv7em-none-eabihf thumbv7m-none-eabi thumbv6m-none-eabi"
RISCV="riscv32imac-unknown-none-elf"

say() { printf '\n== %s\n' "$*"; }

say "set-up"
if command -v rustup >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    rustup target add $THUMB $RISCV >/dev/null 2>&1 ||
        { echo "could not add the microcontroller targets: run 'rustup target add $THUMB $RISCV'"; exit 1; }
    rustup component add rustfmt clippy >/dev/null 2>&1 || true
fi

packages=""
need() { command -v "$1" >/dev/null 2>&1 || packages="$packages $2"; }
need qemu-system-arm qemu-system-arm
need qemu-system-riscv32 qemu-system-misc
need chromium chromium
need valgrind valgrind
# libFuzzer is C++.
need c++ g++
if [ -n "$packages" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        log=$(mktemp)
        # shellcheck disable=SC2086
        (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages) \
            >"$log" 2>&1 || { tail -5 "$log"; rm -f "$log"; exit 1; }
        rm -f "$log"
    else
        echo "not all checks are run: install$packages for emulated boards, reports in a browser, instruction counts and fuzzing"
    fi
fi
# What is installed must also work: an emulated board that does not start is a failure, not a skipped test.
if command -v qemu-system-arm >/dev/null 2>&1 && command -v qemu-system-riscv32 >/dev/null 2>&1; then
    CORTEX_REQUIRE_EMULATOR=1
    export CORTEX_REQUIRE_EMULATOR
fi

venv=target/oracle-venv
if [ -z "${CORTEX_ORACLE_PYTHON:-}" ]; then
    if ! cmp -s tests/oracle/requirements.txt "$venv/requirements.txt"; then
        rm -rf "$venv"
        mkdir -p target
        if python3 -m venv "$venv" >/dev/null 2>&1 &&
            "$venv/bin/pip" install -q --disable-pip-version-check -r tests/oracle/requirements.txt; then
            cp tests/oracle/requirements.txt "$venv/requirements.txt"
        else
            echo "oracle comparisons are skipped: python3 with venv and pip is needed to install SciPy, MNE and edfio"
            rm -rf "$venv"
        fi
    fi
    if [ -x "$venv/bin/python" ]; then
        CORTEX_ORACLE_PYTHON="$PWD/$venv/bin/python"
        export CORTEX_ORACLE_PYTHON
    fi
fi

say "format"
cargo fmt --all --check
(cd firmware && cargo fmt --all --check)
(cd tests/fuzz && cargo fmt --all --check)

say "lints"
cargo clippy -q --workspace --all-targets -- -D warnings

say "core on microcontroller targets"
for target in $THUMB $RISCV; do
    cargo build -q -p cortex-core --target "$target"
done

say "tests"
cargo test -q --workspace --no-fail-fast

say "instruction counts"
sh scripts/instructions.sh

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps

say "fuzz targets, 60 s each"
sh tests/fuzz.sh 60

if cargo deny --version >/dev/null 2>&1; then
    say "licences, bans and sources"
    for workspace in . firmware tests/fuzz; do
        cargo deny --log-level error --locked --manifest-path "$workspace/Cargo.toml" --config deny.toml \
            check --hide-inclusion-graph licenses bans sources
    done
else
    echo "licences, bans and sources are not checked: cargo install --locked cargo-deny to check them"
fi

say "all checks passed"
