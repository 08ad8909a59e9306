# SPDX-License-Identifier: MIT
# usage: sanitize.sh asan | tsan
# Builds library and tests apart, with a sanitizer and with assertions, and runs them.
. tests/check/lib.sh
case $1 in
asan) flags=address,undefined programs='unit property terms quadratic presolve lower lower_states torture conform' ;;
tsan) flags=thread programs='parallel digest conform' ;;
esac
echo 'int main(void) { return 0; }' >"$work/try.c"
if ! $CC -fsanitize=$flags "$work/try.c" -o "$work/try" 2>/dev/null; then
    skip "$1: $CC cannot"
    finish
fi
# The thread sanitizer cannot place its shadow when the kernel randomises addresses too widely.
run=
if ! "$work/try" 2>/dev/null; then run='setarch -R'; fi

out=$B/$1
export CK_FORK=no SPR_TEST_QUICK=1 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
# Not optimised: the portable kernel, inlined and instrumented, takes a compiler more than a minute.
$MAKE -k B="$out" NDEBUG= $(printf "$out/%s " $programs) \
    CFLAGS="-O0 -g -fno-omit-frame-pointer -fsanitize=$flags -fno-sanitize-recover=all"
for program in $programs; do
    arguments=
    case $program in
    digest) arguments='- auto 4' ;;
    parallel) arguments=4 ;;
    esac
    start=$(date +%s)
    $run "$out/$program" $arguments >"$work/out" 2>&1
    status=$?
    grep -v -E '^[0-9]+ passed, [0-9]+ failed' "$work/out" | tail -n 60
    test_that "$program under $1, $(($(date +%s) - start)) s" [ $status -eq 0 ]
done
finish
