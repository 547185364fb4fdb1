#!/bin/sh
# What the host library promises, item by item, against the committed list:
#   sh scripts/public-api.sh           compares; exit 1 when an item came, went or was renamed
#   sh scripts/public-api.sh --update  writes the list, for a change that means to change it
#
# Read from the crate's documentation, which shows what is promised and nothing else.
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh
command -v python3 >/dev/null 2>&1 || { skip python "the list of public items: no python3"; exit 0; }
list=cortex-host/public-api.txt
found=$(mktemp)
trap 'rm -f "$found"' EXIT
RUSTDOCFLAGS="-D warnings" cargo doc -q -p cortex-host --no-deps
python3 - "${CARGO_TARGET_DIR:-target}/doc/cortex_host" >"$found" <<'PYTHON'
import pathlib, re, sys

folder = pathlib.Path(sys.argv[1])
# Pages of items that are gone may still lie there.
listed = re.findall(r'href="([^"]+\.html)"', (folder / "all.html").read_text(encoding="utf-8"))
for page in sorted(page for page in set(listed) if re.match(r"[a-z]+\.\w+\.html$", page)):
    kind, name, _ = page.split(".")
    print(f"{kind} {name}")
    own = (folder / page).read_text(encoding="utf-8").split('id="trait-implementations"')[0]
    members = re.findall(r'id="(method|variant|structfield|tymethod)\.(\w+)"', own)
    for kind, member in sorted(set(members)):
        print(f"  {kind} {name}::{member}")
PYTHON
if [ "${1:-}" = --update ]; then
    cp "$found" "$list"
fi
diff "$list" "$found" || { echo "the public items changed: sh scripts/public-api.sh --update, and say so in CHANGELOG.md"; exit 1; }
