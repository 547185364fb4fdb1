#!/bin/sh
# The Python package's wheel as a user gets it: sh tests/wheel.sh
#
# Opt-in, since it builds in release mode. Builds the wheel (scripts/wheel.sh), holds it to 4 MB,
# installs it into a fresh virtual environment with NumPy and nothing else, and compares an array's
# SHA-256 with the command line's. A wheel for another processor is built by
# `sh scripts/wheel.sh aarch64-unknown-linux-gnu` and is only looked at.
set -eu
cd "$(dirname "$0")/.."

rm -f dist/cortex_rs-*.whl
sh scripts/wheel.sh
# As the tests build it.
cargo build -q --locked --workspace --bins
program=${CARGO_TARGET_DIR:-$PWD/target}/debug/cortex-host
for wheel in dist/cortex_rs-*.whl; do
    bytes=$(wc -c <"$wheel")
    [ "$bytes" -le 4000000 ] || { echo "$wheel has $bytes bytes; 4 MB are the limit"; exit 1; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check dist/cortex_rs-*_"$(uname -m)".whl
cd "$folder"
cat >five_lines.py <<'PYTHON'
import cortex, hashlib
data = cortex.generate("pink_noise", channels=64, sample_rate_hz=160, duration_s=12, seed=42)
assert data.shape == (1920, 64) and data.dtype == "float32"
assert 60 < data.std() < 140
print(hashlib.sha256(data.tobytes()).hexdigest())
PYTHON
found=$(env -i PATH=/usr/bin:/bin "$folder/venv/bin/python" five_lines.py)
expected=$("$program" --quiet generate pink_noise 64 160 12 - --seed=42 | sha256sum | cut -d' ' -f1)
[ "$found" = "$expected" ] || { echo "SHA-256 $found, but the command line's is $expected"; exit 1; }
echo "the wheel, $bytes bytes, installs into a fresh environment and makes the command line's bytes: $found"
