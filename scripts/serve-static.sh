#!/bin/sh
# Builds cortex-host as one static program for a Linux board: sh scripts/serve-static.sh [TARGET...]
#
# dist/cortex-host-TARGET needs nothing on the board, not even a C library; `cortex-host serve` makes
# the board a device. Targets: x86_64-unknown-linux-musl, aarch64-unknown-linux-musl (Raspberry Pi 4,
# 5 and others with a 64-bit system), armv7-unknown-linux-musleabihf (with a 32-bit system); all three
# without an argument. Rust alone builds them: no cross compiler is needed. The program has no
# downloads, and loads no kernels of a user's own (a static program cannot).
set -eu
cd "$(dirname "$0")/.."

[ $# -gt 0 ] ||
    set -- x86_64-unknown-linux-musl aarch64-unknown-linux-musl armv7-unknown-linux-musleabihf
mkdir -p dist
for target; do
    rustup target add "$target" >/dev/null 2>&1 ||
        { echo "could not add the Rust target $target: run 'rustup target add $target'"; exit 1; }
    name=$(echo "$target" | tr 'a-z-' 'A-Z_')
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS "CARGO_TARGET_${name}_LINKER=rust-lld" \
        "CARGO_TARGET_${name}_RUSTFLAGS=-Clink-self-contained=yes" \
        cargo build -q --release --locked -p cortex-host --no-default-features --features cli \
        --bin cortex-host --target "$target"
    cp "${CARGO_TARGET_DIR:-target}/$target/release/cortex-host" "dist/cortex-host-$target"
    echo "dist/cortex-host-$target"
done
