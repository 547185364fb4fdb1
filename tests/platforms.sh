#!/bin/sh
# Checks that the host compiles for systems that no test of every day runs on, and for boards without
# any C: sh tests/platforms.sh
#
# `cargo check` compiles Rust only. C sources of dependencies are not compiled either: a stand-in
# takes the place of the C compiler, so that no cross compiler is needed.
set -eu
cd "$(dirname "$0")/.."

targets="x86_64-pc-windows-gnu aarch64-apple-darwin x86_64-apple-darwin"
command -v rustup >/dev/null 2>&1 || { echo "rustup is needed for $targets"; exit 1; }
# shellcheck disable=SC2086
rustup target add $targets >/dev/null 2>&1 || { echo "could not add $targets"; exit 1; }

stand_in=$(mktemp -d)
trap 'rm -rf "$stand_in"' EXIT
trap 'exit 130' INT TERM
cat >"$stand_in/cc" <<'SCRIPT'
#!/bin/sh
# Makes the object or archive it is asked for, empty.
previous=
for word in "$@"; do
    case "$previous" in -o) : >"$word" ;; esac
    case "$word" in *.a) : >"$word" ;; esac
    previous=$word
done
SCRIPT
chmod +x "$stand_in/cc"

for target in $targets; do
    name=$(echo "$target" | tr - _)
    env "CC_$name=$stand_in/cc" "AR_$name=$stand_in/cc" \
        cargo check -q -p cortex-host --target "$target"
    echo "$target: the host compiles"
done

# Without `download` there is no C at all.
target=aarch64-unknown-linux-musl
rustup target add "$target" >/dev/null 2>&1 || { echo "could not add $target"; exit 1; }
CC_aarch64_unknown_linux_musl=false AR_aarch64_unknown_linux_musl=false \
    cargo check -q -p cortex-host --no-default-features --features cli --target "$target"
echo "$target: the host compiles without a C compiler"
