# Sourced by scripts that build what is given away.

# Short paths in panics: what is built is the same wherever the checkout lies, and names no folder
# of this machine.
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\037%s\037%s' "--remap-path-prefix=$PWD/=" \
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/=" \
    "--remap-path-prefix=$(rustc --print sysroot)/=")
export CARGO_ENCODED_RUSTFLAGS
unset RUSTFLAGS

# no_paths FILE...: ends the script with 1 where a file holds a path of this machine all the same.
no_paths() {
    for path in "$PWD" "${CARGO_HOME:-$HOME/.cargo}" "$(rustc --print sysroot)"; do
        if grep -laF "$path" "$@"; then
            echo "it holds a path of this machine: $path"
            exit 1
        fi
    done
}
