# SPDX-License-Identifier: MIT
# Read by the other scripts: counts, and a folder for this run inside build/.
set -u
B=${B:-build} CC=${CC:-cc} CXX=${CXX:-c++} MAKE=${MAKE:-make}
LOGITS=examples/trace/perl-doc-64.trace
passed=0 failed=0 skipped=0
mkdir -p "$B"
work=$(cd "$B" && mktemp -d "$(pwd)/check.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

ok() { passed=$((passed + 1)); echo "ok: $1"; }
bad() { failed=$((failed + 1)); echo "FAILED: $1"; }
skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }
has() { command -v "$1" >/dev/null 2>&1; }

# test_that NAME COMMAND...: one test, passed when the command succeeds.
test_that()
{
    title=$1
    shift
    if "$@"; then ok "$title"; else bad "$title"; fi
}

# nothing NAME TEXT: one test, passed when the text (a list of offences) is empty.
nothing()
{
    if [ -z "$2" ]; then ok "$1"; else bad "$1"; printf '%s\n' "$2" | sed 's/^/    /'; fi
}

finish()
{
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ]
    exit
}
