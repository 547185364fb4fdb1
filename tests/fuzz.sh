#!/bin/sh
# Every fuzz target for SECONDS each, four at a time: sh tests/fuzz.sh [SECONDS] [TARGET...]
#
# Coverage-guided fuzzing with libFuzzer on the stable toolchain, starting from the kept corpus in
# tests/fuzz/corpus (on a copy: a run changes nothing in the checkout). The flags are those of
# `cargo fuzz --sanitizer none`, given to cargo directly: cargo-fuzz itself would take longer to
# build than the targets. Every input has a limit on time and memory. Prints one line a target and
# ends with 1 and the command that shows it when there was a finding.
#
# The first input is the same in every run (CORTEX_FUZZ_SEED, default 1), so that a change is what
# makes the difference between two runs; slow.sh takes another seed each time.
# CORTEX_FUZZ_JOBS=N runs N at a time. CORTEX_FUZZ_KEEP=FOLDER keeps the grown corpora there.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh
seconds=${1:-60}
jobs=${CORTEX_FUZZ_JOBS:-4}
[ $# -gt 0 ] && shift
targets=${*:-$(cd tests/fuzz/fuzz_targets && ls | sed 's/\.rs$//')}

# Per input; a config of 1 MiB takes a hundredth of the time when nothing else runs.
timeout_s=10
rss_mb=512

if ! command -v c++ >/dev/null 2>&1; then
    skip fuzzer "fuzz targets: libFuzzer needs a C++ compiler (Debian: apt-get install g++)"
    exit 0
fi

triple=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0" \
    cargo build --quiet --release --locked --bins --manifest-path tests/fuzz/Cargo.toml \
    --target "$triple" --target-dir target/fuzz
binaries=target/fuzz/$triple/release

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
findings=target/fuzz/findings
mkdir -p "$findings" "$work/tmp"
# Temporary files of the targets: in memory where there is such a place.
tmp=$work/tmp
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
    tmp=$(mktemp -d /dev/shm/cortex-fuzz.XXXXXX)
    trap 'rm -rf "$work" "$tmp"' EXIT
fi

one() {
    name=$1
    cp -r "tests/fuzz/corpus/$name" "$work/$name"
    dictionary=
    [ -f "tests/fuzz/dictionaries/$name" ] && dictionary=-dict=tests/fuzz/dictionaries/$name
    code=0
    # shellcheck disable=SC2086
    TMPDIR=$tmp "$binaries/$name" "$work/$name" $dictionary \
        -max_total_time="$seconds" -seed="${CORTEX_FUZZ_SEED:-1}" -timeout="$timeout_s" -rss_limit_mb="$rss_mb" -print_final_stats=1 \
        -max_len=65536 -artifact_prefix="$findings/$name-" >"$work/$name.log" 2>&1 || code=$?
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log")
    kept=$(find "$work/$name" -type f | wc -l)
    finding=$(sed -n "s|^.*Test unit written to ||p" "$work/$name.log" | tail -1)
    if [ "$code" = 0 ]; then
        echo "$name: ${executed:-?} executions, corpus $kept inputs, 0 findings"
    else
        echo "$name: ${executed:-?} executions, corpus $kept inputs, 1 finding (libFuzzer ended with $code)"
        grep -a -m 6 -e 'panicked at' -e 'ERROR: libFuzzer' -A 3 "$work/$name.log" | cut -c 1-1000 || tail -5 "$work/$name.log"
        echo "  reproduce: $binaries/$name ${finding:-no input was written}"
        : >"$work/found"
    fi
    if [ -n "${CORTEX_FUZZ_KEEP:-}" ]; then
        mkdir -p "$CORTEX_FUZZ_KEEP/$name"
        cp "$work/$name"/* "$CORTEX_FUZZ_KEEP/$name/"
    fi
}

# All take the same time, so that whole batches lose nothing.
running=0
for name in $targets; do
    one "$name" &
    running=$((running + 1))
    [ $((running % jobs)) -ne 0 ] || wait
done
wait
[ ! -e "$work/found" ]
