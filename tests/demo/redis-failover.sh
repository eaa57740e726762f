#!/bin/sh
# Usage: redis-failover.sh OUT. The main job, to be watched: Debian's redis-server, unchanged, with a follower in
# step, under load; the leader is killed; no client may notice. Exits with 0 only if none did.
set -eu

out=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
limit=60 # seconds for everything
clients=20

# Nothing here may wait for ever: the whole script runs under a limit.
if [ "${2-}" != watched ]; then
    make -s -C "$root/bench/native" OUT="$out"
    exec timeout --foreground "$limit" sh "$0" "$out" watched
fi

. "$root/tests/demo/demo.sh"
begin

field() { sed -n "s/^phase=$2 .*$1=\\([0-9.]*\\).*/\\1/p" "$work/check.log"; }

step "redis-server, unchanged and in its default configuration, with a follower"
port=$("$out/bench/free-port")
echo "\$ mvedsua run --name $name --follower -- redis-server --port $port --dir $work"
"$out/mvedsua" run --name "$name" --follower -- redis-server --port "$port" --dir "$work" >"$work/server" 2>&1 &
run_pid=$!
exec 3<"$work/server"
await '*Ready to accept connections*'
grep '^mvedsua:' "$work/server.log"
look
[ -n "$leader" ] && [ -n "$follower" ] || die "there is no follower"

step "redis-benchmark: 50 clients, 50,000 GETs and SETs"
redis-benchmark -p "$port" -n 50000 -c 50 -t get,set -q | tr '\r' '\n' | grep 'requests per second'

step "Status under load: $clients clients whose every answer is checked (INCR, SET, GET)"
"$check" redis "$port" "$clients" "$limit" >"$work/check" &
check_pid=$!
exec 4<"$work/check"
await_load ready
await_load 'progress=*'
mvedsua status "$name"

step "kill -9 $leader: the leader, in the middle of the load"
kill -USR1 "$check_pid"
kill -KILL "$leader"
await '*leads now*'
printf '%s\n' "$line"
leader=$follower follower=''
await_load 'progress=*'
await_load 'progress=*'

step "A new follower for the new leader, the load goes on"
kill -USR1 "$check_pid"
echo "\$ mvedsua follow $name"
mvedsua follow "$name"
follower=$(pid_of follower)
await_load 'progress=*'
await_load 'progress=*'
mvedsua status "$name"
[ -n "$follower" ] && [ "$(pid_of follower)" = "$follower" ] || die "the new follower is gone: $(mvedsua report "$name" | head -n 1)"

step "What the $clients checking clients saw"
kill -TERM "$check_pid"
while read -r line <&4; do printf '%s\n' "$line"; done >"$work/check.log"
noticed=0
wait "$check_pid" || noticed=1
check_pid=''
i=0
for what in "before the kill" "around the kill" "with the new follower"; do
    printf '%-22s %8s answers, %s errors, half within %s us, longest %s us\n' \
        "$what" "$(field answers $i)" "$(field errors $i)" "$(field median_us $i)" "$(field longest_us $i)"
    i=$((i + 1))
done
grep '^error=' "$work/check.log" || true
if [ "$noticed" != 0 ]; then
    # The intents say which call was cut off; where that can't be settled, one connection pays for it.
    grep -q '^error=no-answer' "$work/check.log" &&
        echo "A request without answer: the leader had read it and died before the record of that read was published."
fi

step "Stop"
kill -TERM "$run_pid"
status=0
while read -r line <&3; do printf '%s\n' "$line" >>"$work/server.log"; done
wait "$run_pid" || status=$?
run_pid='' leader='' follower=''
echo "mvedsua run: exit status $status, as the server's"
[ "$status" = 0 ] || die "mvedsua run exited with $status"

[ "$noticed" = 0 ] || die "a client noticed"
answers=$(($(field answers 0) + $(field answers 1) + $(field answers 2)))
[ "$(field answers 1)" -gt 0 ] || die "no answer came after the kill"
printf '\nNo client noticed: %s answers, all of them right.\n' "$answers"
