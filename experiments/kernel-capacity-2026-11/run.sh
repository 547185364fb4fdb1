#!/bin/sh
# The most channels of each kernel, on this machine and on each emulated board.
#   sh experiments/kernel-capacity-2026-11/run.sh [FOLDER]
# CORTEX_HOST names the program (default: cortex-host in PATH), CORTEX_SECONDS how long an answer must
# hold on this machine (default: 60); needs python3 to print the tables. Goes on where it was
# stopped when FOLDER is given again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=${CORTEX_HOST:-cortex-host}
seconds=${CORTEX_SECONDS:-60}
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
cd "$folder"

echo "desktop: $folder/desktop/capacity.html" >&2
status=0
"$binary" capacity --config "$here/configs/desktop.yaml" --vary channels --seconds "$seconds" \
    --out desktop >desktop.txt || status=$?
# 1: a kernel holds at no value, which the table says.
[ "$status" -le 1 ] || exit "$status"

# Clock rates of the boards that are emulated; no core runs more than an instruction a cycle.
for board in microbit:16e6 mps2-an385:25e6 mps2-an386:25e6 netduinoplus2:168e6 sifive-e:16e6; do
    name=${board%:*}
    echo "$name: $folder/$name/capacity.html" >&2
    "$binary" capacity --config "$here/configs/boards.yaml" --device "qemu:$name" --vary channels \
        --instructions-per-s "${board#*:}" --out "$name" >"$name.txt"
done

python3 - <<'PYTHON'
import json

def read(name):
    return json.load(open(f"{name}/capacity.json"))["kernels"]

def cell(kernel):
    if kernel["holds"] is None:
        return "–"
    most = f"{kernel['holds']:,}"
    limit = kernel["limit"] or ""
    if kernel["fails"] is None:
        return f"{most} (a configuration's most)"
    return most + (" (memory)" if "bytes" in limit else "")

print("| kernel | most channels | does not hold at | why |\n|---|---:|---:|---|")
for kernel in read("desktop"):
    fails = f"{kernel['fails']:,}" if kernel["fails"] else "–"
    print(f"| `{kernel['kernel']}` | {cell(kernel)} | {fails} | {kernel['limit'] or ''} |")
boards = ["microbit", "mps2-an385", "mps2-an386", "netduinoplus2", "sifive-e"]
found = {board: read(board) for board in boards}
print("\n| kernel | " + " | ".join(boards) + " |\n|---|" + "---:|" * len(boards))
for index, kernel in enumerate(found["microbit"]):
    cells = " | ".join(cell(found[board][index]) for board in boards)
    print(f"| `{kernel['kernel']}` | {cells} |")
PYTHON
