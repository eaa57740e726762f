#!/bin/sh
# Usage: programs.sh SHIM BIN [NAME]...
# Runs each script of programs/ natively and under SHIM, in a directory of its own. A script prints a transcript on
# stdout: both runs must print the same and end with 0 (77: skipped, the last line says why). stderr is for humans.
# Failures keep both directories and print the command that reproduces them.
set -u
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES # a make that runs us is no part of what is tested
shim=$1 bin=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
failures=0

# under PREFIX NAME DIRECTORY: one run; PREFIX is what starts a program with the shim, or nothing.
under() {
    mkdir -p "$3"
    chmod 755 "$3"
    (cd "$3" && RUN="$1" TOOL="$bin/tool" LANG=C LC_ALL=C TZ=UTC HOME="$3" timeout -k 5 "${PROGRAM_LIMIT:-90}" bash "$here/programs/$2.sh") \
        >"$3/stdout" 2>"$3/stderr" </dev/null
}

for name in ${*:-$(cd "$here/programs" && ls ./*.sh | sed 's|^\./||; s|\.sh$||; /^lib$/d')}; do
    work=$(mktemp -d "${TMPDIR:-/tmp}/mvedsua-$name.XXXXXX")
    chmod 755 "$work"
    under "" "$name" "$work/native"
    native=$?
    if [ $native = 77 ]; then
        echo "skip ${SOLO_PREFIX:-solo}/programs/$name: $(tail -n 1 "$work/native/stdout")"
        rm -rf "$work"
        continue
    fi
    under "env LD_PRELOAD=$shim MVEDSUA_EXEC=all" "$name" "$work/shim"
    status=$?
    if [ $native = 0 ] && [ $status = 0 ] && cmp -s "$work/native/stdout" "$work/shim/stdout"; then
        echo "ok ${SOLO_PREFIX:-solo}/programs/$name"
        rm -rf "$work"
        continue
    fi
    echo "not ok ${SOLO_PREFIX:-solo}/programs/$name"
    echo "# natively: status $native; under the shim: status $status; both kept in $work"
    diff "$work/native/stdout" "$work/shim/stdout" | head -n 20 | sed 's/^/#   /'
    tail -n 15 "$work/shim/stderr" | sed 's/^/#   /'
    echo "# to repeat: sh $here/programs.sh $shim $bin $name"
    failures=$((failures + 1))
done
[ $failures = 0 ]
