# SPDX-License-Identifier: MIT
# Older x86 processors, emulated: the library must not use an instruction they lack, and must give the same bits.
. tests/check/lib.sh
export SPR_TEST_QUICK=1
if [ "$(uname -m)" != x86_64 ]; then
    skip "older x86 processors: this is $(uname -m)"
elif ! has qemu-x86_64; then
    skip "older x86 processors: no qemu-x86_64"
else
    "$B/digest" - portable 1 >"$work/reference"
    for cpu in Nehalem Haswell; do
        (
            qemu-x86_64 -cpu $cpu "$B/digest" - auto 1 >"$work/$cpu" 2>"$work/$cpu.error" ||
                echo "exit status $?" >>"$work/$cpu"
        ) &
    done
    wait
    for cpu in Nehalem Haswell; do
        nothing "digest on $cpu" "$(grep -v '^qemu-x86_64: warning' "$work/$cpu.error"; diff "$work/reference" "$work/$cpu")"
    done
fi
finish
