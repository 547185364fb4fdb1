#!/bin/sh
# The crates as crates.io would have them: packed, unpacked elsewhere, and built from that alone: sh tests/package.sh
#
# Opt-in, since every dependency is compiled once more. The host depends on the core of the same
# version, which need not be published: both are packed together.
set -eu
cd "$(dirname "$0")/.."

artifacts=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
cargo package --quiet --allow-dirty --no-verify -p cortex-bci-core -p cortex-host
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
for package in cortex-bci-core cortex-host; do
    tar -C "$folder" -xzf "$artifacts/package/$package-$version.crate"
done
# What is a link in the checkout is a file in the package.
links=$(find "$folder" -type l)
[ -z "$links" ] || { echo "links in the packages: $links"; exit 1; }
for file in LICENSE-MIT LICENSE-APACHE README.md; do
    for package in cortex-bci-core cortex-host; do
        [ -s "$folder/$package-$version/$file" ] || { echo "$package lacks $file"; exit 1; }
    done
done
core="patch.crates-io.cortex-bci-core.path='$folder/cortex-bci-core-$version'"
(
    cd "$folder/cortex-host-$version"
    CARGO_TARGET_DIR=$artifacts/package-build cargo build --quiet --config "$core"
)
program=$artifacts/package-build/debug/cortex-host

# It says what the checkout's program says, and has all that it writes for others.
cargo build --quiet --locked -p cortex-host
mkdir "$folder/work"
cd "$folder/work"
export CORTEX_COMMIT=
"$artifacts/debug/cortex-host" list --json >checkout.json
"$program" list --json >packed.json
cmp checkout.json packed.json
"$program" --quiet run --name quickstart --set execution.pace=max >table.txt
grep -q bandpass_fir table.txt
"$program" --quiet new kernel envelope --c
"$program" --quiet new firmware board --board mps2-an386 --kernel envelope
grep -q cortex_hardware board/src/main.rs
echo "cortex-bci-core and cortex-host $version build from their packages and work"
