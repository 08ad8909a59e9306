# SPDX-License-Identifier: MIT
# Exports, needs and state of the built libraries.
. tests/check/lib.sh
shared=$B/libspinroute.so static=$B/libspinroute.a

sed -n 's/^SPR_API .*\(spr_[a-z0-9_]*\)(.*/\1/p' include/spinroute.h include/spinroute/*.h | sort >"$work/header"
sed -n 's/^ *\(spr_[a-z0-9_]*\);$/\1/p' lib/spinroute.map | sort >"$work/map"
nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exports"

test_that "the header declares functions" [ -s "$work/header" ]
nothing "lib/spinroute.map lists the functions of the header" "$(diff "$work/header" "$work/map")"
nothing "the shared library exports the functions of the header" "$(diff "$work/header" "$work/exports")"
nothing "only spr_ is exported" "$(grep -v '^spr_[a-z]' "$work/exports")"
nothing "global symbols of the archive start with spr_" \
    "$(nm -g --defined-only "$static" | awk 'NF == 3 && $3 !~ /^spr_/ { print $3 }')"
nothing "exported symbols carry a version" "$(nm -D --defined-only "$shared" | grep ' spr_' | grep -v '@@SPINROUTE_')"
test_that "the soname is libspinroute.so.$ABI" \
    [ "$(readelf -d "$shared" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" = "libspinroute.so.$ABI" ]
nothing "only libc and libm are needed" \
    "$(readelf -d "$shared" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v -e '^libc\.' -e '^libm\.' -e '^ld-linux')"
# What the library takes from libc, name by name: a new name here is a decision, not an accident.
libc='localeconv|clock_gettime|free|realloc|mem(cpy|move|set|cmp|chr)|str(n?cmp|len|str|r?chr|c?spn|tod|toll)|v?snprintf'
libm='(exp|exp2|log|log2|log1p|pow|sqrt|floor|ceil|round|rint|nearbyint|trunc|l?lrint|l?lround|ldexp|frexp|scalbn|ilogb|fmin|fmax|fma)f?'
nothing "nothing is called that prints, exits, starts threads or reads the environment" \
    "$(nm -D --undefined-only "$shared" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | grep -v -x -E "$libc|$libm")"
nothing "no writable data: the library has no global state" \
    "$(size -A "$static" | awk '/^[^ ]*\.o/ { o = $1 } $1 ~ /^\.(data|bss|tdata|tbss|init_array)$/ && $2 > 0 { print o, $1, $2 }')"
test_that "the stack is not executable" sh -c "readelf -lW '$shared' | grep GNU_STACK | grep -q 'RW '"
finish
