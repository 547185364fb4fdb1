#!/bin/sh
# Golden digests on other processors and systems, in emulation: sh tests/portability.sh [TARGET...]
#
# Prints a table of targets and of what is equal there:
#
#   digests   every signal of every version and every kernel in every form, bit by bit those of this
#             machine, and the kernels' those of their spec.yaml
#   program   little-endian Linux: generates every golden dataset, with vector instructions and
#             without, writes a file that has the SHA-256 of this machine's, reproduces it, runs the
#             kernels and serves itself as a device
#   tests     32 bit: the unit tests of both crates
#
# Windows runs under Wine: tests/windows.sh. Needs rustup; qemu-user, cross compilers (as linkers)
# and node come from Debian's packages when root. A target that cannot be had is left out and named.
# Opt-in: it builds the program for seven targets; with CORTEX_PORTABILITY_CORE=1 digests are all
# that is compared.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh

# Target, emulator, linker, its package, where its libraries lie.
TARGETS="x86_64-unknown-linux-gnu - - - -
x86_64-unknown-linux-musl - - - -
aarch64-unknown-linux-gnu qemu-aarch64 aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu /usr/aarch64-linux-gnu
aarch64-unknown-linux-musl qemu-aarch64 rust-lld - -
armv7-unknown-linux-gnueabihf qemu-arm arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf /usr/arm-linux-gnueabihf
i686-unknown-linux-gnu qemu-i386 i686-linux-gnu-gcc gcc-i686-linux-gnu /usr/i686-linux-gnu
riscv64gc-unknown-linux-gnu qemu-riscv64 riscv64-linux-gnu-gcc gcc-riscv64-linux-gnu /usr/riscv64-linux-gnu
s390x-unknown-linux-gnu qemu-s390x s390x-linux-gnu-gcc gcc-s390x-linux-gnu /usr/s390x-linux-gnu
powerpc64-unknown-linux-gnu qemu-ppc64 powerpc64-linux-gnu-gcc gcc-powerpc64-linux-gnu /usr/powerpc64-linux-gnu
wasm32-wasip1 node - - -"
known=$(echo "$TARGETS" | cut -d' ' -f1)
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $known
for target; do
    echo "$known" | grep -qx "$target" || { echo "no target of ours: $target"; exit 2; }
done
wanted=" $* "

has() { command -v "$1" >/dev/null 2>&1; }
here=$(rustc -vV | sed -n 's/^host: //p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/portability"
datasets=$(echo primitives/datasets/v*/synthetic)

if [ "$(id -u)" = 0 ] && has apt-get; then
    packages=
    has qemu-aarch64 || packages="$packages qemu-user"
    has node || packages="$packages nodejs"
    while read -r target _ linker package _; do
        case "$wanted" in *" $target "*) ;; *) continue ;; esac
        [ "$package" = - ] || has "$linker" || packages="$packages $package"
    done <<LIST
$TARGETS
LIST
    if [ -n "$packages" ]; then
        # With the C libraries, which the compilers recommend. i386's is left to qemu-i386 -L.
        # shellcheck disable=SC2086
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y $packages; } \
            >"$work/apt" 2>&1 || { tail -5 "$work/apt"; exit 1; }
    fi
fi

# WebAssembly's programs run in node.
cat >"$work/wasi.cjs" <<'SCRIPT'
const { WASI } = require("node:wasi");
const wasi = new WASI({ version: "preview1", returnOnExit: true });
const module_ = new WebAssembly.Module(require("node:fs").readFileSync(process.argv[2]));
process.exit(wasi.start(new WebAssembly.Instance(module_, wasi.getImportObject())));
SCRIPT

# Runs a program of the present target.
start() {
    case "$emulator" in
    -) "$@" ;;
    node) node --no-warnings "$work/wasi.cjs" "$@" ;;
    *) if [ "$libraries" = - ]; then "$emulator" "$@"; else "$emulator" -L "$libraries" "$@"; fi ;;
    esac
}

# Builds for all TARGETs at once.
build() {
    options=$1
    shift
    # shellcheck disable=SC2046,SC2086
    [ $# = 0 ] || cargo build -q --locked $options $(printf -- '--target %s ' "$@")
}

# The core's digests on the present target, in $work/digests-TARGET.
digests() {
    example=$CARGO_TARGET_DIR/$target/debug/examples/digests
    [ -f "$example" ] || example=$example.wasm
    start "$example" >"$work/digests-$target"
}

# Whether the emulator of s390x multiplies wrongly: QEMU 7.2 takes the first factor of MDEBR, which is
# of single precision, for one of double precision. Products of two such numbers that are wanted in
# double precision are compiled to it; there is one in all generators and kernels, in the design of
# an EEG's rhythms (f32 coefficients squared in f64).
multiplies_wrongly() {
    [ "$target" = s390x-unknown-linux-gnu ] || return 1
    cat >"$work/product.c" <<'PRODUCT'
int main(void) {
    volatile float a = 1.5f, b = 1.25f;
    float x = a, y = b;
    double product;
    __asm__("ler %0,%1\n\tmdebr %0,%2" : "=&f"(product) : "f"(x), "f"(y));
    return product != 1.875;
}
PRODUCT
    s390x-linux-gnu-gcc -O1 -o "$work/product" "$work/product.c" || return 1
    if start "$work/product"; then return 1; fi
}

# Digests of the present target equal to this machine's: how many, or DIFFER.
compared() {
    if ! digests; then
        echo DIFFER
    elif cmp "$work/digests-$target" "$work/digests-$here" >&2; then
        echo "$count"
    elif multiplies_wrongly && grep -v 'v3 EegParams' "$work/digests-$here" >"$work/others" &&
        grep -v 'v3 EegParams' "$work/digests-$target" | cmp - "$work/others" >&2; then
        echo "$target: v3's EEG is not compared: $emulator says that MDEBR of 1.5 and 1.25 is not 1.875" >&2
        echo "$((count - 1))"
    else
        echo DIFFER
    fi
}

# The dataset that every target writes.
generate() { start "$1" --quiet generate pink_noise 17 250 40 "$2" --seed 7 --force; }

# The whole program on the present target.
whole_program() {
    file=$CARGO_TARGET_DIR/$target/debug/cortex-host
    for dataset in $datasets; do
        start "$file" --quiet verify "$dataset" >/dev/null
        start "$file" --quiet verify "$dataset" --simd scalar >/dev/null
    done
    start "$file" --quiet verify --device loopback >/dev/null
    generate "$file" "$work/$target.float32" >/dev/null
    cmp "$work/$target.float32" "$work/here.float32"
    start "$file" --quiet reproduce "$work/$target.float32.manifest.yaml" >/dev/null
    start "$file" --quiet run --config primitives/configs/board.yaml --json \
        --set "output.directory=$work/results" >/dev/null
    start "$file" --quiet run --device loopback --json --set "output.directory=$work/results" \
        >"$work/summary"
    [ "$(grep -c '"different": 0' "$work/summary")" -ge 7 ]
}

# Those there are: all, and those of them that the program runs on.
all=
whole=
while read -r target emulator linker _; do
    case "$wanted" in *" $target "*) ;; *) continue ;; esac
    if ! rustup target add "$target" >/dev/null 2>&1; then
        skip portability "$target: rustup has no standard library for it"
        continue
    fi
    if [ "$emulator" != - ] && ! has "$emulator"; then
        skip portability "$target: $emulator is not installed"
        continue
    fi
    name=$(echo "$target" | tr a-z- A-Z_)
    if [ "$linker" != - ]; then
        if [ "$linker" != rust-lld ] && ! has "$linker"; then
            skip portability "$target: $linker is not installed"
            continue
        fi
        export "CARGO_TARGET_${name}_LINKER=$linker"
    fi
    export "CARGO_TARGET_${name}_RUSTFLAGS="
    all="$all $target"
    case "$target" in
    s390x* | powerpc64-* | wasm32*) ;;
    *) whole="$whole $target" ;;
    esac
done <<LIST
$TARGETS
LIST
[ -z "${CORTEX_PORTABILITY_CORE:-}" ] || whole=

# What all others are compared with.
target=$here emulator=- libraries=-
case "$all " in *" $here "*) with=$all ;; *) with="$all $here" ;; esac
# shellcheck disable=SC2086
build "-p cortex-bci-core --example digests" $with
digests
for spec in primitives/kernels/v1/*/spec.yaml; do
    name=$(basename "$(dirname "$spec")")
    sed -n 's/^ *crc32: "\(.*\)"/\1/p' "$spec" >"$work/golden"
    sed -n "s/^kernel $name [^ ]* //p" "$work/digests-$here" | cmp -s - "$work/golden" ||
        { echo "digests of $name are not those of $spec"; exit 1; }
done
if [ -n "$whole" ]; then
    case "$whole " in *" $here "*) with=$whole ;; *) with="$whole $here" ;; esac
    # shellcheck disable=SC2086
    build "-p cortex-host --no-default-features --features cli" $with
    generate "$CARGO_TARGET_DIR/$here/debug/cortex-host" "$work/here.float32" >/dev/null
fi

count=$(wc -l <"$work/digests-$here")
row() { printf '| %-29s | %-12s | %-7s | %-7s | %-5s |\n' "$@"; }
row target "runs in" digests program tests
row ----------------------------- ------------ ------- ------- -----
failed=
while read -r target emulator _ _ libraries; do
    case "$all " in *" $target "*) ;; *) continue ;; esac
    program=- tests=-
    same=$(compared)
    [ "$same" != DIFFER ] || failed="$failed $target"
    case "$whole " in
    *" $target "*)
        if (set -e; whole_program) </dev/null; then
            program=equal
        else
            program=FAILED failed="$failed $target"
        fi
        ;;
    esac
    case "$target-$program" in
    armv7*-equal | i686*-equal)
        name=$(echo "$target" | tr a-z- A-Z_)
        export "CARGO_TARGET_${name}_RUNNER=$emulator -L $libraries"
        if cargo test -q --locked -p cortex-bci-core -p cortex-host --no-default-features \
            --features cortex-host/cli,cortex-bci-core/v3 --lib --target "$target" \
            >"$work/tests" 2>&1 </dev/null; then
            tests=$(sed -n 's/^test result: ok. \([0-9]*\) passed.*/\1/p' "$work/tests" |
                awk '{ sum += $1 } END { print sum }')
        else
            tests=FAILED failed="$failed $target"
            grep -e panicked -e '^error' -e '^test result' "$work/tests" >&2 || tail -20 "$work/tests" >&2
        fi
        ;;
    esac
    row "$target" "$emulator" "$same" "$program" "$tests"
done <<LIST
$TARGETS
LIST
[ -z "$failed" ] || { echo "not equal:$failed"; exit 1; }
