# SPDX-License-Identifier: MIT
# Installs, builds a program outside the tree by pkg-config, runs it, uninstalls: staged, and with folders of one's own.
. tests/check/lib.sh
if ! has pkg-config; then
    skip "install: no pkg-config"
    finish
fi
mkdir "$work/outside"
cat >"$work/outside/program.c" <<'PROGRAM'
#include <stdio.h>
#include <spinroute.h>
#include <spinroute/lower.h>
#include <spinroute/backend.h>
int main(void)
{
    spr_plan *plan = NULL;
    spr_status status = spr_plan_new(NULL, NULL, &plan, NULL);
    spr_plan_free(plan);
    printf("%s %d\n", spr_version_text(), (int)spr_abi_number());
    return status != SPR_OK || spr_version_number() != 10000 * SPR_VERSION_MAJOR + 100 * SPR_VERSION_MINOR + SPR_VERSION_PATCH;
}
PROGRAM

# scenario NAME ROOT LIBDIR VARIABLE...: LIBDIR and the variables as given to make install
scenario()
{
    name=$1 root=$2 lib=$3
    shift 3
    test_that "$name: install" $MAKE install "$@"
    export PKG_CONFIG_LIBDIR="$root$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
    test_that "$name: pkg-config knows the version" [ "$(pkg-config --modversion spinroute)" = "$VERSION" ]
    nothing "$name: spinroute.pc does not know DESTDIR" \
        "$([ -z "$root" ] || grep -n -F "$root" "$root$lib/pkgconfig/spinroute.pc")"
    (
        cd "$work/outside" && rm -f shared static
        $CC program.c -o shared $(pkg-config --cflags --libs spinroute)
        $CC -static program.c -o static $(pkg-config --static --cflags --libs spinroute)
    )
    test_that "$name: shared" \
        [ "$(LD_LIBRARY_PATH="$root$lib" "$work/outside/shared")" = "$VERSION $ABI" ]
    test_that "$name: shared needs libspinroute.so.$ABI" \
        sh -c "readelf -d '$work/outside/shared' | grep -q 'NEEDED.*\[libspinroute\.so\.$ABI\]'"
    test_that "$name: static" [ "$("$work/outside/static")" = "$VERSION $ABI" ]
    $MAKE uninstall "$@" >/dev/null
    nothing "$name: uninstall leaves nothing" "$(find "$work/stage" ! -type d)"
    rm -rf "$work/stage"
}
scenario staged "$work/stage" /usr/local/lib DESTDIR="$work/stage" prefix=/usr/local \
    libdir=/usr/local/lib includedir=/usr/local/include
scenario prefix '' "$work/stage/opt/lib" DESTDIR= prefix="$work/stage/opt" \
    libdir="$work/stage/opt/lib" includedir="$work/stage/opt/include"
scenario folders '' "$work/stage/lib/deep" DESTDIR= prefix="$work/stage/usr" libdir="$work/stage/lib/deep" \
    includedir="$work/stage/headers"
finish
