# SPDX-License-Identifier: MIT
# usage: tools.sh cc | venv | trace | all
# Installs what is missing, and says so. Does not touch apt when everything is there.
set -u
has() { command -v "$1" >/dev/null 2>&1; }
compiles() { echo '#include <math.h>' | cc -E - >/dev/null 2>&1; }
needed='' useful=''

for group in "$@"; do
    case $group in
    cc | all) has cc && has c++ && compiles || needed="$needed build-essential" ;;
    esac
    case $group in
    all)
        has pkg-config || needed="$needed pkg-config"
        has pkg-config && pkg-config --exists check || needed="$needed check"
        has python3 || needed="$needed python3"
        has pkg-config && pkg-config --exists lapacke || useful="$useful liblapacke-dev libopenblas-dev"
        has valgrind || useful="$useful valgrind"
        has clang || useful="$useful clang"
        has qemu-aarch64 && has qemu-x86_64 || useful="$useful qemu-user"
        has aarch64-linux-gnu-gcc && [ -d /usr/aarch64-linux-gnu/include ] ||
            useful="$useful gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
        ;;
    venv | bench | golden | trace)
        has python3 || needed="$needed python3"
        has python3 && python3 -c 'import ensurepip' 2>/dev/null || needed="$needed python3-venv"
        ;;
    esac
    case $group in
    trace) ls /usr/share/perl/*/pod/perlreftut.pod >/dev/null 2>&1 || needed="$needed perl-doc" ;;
    esac
done

[ -n "$needed$useful" ] || exit 0
echo "tools: installing$needed$useful"

apt()
{
    root=''
    [ "$(id -u)" -eq 0 ] || root='sudo -n'
    $root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

if ! has apt-get; then
    echo "tools: no apt-get here; please install what stands above by hand" >&2
    [ -z "$needed" ]
    exit
fi
mkdir -p build/logs
log=build/logs/tools.log
apt update >$log 2>&1
if ! apt install -y --no-install-recommends $needed $useful >>$log 2>&1; then
    [ -z "$useful" ] || echo "tools: could not get all of$useful; stages that need them are skipped"
    if [ -n "$needed" ] && ! apt install -y --no-install-recommends $needed >>$log 2>&1; then
        tail -n 20 $log
        echo "tools: could not install$needed" >&2
        exit 1
    fi
    # One by one, so that one that cannot be had does not keep the others away.
    for package in $useful; do
        apt install -y --no-install-recommends "$package" >>$log 2>&1
    done
fi
exit 0
