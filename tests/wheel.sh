#!/bin/sh
# The Python package's wheel as a user gets it: sh tests/wheel.sh
#
# Opt-in, since it builds in release mode. Builds the wheel (scripts/wheel.sh), holds it to 4 MB,
# installs it into a fresh virtual environment with NumPy and nothing else, and compares an array's
# SHA-256 with the command line's. On x86-64 the wheel for AArch64 as well, in qemu-user: its Python
# is Debian's, unpacked into a folder of its own.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh
has() { command -v "$1" >/dev/null 2>&1; }

rm -f dist/cortex_rs-*.whl
other=
[ "$(uname -m)" != x86_64 ] || other=aarch64-unknown-linux-gnu
# shellcheck disable=SC2086
sh scripts/wheel.sh "$(rustc -vV | sed -n 's/^host: //p')" $other
# As the tests build it.
cargo build -q --locked --workspace --bins
program=${CARGO_TARGET_DIR:-$PWD/target}/debug/cortex-host
for wheel in dist/cortex_rs-*.whl; do
    bytes=$(wc -c <"$wheel")
    [ "$bytes" -le 4000000 ] || { echo "$wheel has $bytes bytes; 4 MB are the limit"; exit 1; }
    echo "$wheel: $bytes bytes"
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
python3 -m venv "$folder/venv"
pip="$folder/venv/bin/pip --disable-pip-version-check -q"
$pip install dist/cortex_rs-*_"$(uname -m)".whl
wheels=$PWD/dist
cd "$folder"
cat >five_lines.py <<'PYTHON'
import cortex, hashlib
data = cortex.generate("pink_noise", channels=64, sample_rate_hz=160, duration_s=12, seed=42)
assert data.shape == (1920, 64) and data.dtype == "float32"
assert 60 < data.std() < 140
print(hashlib.sha256(data.tobytes()).hexdigest())
PYTHON
expected=$("$program" --quiet generate pink_noise 64 160 12 - --seed=42 | sha256sum | cut -d' ' -f1)
# Runs five_lines.py with a Python.
check() {
    found=$(env -i PATH=/usr/bin:/bin "$@" five_lines.py)
    [ "$found" = "$expected" ] || { echo "SHA-256 $found, but the command line's is $expected"; exit 1; }
}
check "$folder/venv/bin/python"
echo "the wheel installs into a fresh environment and makes the command line's bytes: $found"

[ -n "$other" ] || exit 0
if [ "$(id -u)" = 0 ] && has apt-get && ! has qemu-aarch64; then
    { apt-get update && apt-get install -y qemu-user; } >apt 2>&1 || { tail -5 apt; exit 1; }
fi
if ! has qemu-aarch64 || ! has apt-get; then
    skip portability "the wheel for AArch64 is not run: qemu-aarch64 or apt-get is missing"
    exit 0
fi
mkdir -p root lists/partial cache/archives/partial
apt="-q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::status=/dev/null"
apt="$apt -o Dir::State::lists=$folder/lists -o Dir::Cache=$folder/cache"
# shellcheck disable=SC2086
{
    apt-get $apt update
    python=$(apt-cache $apt depends python3-minimal | sed -n 's/.*Depends: \(python3\.[0-9]*\)-minimal$/\1/p')
    apt-get $apt download "$python-minimal" "lib$python-minimal" "lib$python-stdlib" \
        libc6 libgcc-s1 libstdc++6 libexpat1 zlib1g libffi8
} >apt 2>&1 || { tail -5 apt; exit 1; }
for package in ./*.deb; do dpkg -x "$package" root; done
$pip install --target packages --only-binary :all: --python-version "${python#python}" \
    --platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 "$wheels"/cortex_rs-*_aarch64.whl
check PYTHONPATH=packages "$(command -v qemu-aarch64)" -L root "root/usr/bin/$python"
echo "the wheel for AArch64 makes them in qemu-aarch64"
