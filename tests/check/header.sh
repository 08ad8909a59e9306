# SPDX-License-Identifier: MIT
# The header alone, twice in a row, in every language it promises.
. tests/check/lib.sh
printf '#include <spinroute.h>\n#include <spinroute.h>\nint spr_unused(void);\n' >"$work/header.c"
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
        test_that "$compiler -std=$standard" \
            $compiler -x $language -std=$standard $strict $options "$work/header.c"
    done
}

languages "$CC" c '-Wstrict-prototypes -Wc++-compat' c99 c11 c17 gnu17
languages "$CXX" c++ '' c++11 c++17
languages clang c '-Wstrict-prototypes -Wdocumentation' c99 c11 c17
languages clang++ c++ '' c++11 c++17

lines=$(wc -l <include/spinroute.h)
test_that "the header has at most 500 lines ($lines)" [ "$lines" -le 500 ]
finish
