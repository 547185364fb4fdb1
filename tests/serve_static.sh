#!/bin/sh
# Builds cortex-host as static programs for Linux boards, has each serve runs, and compares outputs and
# golden digests, and has real-time priority where root asks for it: sh tests/serve_static.sh [TARGET|PROGRAM...]
#
# Without arguments: x86-64, aarch64 and armv7 with musl. A program for another processor runs in
# qemu-user (Debian's package qemu-user); the host is this machine's program. Opt-in, since it builds
# in release mode.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
. tests/skip.sh

[ $# -gt 0 ] || set -- x86_64-unknown-linux-musl aarch64-unknown-linux-musl armv7-unknown-linux-musleabihf
folder=$(mktemp -d)
serving=
trap 'test -z "$serving" || kill "$serving"; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

targets=
programs=
for one; do
    if [ -f "$one" ]; then
        programs="$programs $(realpath "$one")"
    elif rustup target add "$one" >/dev/null 2>&1 || rustup component add rust-src >/dev/null 2>&1; then
        targets="$targets $one"
    else
        skip static "a static program for $one: rustup has no standard library for it"
    fi
done
if [ -n "$targets" ]; then
    # shellcheck disable=SC2086
    sh scripts/release.sh $targets >"$folder/archives"
    for target in $targets; do
        tar -C "$folder" -xzf "$(grep -e "-$target.tar.gz" "$folder/archives")"
        programs="$programs $(echo "$folder"/cortex-host-*-"$target"/cortex-host)"
    done
fi
# As the tests build it.
cargo build -q --locked --workspace --bins
host=${CARGO_TARGET_DIR:-$PWD/target}/debug/cortex-host

# What runs programs for the processor of the ELF file $1: nothing, or an emulator.
runner() {
    case $(od -An -tx1 -j18 -N1 "$1" | tr -d ' ')-$(uname -m) in
    3e-x86_64 | b7-aarch64 | 28-armv7l) ;;
    3e-*) echo qemu-x86_64 ;;
    b7-*) echo qemu-aarch64 ;;
    28-*) echo qemu-arm ;;
    *) echo "no processor of ours: $1" >&2 && exit 1 ;;
    esac
}

# The program $1, which needs nothing but itself, serves.
check() {
    program=$1
    emulator=$(runner "$program")
    if [ -n "$emulator" ] && ! command -v "$emulator" >/dev/null 2>&1; then
        skip static "$program: $emulator is not installed (Debian's qemu-user)"
        return
    fi
    # A program that needs a loader or libraries names them.
    if LC_ALL=C grep -q '/ld-\(linux\|musl\)' "$program"; then
        echo "$program asks for a dynamic loader"
        exit 1
    fi
    : >"$folder/log" # the one before has left its address there
    # Not inherited: no library path, no search path.
    env -i HOME="$folder" ${emulator:+"$(command -v "$emulator")"} "$program" \
        serve tcp://127.0.0.1:0 --name static 2>"$folder/log" &
    serving=$!
    address=
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        address=$(sed -n 's/.*\(tcp:[^;]*\);.*/\1/p' "$folder/log")
        [ -z "$address" ] || break
        sleep 0.5
    done
    [ -n "$address" ] || { echo "it does not serve: $(cat "$folder/log")"; exit 1; }
    (
        cd "$folder"
        "$host" --quiet devices "$address" | grep -q 'bytes for state, input and output'
        "$host" --quiet verify --device "$address" >verified
        for transfer in streamed seeded; do
            "$host" --quiet run --device "$address" --transfer "$transfer" --json >summary.json
            [ "$(grep -c '"different": 0' summary.json)" -ge 7 ] || { echo "outputs differ"; exit 1; }
        done
    )
    kill "$serving"
    wait "$serving" || true
    serving=
    if [ "$(id -u)" = 0 ]; then
        (
            cd "$folder"
            env -i HOME="$folder" ${emulator:+"$(command -v "$emulator")"} "$program" --quiet run \
                --config "$root/primitives/configs/board.yaml" --json \
                --set realtime.scheduler=fifo >summary.json
            grep -q '"scheduler": "fifo"' summary.json && grep -q '"warnings": \[\]' summary.json ||
                { echo "no real-time priority: $(grep -A8 '"realtime"' summary.json)"; exit 1; }
        )
    fi
    echo "$program: $(wc -c <"$program") bytes${emulator:+ in $emulator}; golden digests and seven kernels equal"
}

for program in $programs; do check "$program"; done
