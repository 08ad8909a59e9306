# SPDX-License-Identifier: MIT
# make check: all stages, one line each; logs in build/logs; the last line is the sum.
set -u
B=${B:-build} MAKE=${MAKE:-make}
export B
sh tests/check/tools.sh all || exit 1

jobs=$(nproc 2>/dev/null || echo 2)
logs=$B/logs
mkdir -p "$logs"
rm -f "$logs"/*.sum

# stage NAME: runs check-NAME, adds up the lines "N passed, N failed[, N skipped]" that it prints, writes them to NAME.sum.
stage()
{
    name=$1 log=$logs/$1.log
    start=$(date +%s)
    $MAKE -j"$jobs" "check-$name" >"$log" 2>&1 </dev/null
    status=$?
    seconds=$(($(date +%s) - start))
    set -- $(awk '/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ { p += $1; f += $3; s += $5 }
                  END { print p + 0, f + 0, s + 0 }' "$log")
    bad=$2 word=ok
    # A stage that died, or that found nothing to do, has failed, whatever it counted.
    if [ "$bad" -eq 0 ] && { [ $status -ne 0 ] || [ $(($1 + $3)) -eq 0 ]; }; then bad=1; fi
    [ "$1" -gt 0 ] || word=skipped
    [ "$bad" -eq 0 ] || word=FAILED
    text=$(
        printf '%-12s %-8s %7d tests %4d s\n' "$name" $word $(($1 + bad)) $seconds
        sed -n 's/^skipped: /             skipped: /p' "$log"
        if [ "$bad" -ne 0 ]; then
            # What looks like a reason, then how it ended.
            { grep -E -A 3 '^FAIL|: error: |:[FE]:|\*\*\*|ERROR: |runtime error|definitely lost' "$log" | head -n 30
              echo ...
              tail -n 8 "$log"; } | cut -c 1-200 | sed 's/^/    /'
            echo "    (all of it: $log)"
        fi
    )
    printf '%s\n' "$text"
    echo "$1 $bad $3" >"$logs/$name.sum"
}

# Two lanes. The second one only reads what the stage "build" has made.
first='unit layouts property quality conform fuzz torture hotpath symbols header tree lapacke by-hand clang install readme neon cpu asan'
second='valgrind determinism tsan'
stage build
(for name in $second; do stage $name; done) &
for name in $first; do stage $name; done
wait

# A stage without a sum never ended.
for name in build $first $second; do cat "$logs/$name.sum" 2>/dev/null || echo 0 1 0; done >"$logs/sums"
set -- $(awk '{ p += $1; f += $2; s += $3 } END { print p, f, s }' "$logs/sums")
[ "$3" -eq 0 ] || echo "$3 skipped: see above"
echo "$1 passed, $2 failed"
[ "$2" -eq 0 ]
