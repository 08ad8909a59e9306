# SPDX-License-Identifier: MIT
# Each header alone, twice in a row, in every language it promises.
. tests/check/lib.sh
headers='spinroute.h spinroute/qubo.h spinroute/lower.h spinroute/backend.h'
strict='-Wall -Wextra -pedantic -Werror -Wshadow -Wundef -fsyntax-only -Iinclude'

# languages COMPILER LANGUAGE OPTIONS STANDARD...
languages()
{
    compiler=$1 language=$2 options=$3
    shift 3
    if ! has "${compiler%% *}"; then
        skip "header with $compiler: not installed"
        return
    fi
    for standard in "$@"; do
        for header in $headers; do
            printf '#include <%s>\n#include <%s>\nint spr_unused(void);\n' $header $header >"$work/header.c"
            test_that "$header, $compiler -std=$standard" \
                $compiler -x $language -std=$standard $strict $options "$work/header.c"
        done
    done
}

languages "$CC" c '-Wstrict-prototypes -Wc++-compat' c99 c11 c17 gnu17
languages "$CXX" c++ '' c++11 c++17
languages clang c '-Wstrict-prototypes -Wdocumentation' c99 c11 c17
languages clang++ c++ '' c++11 c++17

for header in $headers; do
    lines=$(wc -l <include/$header)
    test_that "$header has at most 500 lines ($lines)" [ "$lines" -le 500 ]
done
finish
