#!/bin/sh
# Usage: run.sh SHIM BIN [PROGRAM[/TEST]...]
# Runs every test of the programs in BIN natively and under SHIM. A test passes when both runs end with the same
# status, print the same, and the status is 0. Failures print both outputs and the command that reproduces them.
# SOLO_REPEAT=N runs each test under the shim N times; SOLO_QUICK=1 makes the long ones short; SOLO_PREFIX names the
# run (the same tests run under Syscall User Dispatch, without writable code, and with the UBSan build).
set -u
shim=$1 bin=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/tmp}/mvedsua-solo.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
ulimit -S -c 0
export SOLO_BIN="$bin" SOLO_SHIM="$shim"

# shimmed PROGRAM TEST: within a time limit, so that a hang is a failure with a name.
shimmed() {
    timeout -k 5 60 env LD_PRELOAD="$shim" MVEDSUA_EXEC=all "$1" "$2"
}

one() {
    program=$1 test=$2 name=${SOLO_PREFIX:-solo}/$(basename "$1")/$2
    (cd "$work" && timeout -k 5 60 "$program" "$test") >"$work/native" 2>"$work/native.err" </dev/null
    native=$?
    if [ $native = 77 ]; then
        echo "skip $name: $(tail -n 1 "$work/native")"
        return
    fi
    round=0
    while [ $round -lt "${SOLO_REPEAT:-1}" ]; do
        round=$((round + 1))
        (cd "$work" && shimmed "$program" "$test") >"$work/shim" 2>"$work/shim.err" </dev/null
        status=$?
        if [ $status = 77 ]; then
            echo "skip $name: $(tail -n 1 "$work/shim")"
            return
        fi
        if [ $status != 0 ] || [ $native != 0 ] || ! cmp -s "$work/native" "$work/shim"; then
            echo "not ok $name"
            echo "# natively: status $native"
            sed 's/^/#   /' "$work/native" "$work/native.err" | head -n 20
            echo "# under the shim: status $status, round $round"
            sed 's/^/#   /' "$work/shim" "$work/shim.err" | head -n 20
            echo "# to repeat: LD_PRELOAD=$shim MVEDSUA_EXEC=all $program $test"
            failures=$((failures + 1))
            return
        fi
    done
    echo "ok $name"
}

tests=$*
[ -n "$tests" ] || tests=$(cd "$bin" && find . -maxdepth 1 -type f -perm -u+x ! -name '*.so' ! -name '*.o' | sort)
for entry in $tests; do
    entry=${entry#./}
    case $entry in
    */*) one "$bin/${entry%%/*}" "${entry#*/}" ;;
    *)
        for test in $("$bin/$entry" --list); do
            one "$bin/$entry" "$test"
        done
        ;;
    esac
done
[ $failures = 0 ]
