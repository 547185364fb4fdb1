#!/bin/sh
# The documentation as a book with search, target/book/index.html: sh scripts/book.sh
#
# mdbook is built from the registry into target/mdbook when it is not on the path. Links out of docs/
# lead to the repository; a link of the book that leads nowhere is an error.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/mdbook/bin
command -v mdbook >/dev/null 2>&1 || cargo install --quiet --locked --root target/mdbook mdbook
repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)

rm -rf target/book target/book-source
cp -R docs target/book-source
sed -i "s#](\.\./#]($repository/blob/main/#g" target/book-source/*.md
sed -i "s#](\.\./\.\./#]($repository/blob/main/#g" target/book-source/*/*.md
mdbook build target/book-source
ls target/book/searchindex*.js >/dev/null
# mdbook's index is the first chapter with the links of its folder.
first=$(sed -n 's/^- \[.*\](\(.*\)\.md)$/\1.html/p' docs/SUMMARY.md | head -1)
page='<!doctype html><meta charset="utf-8"><title>CORTEX-rs</title>'
page="$page<meta http-equiv=\"refresh\" content=\"0; url=$first\"><a href=\"$first\">CORTEX-rs</a>"
echo "$page" >target/book/index.html
python3 - target/book <<'PYTHON'
import html.parser, pathlib, sys

class Links(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        link = dict(attributes).get("href") if tag == "a" else None
        if link and "://" not in link and not link.startswith(("#", "mailto:")):
            if not (self.page.parent / link.split("#")[0]).exists():
                dead.append(f"{self.page} -> {link}")

dead = []
pages = list(pathlib.Path(sys.argv[1]).rglob("*.html"))
for page in pages:
    links = Links()
    links.page = page
    links.feed(page.read_text(encoding="utf-8"))
if dead or len(pages) < 10:
    sys.exit("\n".join(dead) or "the book has no pages")
PYTHON
echo "target/book/index.html"
