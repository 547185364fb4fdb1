#!/bin/sh
# The suites that take too long for every day: sh tests/slow.sh [PART...]
#
#   kill     kill -9 at random moments of generate, run, convert, download, merge and sweep:
#            CORTEX_KILL_TRIALS of each (default 250, so 1500 in all)
#   link     broken frames against the decoder and both sessions: CORTEX_FUZZ_FRAMES (default 20000000)
#   fuzz     every fuzz target for CORTEX_FUZZ_SECONDS (default 300), from another seed each time
#   memory   a dataset of 2 GB within 256 MiB of address space
#   release  the release archive, unpacked and used elsewhere
#   package  both crates packed, built from their packages alone, and the program run elsewhere
#   book     the documentation as a book with search, its links checked
#   pico     the Pico's image in an emulated RP2040: CORTEX_PICO_SEEDS runs with oversize frames (20)
#            after CORTEX_PICO_JUNK stray bytes (65536)
#   images   a kernel in C and one in Rust, in images of three boards each; libgcc's float routines
#   guide    the kernel of the guide, built into the program and run natively and as a device
#   deaths   1,000 kernels that break their process: CORTEX_DEATHS
#   statistics  coverage of the intervals and false alarms of compare, thousands of series each
#   capacity the answer of capacity run again 20 times for 60 s: on a machine that does nothing else
#   static   cortex-host serve as one static program for x86-64, aarch64 and armv7; what is for another
#            processor runs in qemu-user
#   platforms  the host compiles for Windows and macOS
#   portability  digests, the program and unit tests on ten targets, in emulation
#   windows  the Windows program under Wine
#   wheel    the Python package's wheel in a fresh environment
#   msrv     everything compiles with the oldest Rust promised
#   lsl      `stream --lsl` received by pylsl: 64 channels at 1 kHz for CORTEX_LSL_SECONDS (120; 600 for
#            the clock's drift); on a machine that does nothing else
#   spikeinterface  `generate --spikeinterface` loaded by SpikeInterface, `score` against it and
#            scikit-learn; installs both from PyPI
#   slurm    the cluster guide on a real Slurm; needs root and installs packages
#
# Without a part: all but slurm, lsl, capacity and spikeinterface. Builds what a part needs and says what it found.
set -eu
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

part() {
    case "$1" in
    kill)
        say "kill -9: ${CORTEX_KILL_TRIALS:=250} trials of each command"
        export CORTEX_KILL_TRIALS
        cargo test -q -p cortex-tests --test files killed:: -- --nocapture --test-threads 1
        ;;
    link)
        say "link: ${CORTEX_FUZZ_FRAMES:=20000000} broken frames"
        export CORTEX_FUZZ_FRAMES
        cargo test -q -p cortex-tests --test link fuzz:: -- --nocapture
        ;;
    fuzz)
        say "fuzz targets: ${CORTEX_FUZZ_SECONDS:=300} s each"
        CORTEX_FUZZ_SEED=${CORTEX_FUZZ_SEED:-$(date +%s)} sh tests/fuzz.sh "$CORTEX_FUZZ_SECONDS"
        ;;
    memory)
        say "a dataset larger than memory"
        cargo build -q --release --locked -p cortex-host
        sh tests/larger_than_memory.sh
        ;;
    release)
        say "the release archive"
        sh tests/release.sh
        ;;
    package)
        say "the crates' packages"
        sh tests/package.sh
        ;;
    book)
        say "the book"
        sh scripts/book.sh
        ;;
    pico)
        say "the Pico: ${CORTEX_PICO_SEEDS:=20} seeds, ${CORTEX_PICO_JUNK:=65536} stray bytes"
        export CORTEX_PICO_SEEDS CORTEX_PICO_JUNK
        cargo test -q -p cortex-tests --test emulated pico -- --nocapture --include-ignored
        ;;
    guide)
        say "the kernel of docs/guides/built-in-kernel.md"
        CORTEX_GUIDE_RUN=1 cargo test -q -p cortex-tests --test docs guide_own_kernel
        ;;
    images)
        say "kernels of one's own on three boards"
        CORTEX_ALL_IMAGES=1 cargo test -q -p cortex-tests --test emulated one_source
        sh tests/libgcc.sh
        ;;
    deaths)
        say "${CORTEX_DEATHS:=1000} kernels that break their process"
        export CORTEX_DEATHS
        cargo test -q -p cortex-tests --test run many_deaths -- --nocapture
        ;;
    statistics)
        say "intervals cover 95 %, equal runs show no difference"
        cargo test -q -p cortex-host --lib coverage -- --ignored --nocapture
        cargo test -q --release -p cortex-tests --test run coverage -- --ignored --nocapture
        ;;
    capacity)
        say "the answer of capacity, run again"
        cargo build -q --release --locked -p cortex-host
        sh tests/capacity_again.sh
        ;;
    static)
        say "static programs serve"
        sh tests/serve_static.sh
        ;;
    platforms)
        say "other systems"
        sh tests/platforms.sh
        ;;
    portability)
        say "other processors"
        sh tests/portability.sh
        ;;
    windows)
        say "Windows"
        sh tests/windows.sh
        ;;
    wheel)
        say "the wheel"
        sh tests/wheel.sh
        ;;
    msrv)
        rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
        say "Rust $rust"
        rustup toolchain install --profile minimal "$rust" >/dev/null 2>&1 ||
            { echo "rustup cannot install Rust $rust"; exit 1; }
        cargo "+$rust" check -q --workspace --locked --target-dir target/msrv
        ;;
    lsl)
        say "pylsl receives ${CORTEX_LSL_SECONDS:=120} s"
        sh tests/lsl.sh "$CORTEX_LSL_SECONDS"
        ;;
    spikeinterface)
        say "SpikeInterface and scikit-learn"
        sh tests/spikeinterface.sh
        ;;
    slurm)
        say "a real Slurm"
        sh tests/slurm.sh
        ;;
    help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' tests/slow.sh; exit ;;
    *)
        sed -n '2,/^set -eu/s/^# \{0,1\}//p' tests/slow.sh
        echo "tests/slow.sh: there is no part '$1'"
        exit 2
        ;;
    esac
}

[ $# -gt 0 ] || set -- kill link fuzz memory release package book pico images guide statistics deaths static platforms \
    portability windows wheel msrv
for name; do part "$name"; done
say "slow suites passed: $*"
