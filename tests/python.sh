#!/bin/sh
# The Python package: built, installed and tested with its doctests: sh tests/python.sh
#
# CORTEX_ORACLE_PYTHON names a Python with tests/oracle/requirements.txt. The package is installed
# into a folder of its own and imported from there, as a user imports it.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh

python=${CORTEX_ORACLE_PYTHON:-}
[ -n "$python" ] || { skip oracle "the Python package: no Python with tests/oracle/requirements.txt"; exit 0; }
CORTEX_HOST=${CORTEX_HOST:-$PWD/target/debug/cortex-host}
export CORTEX_HOST
[ -x "$CORTEX_HOST" ] || cargo build -q -p cortex-host

folder=target/python/installed
rm -rf "$folder" target/python/wheels
# In the profile and the folder of the tests, whose build of the host it uses.
"$python" -m maturin build --quiet --locked --profile dev --target-dir target \
    --out target/python/wheels --manifest-path cortex-host/python/Cargo.toml
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder" \
    target/python/wheels/*.whl
PYTHONPATH="$PWD/$folder" "$python" -m pytest -q -p no:cacheprovider --doctest-modules \
    "$folder/cortex" cortex-host/python/tests
# The guide's lines, as a user copies them.
(
    cd "$(mktemp -d)"
    PYTHONPATH="$OLDPWD/$folder" MPLBACKEND=agg "$python" -m doctest -o ELLIPSIS \
        "$OLDPWD/docs/guides/python.md"
)
