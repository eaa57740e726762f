#!/bin/sh
# Downloads libc6 of Debian's other suites and unpacks it into OUTDIR/SUITE: the rewriter must cope with all of
# them. The package index and the downloads stay in OUTDIR; the machine's apt configuration is left alone.
# Usage: fetch-libcs.sh OUTDIR      (a suite that is there already isn't fetched again)
# One line per suite: "fetched SUITE VERSION", "cached SUITE VERSION" or "skipped SUITE: reason". Exit 0 in all cases.
set -u

[ $# -eq 1 ] || { echo "usage: $0 OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(readlink -f "$1")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The last line that says why.
reason() { grep -E '^(E|W|Err)' "$1" | tail -n 1 | cut -c 1-200; }

fetch() {
    suite=$1
    if [ -f "$out/$suite/version" ]; then
        echo "cached $suite $(cat "$out/$suite/version")"
        return
    fi
    work=$out/work-$suite.$$
    rm -rf "$work"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/unpacked"
    echo "deb [arch=amd64 signed-by=$keyring] http://deb.debian.org/debian $suite main" > "$work/sources.list"
    # Of the machine's configuration only how to reach the network: its hooks clean its own caches.
    apt-config dump Acquire 2>/dev/null | grep -v Languages > "$work/apt.conf"
    cat >> "$work/apt.conf" <<CONF
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::State::status "/dev/null";
Dir::Cache "$work/cache";
APT::Architecture "amd64";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "0";
CONF
    if ! APT_CONFIG=$work/apt.conf apt-get update >"$work/log" 2>&1; then
        echo "skipped $suite: its package index can't be read: $(reason "$work/log")"
    elif ! (cd "$work" && APT_CONFIG=$work/apt.conf apt-get download libc6 >"$work/log" 2>&1); then
        echo "skipped $suite: the mirror lacks its libc6: $(reason "$work/log")"
    elif ! dpkg-deb -x "$work"/libc6_*.deb "$work/unpacked" 2>"$work/log"; then
        echo "skipped $suite: the package can't be unpacked"
    else
        version=$(dpkg-deb -f "$work"/libc6_*.deb Version)
        rm -rf "${out:?}/$suite"
        mkdir -p "$out/$suite"
        find "$work/unpacked" -type f -name '*.so*' -path '*x86_64-linux-gnu*' ! -path '*gconv*' -exec cp {} "$out/$suite/" \;
        echo "$version" > "$out/$suite/version"
        echo "fetched $suite $version"
    fi
    rm -rf "$work"
}

command -v dpkg-deb >/dev/null || { echo "skipped all: dpkg-deb is missing"; exit 0; }
for suite in bullseye trixie sid; do
    fetch "$suite" &
done
wait
