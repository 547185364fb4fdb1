#!/bin/sh
# A dataset larger than the memory that its writer may have: sh tests/larger_than_memory.sh [FOLDER]
#
# Opt-in, since it writes 2 GB: positioned writes under a limit of 256 MiB of address space (data,
# stacks, code and maps together), then the same bytes' digest by sha256sum.
set -eu
cd "$(dirname "$0")/.."
binary=${CORTEX_HOST:-target/release/cortex-host}
folder=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/cortex-larger.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
data="$folder/data.float32"

(
    ulimit -v 262144
    # glibc reserves 64 MiB of addresses for every thread's heap otherwise.
    MALLOC_ARENA_MAX=1 "$binary" generate pink_noise 1024 1000 500 "$data" \
        --primitive primitives/datasets/v2/synthetic --threads 2 --sha256
)
[ "$(wc -c <"$data")" = 2048000000 ] || { echo "the file is not whole"; exit 1; }
digest=$(sha256sum "$data" | cut -d' ' -f1)
grep -q "$digest" "$data.manifest.yaml" || { echo "the digest differs"; exit 1; }
echo "2048000000 bytes written within 268435456 bytes of address space, sha256 $digest"
