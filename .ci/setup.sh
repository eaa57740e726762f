#!/bin/sh
# Installs the Debian packages that the build, the tests and the demo need.
# Does nothing when all are there; uses sudo only when not root.
set -eu

# purpose|packages
needs='build the shim and the command|gcc make libc6-dev libzydis-dev libzycore-dev libdw1 libelf1
compile the tests in C++|g++
read ELF and debug information; unpack other libcs for the tests|libdw-dev binutils dpkg-dev
servers that the tests build from Debian source packages|libssl-dev libjemalloc-dev pkg-config
servers that the tests run|redis-server memcached nginx-light lighttpd beanstalkd vsftpd haproxy postgresql
programs that the tests run|python3 sqlite3 git bash procps
clients and loads|redis-tools curl wrk apache2-utils lftp libmemcached-tools stress-ng
oracles and tools of the tests|strace gdb tmux valgrind libcap2-bin
draw the figures of make bench|libfontconfig1 fonts-dejavu-core
monitors that make bench has beside this one|linux-perf
make lint|clang-tidy clang-format cppcheck'

die() {
    echo "mvedsua setup: $*" >&2
    exit 1
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "Mvedsua runs on Linux on x86-64 only; this is $(uname -s) on $(uname -m)."
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this machine is not Debian (no dpkg-query or apt-get); install the packages listed in .ci/setup.sh by hand, then use 'make all'."
command -v dotnet >/dev/null || die "the .NET SDK 10 is missing (no dotnet in PATH); install it from https://dot.net, then run make again."
dotnet --list-sdks | grep -q '^10\.' || die "the .NET SDK 10 is missing (dotnet --list-sdks has none); install it from https://dot.net, then run make again."

missing() {
    for package in $1; do
        case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true) in
        ii*) ;;
        *) printf ' %s' "$package" ;;
        esac
    done
}

lacking=''
while IFS='|' read -r purpose packages; do
    absent=$(missing "$packages")
    [ -z "$absent" ] && continue
    [ -n "$lacking" ] || echo "mvedsua setup: installs Debian packages"
    echo "  to $purpose:$absent" | sed 's/^  to \(servers\|programs\|clients\|oracles\|make\)/  for \1/'
    lacking="$lacking$absent"
done <<EOF
$needs
EOF
[ -n "$lacking" ] || exit 0

as_root=''
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "installing packages needs root and sudo is not there; as root run: apt-get install$lacking"
    as_root=sudo
fi
echo "  (Where an init system runs, Debian starts the installed servers' own services; Mvedsua uses none of them:
   stop them with 'systemctl disable --now NAME' if you don't want them.)"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -q -y --no-install-recommends $lacking
