#!/bin/sh
# Usage: run-all.sh OUT. Runs the native and the .NET tests and prints one line with the sums at the end.
set -u
out=$1
log=$out/test-logs
mkdir -p "$log"
cd "$(dirname "$0")/.." || exit 1

# run NAME COMMAND...: shows the output, keeps it in NAME.log and the exit status in NAME.status. A suite that hangs is
# ended: a failure, never a wait. A shell's background job starts with SIGINT ignored, which every program below would
# inherit: tests that interrupt programs need it as a terminal gives it.
limit=3300
run() {
    name=$1
    shift
    {
        env --default-signal=INT,QUIT,PIPE timeout -k 30 "$limit" "$@" 2>&1
        echo $? >"$log/$name.status"
    } | tee "$log/$name.log"
}

run native make -C tests/native check OUT="$out"
# Servers that are built of Debian's sources, beforehand: a build is not to count as a test's time. One that fails is told by
# the tests that need it.
grep -v '^#' tests/servers/debian-pins | while read -r server version _; do
    timeout -k 30 900 tests/servers/debian-source --out "$out" "$server" "$version"
done >"$log/debian-source.log" 2>&1
# One test project at a time: several servers under load at once would make each other late.
run dotnet env DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1 \
    dotnet test --solution Mvedsua.sln -c Release --max-parallel-test-modules 1 --no-progress --no-ansi

# What failed stands last, with the beginning of its message: of a long log often only the end is kept.
grep -h '^skip ' "$log/native.log"
grep -h '^not ok ' "$log/native.log"
grep -h -A 8 '^failed ' "$log/dotnet.log" | cut -c 1-300
sh tests/summary.sh "$log/native.log" "$(cat "$log/native.status")" "$log/dotnet.log" "$(cat "$log/dotnet.status")"
