#!/bin/sh
# The Windows program under Wine: sh tests/windows.sh [PROGRAM.exe]
#
# PROGRAM.exe, such as that of a release archive, or else one built for x86_64-pc-windows-gnu with
# MinGW, generates (the bytes are those of this machine), reproduces, verifies, runs natively and in
# loopback, inspects and reports. A DLL is a kernel of a user's own. An emulated board is the serial
# port COM7, where qemu-system-arm is installed. A killed program leaves no emulator behind.
# Wine (Debian's wine64) and MinGW are installed when root.
# Opt-in: it builds the program for two systems.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh

has() { command -v "$1" >/dev/null 2>&1; }
target=x86_64-pc-windows-gnu
packages=
has x86_64-w64-mingw32-gcc || packages="$packages gcc-mingw-w64-x86-64"
has wine || packages="$packages wine wine64"
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && has apt-get; then
    log=$(mktemp)
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } \
        >"$log" 2>&1 || { tail -5 "$log"; exit 1; }
    rm -f "$log"
fi
has wine && has x86_64-w64-mingw32-gcc ||
    { skip wine "the Windows program: Wine and MinGW are not installed"; exit; }
rustup target add "$target" >/dev/null 2>&1 || { echo "could not add $target"; exit 1; }

work=$(mktemp -d)
emulator=
trap 'test -z "$emulator" || kill "$emulator"; wineserver -k 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export WINEPREFIX="$work/wine" WINEDEBUG=-all
root=$PWD
artifacts=${CARGO_TARGET_DIR:-$root/target}
# As the tests build it.
cargo build -q --locked --workspace --bins
here=$artifacts/debug/cortex-host
if [ $# -gt 0 ]; then
    there=$(realpath "$1")
else
    cargo build -q --locked -p cortex-host --target "$target"
    there=$artifacts/$target/debug/cortex-host.exe
fi
# Debian's Wine tells on stderr that it cannot run programs of 32 bit.
windows() {
    wine "$there" --quiet "$@" 2>"$work/stderr" ||
        { code=$?; cat "$work/stderr" >&2; return "$code"; }
}
wineboot -i >/dev/null 2>&1
system="$WINEPREFIX/drive_c/windows/system32"
if [ ! -f "$system/bcryptprimitives.dll" ]; then
    # Wine before 9 lacks the library that Rust's standard library has its random numbers from.
    cat >"$work/random.c" <<'SOURCE'
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID data, ULONG bytes);
__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *data, SIZE_T bytes) {
    return SystemFunction036(data, (ULONG)bytes);
}
SOURCE
    x86_64-w64-mingw32-gcc -shared -o "$system/bcryptprimitives.dll" "$work/random.c" -ladvapi32
fi
image=$work/mps2-an386.elf
! has qemu-system-arm || "$here" --quiet firmware mps2-an386 "$image" >/dev/null
cp -R primitives "$work/"
cd "$work"

say() { printf '%s: %s\n' "$target" "$*"; }

for signal in "pink_noise 17 250 40" "sine_wave 3 160 2"; do
    # shellcheck disable=SC2086
    "$here" --quiet generate $signal here.float32 --seed 7 --force >/dev/null
    # shellcheck disable=SC2086
    windows generate $signal there.float32 --seed 7 --force >/dev/null
    cmp here.float32 there.float32
done
windows reproduce there.float32.manifest.yaml >/dev/null
# Its manifest is good here.
"$here" --quiet reproduce there.float32.manifest.yaml >/dev/null
say "generate and reproduce: the bytes of this machine"

for dataset in primitives/datasets/v*/synthetic; do
    windows verify "$dataset" | tail -1 | grep -q '^verified'
done
windows verify --device loopback | tail -1 | grep -q '^verified'
say "verify: every golden digest"

windows run --config primitives/configs/board.yaml --json --set realtime.scheduler=fifo \
    --set "realtime.cpu_affinity=[0]" >native.json
grep -q '"scheduler": "time_critical"' native.json
grep -q '"warnings": \[\]' native.json
windows run --device loopback --json >loopback.json
[ "$(grep -c '"different": 0' loopback.json)" -ge 7 ]
# The folder of the run that printed the file $1.
folder_of() { sed -n 's/^  "folder": "\(.*\)",*$/\1/p' "$1" | tr -s '\\' /; }
for summary in native.json loopback.json; do
    folder=$(folder_of "$summary")
    test -s "$folder/report.html"
    windows report "$folder" >/dev/null
done
say "run, natively and in loopback, and report: seven kernels"

# A kernel of a user's own: its outputs have the bits that they have here.
"$here" --quiet new kernel lowpass --c >/dev/null
make -s -C lowpass lib
x86_64-w64-mingw32-gcc -O2 -std=c11 -ffp-contract=off -shared -o lowpass/lowpass.dll lowpass/lowpass.c
sed 's/liblowpass.so/lowpass.dll/' lowpass/run.yaml >lowpass/isolated.yaml
sed 's/lowpass.dll",/&  isolation: "none",/' lowpass/isolated.yaml >lowpass/dll.yaml
"$here" --quiet run --config lowpass/run.yaml --json --set output.include_raw_data=true >here.json
windows run --config lowpass/dll.yaml --json --set output.include_raw_data=true >there.json
cmp "$(find "$(folder_of here.json)" -name '*.npy')" "$(find "$(folder_of there.json)" -name '*.npy')"
if windows run --config lowpass/isolated.yaml 2>refused; then exit 1; fi
grep -q 'set isolation: none' refused
say "a kernel of a user's own in a DLL: the bits of this machine"

windows inspect there.float32 --plot spectrum.svg >/dev/null
test -s spectrum.svg
windows doctor >doctor || { cat doctor; exit 1; }
say "inspect and doctor"

if [ -f "$image" ]; then
    qemu-system-arm -M mps2-an386 -display none -monitor none -icount shift=8 -kernel "$image" \
        -chardev pty,id=line,mux=on -echr 256 -serial chardev:line >terminal 2>&1 </dev/null &
    emulator=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        terminal=$(sed -n 's/.*redirected to \([^ ]*\) .*/\1/p' terminal)
        [ -z "$terminal" ] || break
        sleep 0.5
    done
    ln -s "$terminal" "$WINEPREFIX/dosdevices/com7"
    windows verify --device "serial://COM7" | tail -1 | grep -q '^verified'
    windows run --device "serial://COM7" --json >serial.json
    [ "$(grep -c '"different": 0' serial.json)" -ge 7 ]
    kill "$emulator"
    emulator=
    say "serial port: every golden digest and seven kernels on a board at COM7"
fi

# An emulator that says nothing ends with the program when that is killed: a job of Windows'.
mkdir programs
echo '#include <windows.h>
int main(void) { Sleep(60000); return 0; }' >silent.c
x86_64-w64-mingw32-gcc -o programs/qemu-system-arm.exe silent.c
: >firmware.elf
(
    export WINEPATH="Z:$(echo "$work/programs" | tr / '\\')" CORTEX_FIRMWARE=firmware.elf
    exec wine "$there" verify --device qemu:mps2-an386
) >/dev/null 2>&1 &
program=$!
# Processes in Wine have their Windows command line: only this emulator has this file.
silent() { pgrep -f "^qemu-system-arm -M mps2-an386 .*socket,host=127.* firmware.elf" >/dev/null; }
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ! silent || break
    sleep 0.5
done
silent || { echo "no emulator was started"; exit 1; }
kill -KILL "$program"
sleep 1
! silent || { echo "the emulator outlives the program"; exit 1; }
say "a killed program leaves no emulator behind"
