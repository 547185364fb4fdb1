#!/bin/sh
# Builds release archives: sh scripts/release.sh [TARGET...]
#
# dist/cortex-host-VERSION-TARGET.tar.gz (.zip for Windows) for each TARGET, for this machine when there
# is none. It holds the binary, completions, manual pages, licences, the README, the documentation, the cluster's batch
# script, the primitives, and firmware/BOARD.elf, which `--device qemu:BOARD` finds beside the binary.
# Needs Rust and tar, and no network once the dependencies are there. Another TARGET, such as
# x86_64-unknown-linux-musl (static) or aarch64-unknown-linux-musl, is linked by Zig, which comes from
# PyPI with cargo-zigbuild into a virtual environment under target/. The standard library of a TARGET
# that rustup does not have is built from its source, rustup's component rust-src.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-paths.sh
root=$PWD
artifacts=${CARGO_TARGET_DIR:-$root/target}
host=$(rustc -vV | sed -n 's/^host: //p')
[ $# -gt 0 ] || set -- "$host"

# The host's program writes what is the same for all targets.
cargo build --release --locked -p cortex-host
program=$artifacts/release/cortex-host
version=$("$program" --version | cut -d' ' -f2)
rm -rf dist/common
mkdir -p dist/common/completions dist/common/firmware
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE dist/common/
for shell in bash zsh fish elvish powershell; do
    "$program" completions "$shell" >"dist/common/completions/cortex-host.$shell"
done
"$program" --quiet man --dir dist/common/man/man1
# Only what is committed: no downloaded recordings.
git ls-files primitives docs scripts/generate-array.sbatch | while IFS= read -r file; do
    mkdir -p "dist/common/$(dirname "$file")"
    cp "$file" "dist/common/$file"
done
# Links to what is not in the archive lead to the repository.
repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)
find dist/common/README.md dist/common/docs -name '*.md' -exec sed -E -i \
    "s#\]\((\.\./)*(cortex-core|firmware/c|experiments|CONTRIBUTING\.md)#]($repository/blob/v$version/\2#g" {} +
for folder in firmware/boards/*/; do
    board=$(basename "$folder")
    triple=$(sed -n 's/^target = "\(.*\)"/\1/p' "$folder/.cargo/config.toml")
    rustup target add "$triple" >/dev/null 2>&1 || true
    (cd "$folder" && env -u CARGO_BUILD_TARGET \
        cargo build --quiet --release --locked --bin "$board" --target-dir "$root/firmware/target")
    cp "firmware/target/$triple/release/$board" "dist/common/firmware/$board.elf"
done
# The Pico's for the drive that it is with BOOTSEL held.
"$program" --quiet firmware pico dist/common/firmware/pico.uf2 --force \
    --image dist/common/firmware/pico.elf >/dev/null

for target in "$@"; do
    if [ "$target" != "$host" ]; then
        venv=target/wheel-venv
        [ -x "$venv/bin/cargo-zigbuild" ] || {
            python3 -m venv "$venv"
            "$venv/bin/pip" install -q --disable-pip-version-check cargo-zigbuild ziglang
        }
        if rustup target add "$target" >/dev/null 2>&1; then
            PATH="$root/$venv/bin:$PATH" \
                cargo zigbuild --release --locked -p cortex-host --target "$target"
        else
            rustup component add rust-src >/dev/null 2>&1
            PATH="$root/$venv/bin:$PATH" RUSTC_BOOTSTRAP=1 \
                cargo-zigbuild rustc --release --locked -p cortex-host --bin cortex-host \
                --target "$target" -Zbuild-std -- -Clink-self-contained=no
        fi
        program=$artifacts/$target/release/cortex-host
        [ -x "$program" ] || program=$program.exe
    fi
    no_paths "$program"
    name="cortex-host-$version-$target"
    rm -rf "dist/$name"
    cp -R dist/common "dist/$name"
    cp "$program" "dist/$name/"
    case "$target" in
    *windows*)
        archive=$name.zip
        rm -f "dist/$archive"
        (cd dist && python3 -m zipfile -c "$archive" "$name")
        ;;
    *)
        archive=$name.tar.gz
        tar -C dist -czf "dist/$archive" "$name"
        ;;
    esac
    rm -rf "dist/$name"
    echo "dist/$archive"
done
rm -rf dist/common
