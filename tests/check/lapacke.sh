# SPDX-License-Identifier: MIT
# The library with LAPACKE, in a folder of its own.
. tests/check/lib.sh
if ! has pkg-config || ! pkg-config --exists lapacke; then
    skip "lapacke: not installed"
    finish
fi
out=$B/lapacke
$MAKE B="$out" WITH_LAPACKE=1 all "$out/unit" "$out/presolve" >"$work/out" 2>&1
test_that "it builds" [ $? -eq 0 ]
grep -E 'warning|error' "$work/out"
nothing "only libc, libm and LAPACKE are needed" "$(readelf -d "$out/libspinroute.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -v -e '^libc\.' -e '^libm\.' -e '^ld-linux' -e '^liblapacke\.')"
test_that "spinroute.pc names it" grep -q '^Requires.private: lapacke$' "$out/spinroute.pc"
nothing "without it, spinroute.pc names nothing" "$(grep '^Requires' "$B/spinroute.pc")"
test_that "presolve and bounds of small problems" "$out/presolve" 20
test_that "the suite presolve" sh -c "CK_RUN_SUITE=presolve '$out/unit'"
finish
