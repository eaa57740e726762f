#!/bin/sh
# Builds OUTDIR/libzydis.a: the decoder of Debian's zydis source package, and nothing else of it.
#
# Debian's own libZydis.so needs libc and SSE, which the preload shim may not use. The package index and
# the download live in OUTDIR, under an apt configuration of their own: the machine's stays as it is.
# Usage: native/zydis.sh OUTDIR      (does nothing when OUTDIR/libzydis.a is newer than this script)
set -eu

[ $# -eq 1 ] || { echo "usage: $0 OUTDIR" >&2; exit 2; }
self=$(readlink -f "$0")
mkdir -p "$1"
out=$(readlink -f "$1")
archive=$out/libzydis.a
[ "$archive" -nt "$self" ] && exit 0

fail() { echo "zydis.sh: $1" >&2; exit 1; }
[ -f /usr/include/Zycore/Types.h ] || fail "the headers of libzycore-dev are missing; cure: apt-get install libzycore-dev"
command -v dpkg-source >/dev/null || fail "dpkg-source is missing; cure: apt-get install dpkg-dev"

# Of two builds side by side (the shim's and its tests') the second waits, and finds the first one's archive.
exec 9>"$out/lock"
flock 9
[ "$archive" -nt "$self" ] && exit 0
work=$out/zydis-work.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/objects"

source=$(find "$out" -maxdepth 1 -name 'zydis_*.dsc' | head -n 1)
if [ -z "$source" ]; then
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb-src [signed-by=$keyring] http://deb.debian.org/debian bookworm main" > "$work/sources.list"
    # Of the machine's configuration only how to reach the network: its hooks clean its own caches.
    apt-config dump Acquire 2>/dev/null | grep -v Languages > "$work/apt.conf"
    cat >> "$work/apt.conf" <<CONF
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
Acquire::Languages "none";
CONF
    export APT_CONFIG="$work/apt.conf"
    apt-get -qq update || fail "apt-get update failed for deb-src bookworm; is http://deb.debian.org reachable?"
    mkdir "$work/download"
    (cd "$work/download" && apt-get -qq source --download-only zydis) >/dev/null 2>"$work/log" ||
        { cat "$work/log" >&2; fail "the source package zydis could not be downloaded"; }
    mv "$work"/download/*.tar.* "$out"/
    mv "$work"/download/*.dsc "$out"/ # last: its presence says that the download is whole
    source=$(find "$out" -maxdepth 1 -name 'zydis_*.dsc' | head -n 1)
fi
dpkg-source --no-check -x "$source" "$work/zydis" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "unpacking failed"; }

cd "$work/zydis"
# Not ZYAN_NO_LIBC: its memset is a loop over volatile bytes, which takes half of the decoder's time. gcc expands
# the ordinary one in place; a memset or memcpy that is left comes from native/shim/mem.c.
for file in Decoder DecoderData SharedData; do # all that ZydisDecoderDecodeInstruction needs
    ${CC:-gcc} -c -O2 -DNDEBUG -std=c11 -fPIC -fvisibility=hidden -mgeneral-regs-only \
        -fno-stack-protector -mmemset-strategy=unrolled_loop:-1:noalign -fcf-protection=branch -ffunction-sections -fdata-sections -g1 \
        "-ffile-prefix-map=$work/zydis=zydis" \
        -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYDIS_DISABLE_ENCODER -DZYDIS_DISABLE_FORMATTER \
        -DZYDIS_DISABLE_KNC -DZYDIS_MINIMAL_MODE -Iinclude -Isrc -o "$work/objects/$file.o" "src/$file.c"
done
${AR:-ar} rcsD "$work/libzydis.a" "$work"/objects/*.o
rm -rf "$out/include" && mkdir -p "$out/include" && cp -r include/Zydis "$out/include/"
mv "$work/libzydis.a" "$archive"
