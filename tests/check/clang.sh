# SPDX-License-Identifier: MIT
# A second compiler, all warnings that the first one gives and its own.
. tests/check/lib.sh
if ! has clang; then
    skip "clang: not installed"
    finish
fi
for file in lib/*/*.c lib/*/*/*.c; do
    test_that "$file" clang -std=c11 -O2 -fPIC -Iinclude -Wall -Wextra -Wshadow -Wconversion -Wcomma \
        -Wno-string-conversion -pedantic -Werror -c "$file" -o "$work/object.o"
done
finish
