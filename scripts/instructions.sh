#!/bin/sh
# Instructions of fixed work under callgrind, against the committed counts:
#   sh scripts/instructions.sh           compares; exit 1 when a stage takes 2 % more or less
#   sh scripts/instructions.sh --update  writes the counts again, for a change that means to change them
#
# The counts are of x86-64 with baseline instructions and of one compiler: with another one the
# differences are printed, but are no failure.
set -eu
cd "$(dirname "$0")/.."
counts=tests/golden/instructions-x86_64.txt
stages="v1-1 v1-8 v2-1 v2-8 sine-8 noop car notch_iir bandpass_fir goertzel welch_psd fft"

. tests/skip.sh
command -v valgrind >/dev/null 2>&1 || { skip valgrind "instruction counts: no valgrind"; exit 0; }
[ "$(uname -m)" = x86_64 ] || { skip x86-64 "instruction counts: they are of x86-64"; exit 0; }
binary=$(cargo bench -q -p cortex-bci-core --features std --bench instructions --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p' | tail -1)
[ -x "$binary" ] || { echo "cannot build the bench: cargo bench -p cortex-bci-core --features std --bench instructions --no-run"; exit 2; }

# Instructions of the whole process for one stage.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

base=$(count nothing)
found=$(mktemp)
trap 'rm -f "$found"' EXIT
for stage in $stages; do
    echo "$stage $(($(count "$stage") - base))"
done >"$found"
if [ "${1:-}" = --update ]; then
    { echo "# instructions for 65536 samples, $(rustc --version); scripts/instructions.sh --update"; cat "$found"; } >"$counts"
    cat "$counts"
    exit 0
fi
judge=1
grep -qF "$(rustc --version)" "$counts" || {
    judge=0
    echo "the committed counts are of another compiler: --update writes them again"
}
awk -v judge="$judge" 'NR == FNR { if ($1 != "#") expected[$1] = $2; next }
    !($1 in expected) { print $1 ": no committed count; run with --update"; bad = 1; next }
    { change = 100 * ($2 / expected[$1] - 1)
      printf "%-14s %12d %12d %+7.2f %%\n", $1, expected[$1], $2, change
      if (change > 2 || change < -2) { print $1 ": changed by more than 2 %"; bad = 1 } }
    END { exit bad && judge }' "$counts" "$found"
