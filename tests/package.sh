#!/bin/sh
# Both crates as the registry has them: sh tests/package.sh
#
# Packed, built from the packages alone, and the packaged program run in an empty folder, where the
# primitives can only be its own.
set -eu
cd "$(dirname "$0")/.."
artifacts=${CARGO_TARGET_DIR:-$PWD/target}/packages
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

# Cargo keeps what it unpacked of a local package, and takes the next one of the same version for it.
rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/src/-*/cortex-bci-core-"$version"
cargo package -q --locked --target-dir "$artifacts" -p cortex-bci-core -p cortex-host
package=$artifacts/package/cortex-host-$version
for file in README.md LICENSE-MIT LICENSE-APACHE primitives/configs; do
    [ -e "$package/$file" ] || { echo "the package lacks $file"; exit 1; }
done
# Where it is built differs between Cargo's versions.
program=$(find "$artifacts" -name cortex-host -type f -perm -u+x | head -1)
[ -x "$program" ] || { echo "no program was built from the package"; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
cd "$folder"
"$program" --quiet generate pink_noise 8 250 2 data.float32
"$program" --quiet reproduce data.float32.manifest.yaml | grep -q '^reproduced$'
"$program" --quiet run --set execution.pace=max --json >summary.json
[ "$(grep -c '"label"' summary.json)" -ge 7 ] || { echo "not seven kernels"; exit 1; }
echo "the packaged program builds and runs: $(ls "$artifacts"/package/*.crate | xargs -n1 basename | xargs)"
