# SPDX-License-Identifier: MIT
# usage: fuzz.sh replay | search
# replay: every file of the corpus, by a plain program and under sanitizers. search: new inputs, for FUZZ_SECONDS each.
. tests/check/lib.sh
corpus=tests/fuzz/corpus

if [ "$1" = search ]; then
    has clang || { echo "fuzz: clang is not installed"; exit 1; }
    for target in tests/fuzz/fuzz_*.c; do
        name=$(basename "$target" .c)
        mkdir -p "$B/fuzz/$name"
        clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -std=gnu11 -Iinclude "$target" \
            lib/base/*.c lib/qubo/*.c -lm -o "$B/fuzz/$name.search" || exit 1
        "$B/fuzz/$name.search" -max_total_time="${FUZZ_SECONDS:-600}" -max_len=4096 -artifact_prefix="$B/fuzz/" \
            "$B/fuzz/$name" "$corpus/${name#fuzz_}" || exit 1
    done
    exit 0
fi

replay()
{
    count=$(find "$corpus/formats" -type f | wc -l)
    test_that "$1: $count files of $corpus/formats" sh -c "'$2' $corpus/formats/* >/dev/null"
}
replay "plain" "$B/fuzz-replay"
# only what the readers need: the rest takes a compiler minutes
if $CC -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Iinclude tests/fuzz/fuzz_formats.c \
    tests/fuzz/replay.c lib/base/*.c lib/qubo/*.c -lm -o "$work/sanitized" 2>"$work/log"; then
    replay "sanitized" "$work/sanitized"
else
    tail -n 5 "$work/log"
    skip "sanitized replay: $CC cannot"
fi
finish
