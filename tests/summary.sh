#!/bin/sh
# Usage: summary.sh NATIVE_LOG NATIVE_STATUS DOTNET_LOG DOTNET_STATUS
# Prints "N passed, N failed, N skipped" over both kinds of tests; exits non-zero on any failure.
#
# Native suites print a line "ok NAME", "not ok NAME" or "skip NAME: reason" per test. dotnet test prints one
# block "total: / failed: / succeeded: / skipped:" for all projects. A suite that ends with an error without naming
# a failed test (it crashed, did not compile, or ran nothing) counts as one failure: nothing passes by silence.
set -eu
native_log=$1 native_status=$2 dotnet_log=$3 dotnet_status=$4

count() { grep -c "$1" "$native_log" || true; }
passed=$(count '^ok ')
failed=$(count '^not ok ')
skipped=$(count '^skip ')
if [ "$failed" = 0 ] && { [ "$native_status" != 0 ] || [ "$passed" = 0 ]; }; then
    failed=1
fi

total() { sed -n "s/^ *$1: \\([0-9][0-9]*\\)\$/\\1/p" "$dotnet_log" | tail -n 1; }
net_passed=$(total succeeded) net_failed=$(total failed) net_skipped=$(total skipped)
: "${net_passed:=0}" "${net_failed:=0}" "${net_skipped:=0}"
if [ "$net_failed" = 0 ] && { [ "$dotnet_status" != 0 ] || [ "$net_passed" = 0 ]; }; then
    net_failed=1
fi

failed=$((failed + net_failed))
echo "$((passed + net_passed)) passed, $failed failed, $((skipped + net_skipped)) skipped"
[ "$failed" = 0 ]
