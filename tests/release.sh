#!/bin/sh
# Builds the release archive, unpacks it elsewhere and uses it as a stranger would: sh tests/release.sh
#
# Opt-in, since it builds in release mode. Nothing of the checkout or the home folder is used after
# the build.
set -eu
cd "$(dirname "$0")/.."

archive=$(sh scripts/release.sh | tail -1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
tar -C "$folder" -xzf "$archive"
root=$(echo "$folder"/cortex-host-*)
[ -d "$root" ] || { echo "the archive holds not one folder, but: $root"; exit 1; }

# Everything that is committed of these, and nothing else of them.
for part in primitives docs scripts; do
    git ls-files "$part" | grep -v '^scripts/.*\.sh$' | sort >"$folder/expected"
    (cd "$root" && find "$part" -type f | sort) >"$folder/found"
    diff "$folder/expected" "$folder/found" || { echo "$part/ in the archive differs"; exit 1; }
done
for file in cortex-host README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
    [ -s "$root/$file" ] || { echo "the archive lacks $file"; exit 1; }
done
for board in firmware/boards/*/; do
    board=$(basename "$board")
    [ -s "$root/firmware/$board.elf" ] || { echo "no image for $board"; exit 1; }
done
for shell in bash zsh fish elvish powershell; do
    grep -q cortex-host "$root/completions/cortex-host.$shell" || { echo "no completions for $shell"; exit 1; }
done
bash -n "$root/completions/cortex-host.bash"
commands=$("$root/cortex-host" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p' | grep -v '^help$')
for command in $commands; do
    [ -s "$root/man/man1/cortex-host-$command.1" ] || { echo "no manual page of $command"; exit 1; }
done
# Links of the README and the documentation lead somewhere.
find "$root/README.md" "$root/docs" -name '*.md' | while IFS= read -r page; do
    grep -o ']([^)#:]*)' "$page" | tr -d '()]' | while IFS= read -r link; do
        [ -e "$(dirname "$page")/$link" ] || echo "${page#"$root"/} -> $link"
    done
done >"$folder/dead"
if [ -s "$folder/dead" ]; then
    cat "$folder/dead"
    echo "dead links in the archive's pages"
    exit 1
fi

mkdir "$folder/home" "$folder/work"
cd "$folder/work"
run() { env -i HOME="$folder/home" PATH=/usr/bin:/bin "$root/cortex-host" --quiet "$@"; }
run list | grep -q bandpass_fir
run init
run run --config cortex.yaml
run report results/run-* >/dev/null
run generate pink_noise 8 250 2 data.float32
run reproduce data.float32.manifest.yaml | grep -q '^reproduced$'
run doctor >/dev/null
[ -s "$root/firmware/mps2-an386.elf" ] || { echo "the archive lacks images"; exit 1; }
if command -v qemu-system-arm >/dev/null 2>&1; then
    run devices qemu:mps2-an386 | grep -q 'bytes for state, input and output'
fi
[ -z "$(ls -A "$folder/home")" ] || { echo "the home folder was written to"; exit 1; }
echo "$archive holds everything and works elsewhere"
