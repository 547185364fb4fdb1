#!/bin/sh
# Every kernel on an emulated Cortex-M3 with libgcc's float routines: sh tests/libgcc.sh
#
# The outputs have the desktop's bits, as with Rust's routines. Needs arm-none-eabi-gcc and QEMU.
set -eu
cd "$(dirname "$0")/.."
target=$PWD/firmware/target/libgcc
(cd firmware/boards/mps2-an385 && cargo build -q --release --locked --features libgcc \
    --bin mps2-an385 --target thumbv7m-none-eabi --target-dir "$target")
# As the tests build it.
cargo build -q --locked --workspace --bins
program=${CARGO_TARGET_DIR:-$PWD/target}/debug/cortex-host
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
cd "$folder"
CORTEX_FIRMWARE=$target/thumbv7m-none-eabi/release/mps2-an385 "$program" --quiet run \
    --device qemu:mps2-an385 --set dataset.channels=8 --set dataset.params.duration_s=4 \
    --set execution.pace=max --json >summary.json
python3 - <<'PYTHON'
import json
kernels = json.load(open("summary.json"))["kernels"]
assert len(kernels) >= 7
for kernel in kernels:
    outputs = kernel["outputs"]
    assert outputs["equal"] == kernel["windows"]["run"] > 0 and not outputs["different"], kernel
    print(f"{kernel['label']}: {outputs['equal']} windows with the desktop's bits")
PYTHON
