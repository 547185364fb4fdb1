#!/bin/sh
# Builds cortex-host as a static program and has it serve a run of itself: sh tests/serve_static.sh
#
# Opt-in, since it builds in release mode.
set -eu
cd "$(dirname "$0")/.."

target=$(uname -m)-unknown-linux-musl
archive=$(sh scripts/release.sh "$target" | tail -1)
folder=$(mktemp -d)
serving=
trap 'test -z "$serving" || kill "$serving"; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
tar -C "$folder" -xzf "$archive"
program=$(echo "$folder"/cortex-host-*/cortex-host)
# A program that needs a loader or libraries names them.
if LC_ALL=C grep -q '/ld-\(linux\|musl\)' "$program"; then
    echo "$program asks for a dynamic loader"
    exit 1
fi

cd "$folder"
run() { env -i HOME="$folder" PATH=/nowhere "$program" --quiet "$@"; }
env -i HOME="$folder" "$program" serve tcp://127.0.0.1:0 --name static 2>log &
serving=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    address=$(sed -n 's/.*\(tcp:[^;]*\);.*/\1/p' log)
    [ -z "$address" ] || break
    sleep 0.5
done
[ -n "$address" ] || { echo "it does not serve: $(cat log)"; exit 1; }
run devices "$address" | grep -q 'bytes for state, input and output'
run run --device "$address" --json >summary.json
[ "$(grep -c '"different": 0' summary.json)" -ge 7 ] || { echo "outputs differ"; exit 1; }
size=$(wc -c <"$program")
echo "$program: $size bytes, serves seven kernels with equal outputs"
