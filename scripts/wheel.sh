#!/bin/sh
# Builds the Python package's wheels: sh scripts/wheel.sh [TARGET...]
#
# dist/cortex_rs-VERSION-cp310-abi3-PLATFORM.whl for each TARGET, such as x86_64-unknown-linux-gnu or
# aarch64-unknown-linux-gnu; for this machine when there is none. One wheel is for every Python from
# 3.10 on. maturin comes from PyPI, into a virtual environment under target/; so does Zig, which
# links against an old glibc (2.17), so that the wheel runs on any Linux of the last ten years.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-paths.sh

host=$(rustc -vV | sed -n 's/^host: //p')
[ $# -gt 0 ] || set -- "$host"
venv=target/wheel-venv
if ! "$venv/bin/python" -c "import ziglang, maturin" 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check "maturin[zig]>=1.16,<2"
fi
# maturin finds Zig through the first python3.
PATH="$PWD/$venv/bin:$PATH"
for target in "$@"; do
    rustup target add "$target" >/dev/null 2>&1 || true
    "$venv/bin/maturin" build --release --locked --quiet --zig --compatibility manylinux2014 \
        --compression-level 9 --target "$target" --target-dir target/python --out dist \
        --manifest-path cortex-host/python/Cargo.toml
    no_paths "target/python/$target/release/lib_cortex.so"
done
ls -l dist/cortex_rs-*.whl
