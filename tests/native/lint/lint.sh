#!/bin/sh
# Usage: lint.sh ROOT OUT. One line per tool: ok NAME or not ok NAME, findings above it.
set -u
cd "$1" || exit 1
out=$2
failed=0

sources() { find native tests/native tests/servers rules bench/native "$@" | LC_ALL=C sort; }

# tool NAME COMMAND...: silence and status 0 are wanted.
tool() {
    name=$1
    shift
    if "$@" 2>&1; then echo "ok lint/$name"; else
        echo "not ok lint/$name"
        failed=1
    fi
}

# A file as its Makefile compiles it: the shim without vector registers, C++ as C++, a broken release with its release,
# conversions with both.
tidy() {
    sources -name '*.c' -o -name '*.cc' | OUT=$out xargs -P"$(nproc)" -n1 sh -c '
        case $1 in
        native/*) language="-std=gnu11 -ffreestanding -mgeneral-regs-only" ;;
        tests/servers/kv/broken/* | tests/servers/kv/check/* | rules/kv/*) language="-std=gnu11 -Itests/servers/kv -Itests/servers/kv/2.0 -Irules/kv/1.0-2.0" ;;
        *.cc) language="-std=c++17 -fnon-call-exceptions" ;;
        *) language=-std=gnu11 ;;
        esac
        # shellcheck disable=SC2086 # several words
        found=$(clang-tidy --quiet "$1" -- $language -D_GNU_SOURCE -Inative/include -Inative/shim -I. -I"$OUT/obj" \
            -I"$OUT/obj/zydis/include" -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYAN_NO_LIBC -DZYDIS_MINIMAL_MODE \
            -DZYDIS_DISABLE_ENCODER -DZYDIS_DISABLE_FORMATTER 2>&1) && exit 0
        printf "%s\n" "$found"
        exit 1' sh
}

# __ASSEMBLER__ is what entry.S has of a header that C shares with it.
# comparePointers: symbols of the linker stand for the bounds of one section, addresses for being on a stack.
check() {
    cppcheck -j"$(nproc)" --quiet --std=c11 --enable=warning,portability --inline-suppr --suppress=comparePointers \
        --error-exitcode=1 -U__ASSEMBLER__ -Inative/include -Inative/shim -Itests/servers/kv -Itests/servers/kv/2.0 -Irules/kv/1.0-2.0 native tests/native tests/servers rules bench/native
}

format() { sources -name '*.[ch]' -o -name '*.cc' | xargs clang-format --dry-run -Werror; }

tool clang-format format
tool clang-tidy tidy
tool cppcheck check
exit "$failed"
