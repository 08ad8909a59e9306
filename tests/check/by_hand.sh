# SPDX-License-Identifier: MIT
# The library without the Makefile: every .c file at once, default flags, no warnings; and as one translation unit.
. tests/check/lib.sh
cat >"$work/use.c" <<'USE'
#include <spinroute.h>
int main(void)
{
    spr_plan *plan;
    spr_status status = spr_plan_new(0, 0, &plan, 0);
    spr_plan_free(plan);
    return status != SPR_OK || spr_abi_number() != SPR_ABI;
}
USE
files=$(ls lib/*/*.c lib/*/*/*.c 2>/dev/null)
for file in $files; do echo "#include \"$(pwd)/$file\""; done >"$work/unity.c"

# works NAME COMMAND...: compiles a shared library from the command's sources and calls it.
works()
{
    name=$1
    shift
    test_that "$name" sh -c '
        work=$0
        rm -f "$work/x.so" "$work/use"
        "$@" -o "$work/x.so" -lm &&
        ${CC:-cc} -Iinclude "$work/use.c" "$work/x.so" -Wl,-rpath,"$work" -o "$work/use" && "$work/use"' "$work" "$@"
}
works "all files, default flags" $CC -Iinclude $files -shared -fPIC
works "all files, -O3, warnings are errors" $CC -Iinclude -O3 -Wall -Wextra -Wshadow -Wconversion -Werror $files -shared -fPIC
works "one unit, default flags" $CC -Iinclude -O1 -Wall -Wextra -Werror "$work/unity.c" -shared -fPIC
test_that "C99 is enough" $CC -std=c99 -pedantic-errors -Iinclude -O1 -shared -fPIC $files -o "$work/c99.so" -lm
finish
