# Sourced by scripts that leave a check out where a tool is missing: the shell's side of
# tests/src/skip.rs.

# skip NEED SENTENCE: says it and notes it in CORTEX_SKIPS; ends the script with 1 where
# CORTEX_REQUIRE names NEED.
skip() {
    case ",${CORTEX_REQUIRE:-}," in
    *",$1,"*)
        echo "CORTEX_REQUIRE says that $1 is not missing: $2" >&2
        exit 1
        ;;
    esac
    echo "skipped: $2" >&2
    [ -z "${CORTEX_SKIPS:-}" ] || echo "skipped: $2" >>"$CORTEX_SKIPS"
}
