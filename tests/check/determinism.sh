# SPDX-License-Identifier: MIT
# One digest of many routes: kernel variants, thread counts, and builds that nobody prepared for.
. tests/check/lib.sh

# same NAME REFERENCE COMMAND...: one test, passed when the command prints what is in the file of that name.
same()
{
    name=$1 reference=$work/$2
    shift 2
    "$@" >"$work/other" 2>"$work/error" || echo "exit status $?" >>"$work/other"
    nothing "$name" "$(diff "$reference" "$work/other" && : || cat "$work/error")"
}

# Every kernel of this processor, 1, 2 and 7 threads, made-up logits; then real ones.
sh tests/determinism/check.sh "$B/digest" - >"$work/kernels"
status=$?
grep -v '^skipped: ' "$work/kernels"
test_that "kernels and threads" [ $status -eq 0 ]
"$B/digest" $LOGITS portable 1 >"$work/long" && "$B/digest" - portable 1 >"$work/short"
test_that "the portable kernel on real logits" [ $? -eq 0 ]
for threads in 1 7; do
    same "the chosen kernel on real logits, threads $threads" long "$B/digest" $LOGITS auto $threads
done

# builds NAME COMMAND...: the whole library and the digest compiled by hand
for file in lib/*/*.c lib/*/*/*.c; do echo "#include \"$(pwd)/$file\""; done >"$work/unity.c"
builds()
{
    name=$1
    shift
    if ! has "$1"; then
        skip "$name: $1 is not installed"
    elif "$@" -Iinclude tests/determinism/digest.c examples/trace/trace.c -o "$work/digest" -lm -pthread; then
        same "$name" short "$work/digest" - auto 1
    else
        bad "$name: does not compile"
    fi
}
builds "by hand, -O3 for this processor" $CC -O3 -march=native lib/*/*.c lib/*/*/*.c
builds "one unit" $CC -O2 "$work/unity.c"
builds "clang -O3 for this processor" clang -O3 -march=native lib/*/*.c lib/*/*/*.c
finish
