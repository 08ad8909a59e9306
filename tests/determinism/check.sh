#!/bin/sh
# SPDX-License-Identifier: MIT
# Same bits: check.sh DIGEST_BINARY TRACE runs the digest for every kernel that this CPU has, with 1, 2 and 7 threads,
# and once more, and compares each with the first run. The last line is "N passed, N failed".
set -u
digest=$1
trace=${2:--}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

# verdict NAME STATUS OUTPUT
verdict() {
    if [ "$2" -eq 0 ] && cmp -s "$scratch/first" "$3"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAIL $1: status $2"
    diff "$scratch/first" "$3" | head -n 10
}

"$digest" "$trace" portable 1 >"$scratch/first" || {
    echo "FAIL portable: no digest"
    echo "0 passed, 1 failed"
    exit 1
}
for kernel in portable avx2 avx512 neon auto; do
    for threads in 1 2 7; do
        "$digest" "$trace" "$kernel" "$threads" >"$scratch/next" 2>"$scratch/errors"
        status=$?
        # 77: this CPU or build does not have the kernel; portable and auto exist everywhere
        if [ "$status" -eq 77 ] && [ "$kernel" != portable ] && [ "$kernel" != auto ]; then
            echo "skipped: $(cat "$scratch/errors")"
            break
        fi
        verdict "kernel $kernel, $threads threads" "$status" "$scratch/next"
    done
done
"$digest" "$trace" auto 1 >"$scratch/next"
verdict "second run" $? "$scratch/next"
tail -n 1 "$scratch/first"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
