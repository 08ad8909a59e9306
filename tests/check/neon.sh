# SPDX-License-Identifier: MIT
# 64-bit ARM: cross-compiled, run by an emulator, compared with the digest of this machine. Compiled by hand with default
# flags, because there the compiler is free to contract a*b+c, which ARM always can.
. tests/check/lib.sh
export SPR_TEST_QUICK=1
arm=aarch64-linux-gnu-gcc
if [ "$(uname -m)" = aarch64 ]; then
    skip "neon: this is ARM, check-determinism has run it"
elif ! has $arm || ! has qemu-aarch64; then
    skip "neon: no $arm or qemu-aarch64"
elif ! $arm -O2 -static -Iinclude tests/determinism/digest.c examples/trace/trace.c lib/*/*.c lib/*/*/*.c -o "$work/digest" \
    -lm -pthread; then
    bad "does not cross-compile"
else
    "$B/digest" - portable 1 >"$work/reference"
    for kernel in neon portable; do
        (qemu-aarch64 "$work/digest" - $kernel 1 >"$work/$kernel" 2>&1 || echo "exit status $?" >>"$work/$kernel") &
    done
    wait
    for kernel in neon portable; do
        nothing "digest with the $kernel kernel" "$(diff "$work/reference" "$work/$kernel")"
    done
fi
finish
