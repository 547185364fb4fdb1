#!/bin/sh
# Builds a release archive with one command: sh scripts/release.sh
#
# dist/cortex-host-VERSION-TARGET.tar.gz holds the binary, completions, manual pages, licences, the
# README, the documentation, the cluster's batch script, the primitives and the boards' images. Needs Rust and tar, and no network once the dependencies are there.
set -eu
cd "$(dirname "$0")/.."

cargo build --release --locked -p cortex-host
binary="${CARGO_TARGET_DIR:-target}/release/cortex-host"
version=$("$binary" --version | cut -d' ' -f2)
target=$(rustc -vV | sed -n 's/^host: //p')
name="cortex-host-$version-$target"
rm -rf "dist/$name"
mkdir -p "dist/$name/completions"

cp "$binary" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "dist/$name/"
for shell in bash zsh fish elvish powershell; do
    "$binary" completions "$shell" >"dist/$name/completions/cortex-host.$shell"
done
"$binary" --quiet man --dir "dist/$name/man/man1"
# Only what is committed: no downloaded recordings.
git ls-files primitives docs scripts/generate-array.sbatch | while IFS= read -r file; do
    mkdir -p "dist/$name/$(dirname "$file")"
    cp "$file" "dist/$name/$file"
done
# Images of the emulated boards, found beside the program; the Pico's for its drive.
for file in primitives/devices/*.yaml; do
    board=$(basename "$file" .yaml)
    if grep -q '^emulator:' "$file"; then
        "$binary" --quiet firmware "$board" "dist/$name/firmware/$board.elf" >/dev/null
    elif grep -q 'uf2_family:' "$file"; then
        "$binary" --quiet firmware "$board" "dist/$name/firmware/$board.uf2" >/dev/null
    fi
done

tar -C dist -czf "dist/$name.tar.gz" "$name"
rm -rf "dist/$name"
echo "dist/$name.tar.gz"
