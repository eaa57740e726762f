#!/bin/sh
# Usage: redis-update.sh OUT. Updates of a running Redis, to be watched: 7.0.15 as Debian 12 had it goes to its security
# update under load, with keys of all types; a build of that update which crashes comes first. No client may notice, and
# the data must be that of a twin that was not updated. Exits with 0 only if all of that was so.
# DEMO_KEYS: how many keys (50,000); with a million it takes a minute instead of half a one.
set -eu

out=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
keys=${DEMO_KEYS:-50000}
limit=$((150 + keys / 2500)) # seconds for everything but the builds
clients=10
old=7.0.15-1~deb12u7 new=7.0.15-1~deb12u10

cd "$root"
build() { # VERSION [PATCH [OTHER]]
    set -- ${2:+--patch "$2"} ${3:+--beside "$3"} redis "$1"
    echo "\$ tests/servers/debian-source $*"
    timeout --foreground -k 30 1500 tests/servers/debian-source --out "$out" "$@" | sed "s|^$root/||"
}
# Nothing here may wait for ever: each build and the rest of the script run under a limit.
if [ "${2-}" != watched ]; then
    make -s -C bench/native OUT="$out"
    printf '== Two releases of Redis, of the sources that Debian has; of the second one also a build with a fault\n'
    build "$old" "" "$new"
    build "$new" "" "$old"
    build "$new" crash
    exec timeout --foreground "$limit" sh "$0" "$out" watched
fi

. tests/demo/demo.sh
program() { echo "${out#"$root/"}/servers/redis/$1/redis-server"; }
for version in "$old" "$new" "$new@crash"; do
    [ -x "$(program "$version")" ] || exit 69 # debian-source has said why
done
# Where a version has left the archive another stands in for it.
is() { sed 's/@.*//' "$out/servers/redis/$1/version"; }
if [ "$(readlink -f "$(program "$old")")" = "$(readlink -f "$(program "$new")")" ] || [ "$(is "$new")" != "$(is "$new@crash")" ]; then
    echo "There is nothing to show: $old is $(is "$old"), $new is $(is "$new"), and $new@crash is of $(is "$new@crash")." >&2
    exit 69
fi
for version in "$old" "$new"; do
    [ "$(is "$version")" = "$version" ] || echo "Debian's archive has $version no longer: it is $(is "$version") below."
done
begin

at() { # PORT COMMAND...
    server=$1
    shift
    redis-cli -p "$server" "$@"
}

# commands FROM TO: one for each number, of all types; each tenth key expires (in the year 2100). The first 600 also go
# into one key of each type, which so gets another encoding than small ones have.
commands() {
    awk -v from="$1" -v to="$2" 'BEGIN {
        for (i = from; i <= to; i++) {
            kind = i % 10
            if (kind < 5) printf "SET str:%d value-%d\r\n", i, i
            else if (kind == 5) printf "RPUSH list:%d a %d c\r\n", i, i
            else if (kind == 6) printf "SADD set:%d red %d\r\n", i, i
            else if (kind == 7) printf "HSET hash:%d field %d\r\n", i, i
            else if (kind == 8) printf "ZADD zset:%d %d member\r\n", i, i
            else printf "XADD stream:%d 1-%d field value\r\n", i, i
            if (i % 30 == 0) printf "EXPIREAT str:%d 4102444800\r\n", i
            if (i <= 600) printf "RPUSH large:list %060d\r\nSADD large:set %060d\r\nHSET large:hash f%060d %d\r\nZADD large:zset %d m%060d\r\n", i, i, i, i, i, i
        }
    }'
}
written=0
# writes NUMBER: so many more commands, to the server and to its twin.
writes() {
    for server in "$port" "$twin"; do
        commands $((written + 1)) $((written + $1)) | at "$server" --pipe >"$work/pipe" 2>&1 && grep -q '^errors: 0,' "$work/pipe" ||
            die "keys can't be written: $(cat "$work/pipe")"
    done
    written=$((written + $1))
}
build_of() { at "$port" INFO server | tr -d '\r' | grep '^redis_build_id:'; }
tells() { # BUILD: clients are told by the version that leads
    build_of | sed 's/^/  INFO: /'
    [ "$(build_of)" = "$1" ] || die "another version answers than $1"
}
# The server's name for each connection, and the client's address: a client that had connected anew would have others.
connections() { at "$port" CLIENT LIST | grep -v 'cmd=client|list' | sed 's/^\(id=[0-9]*\) \(addr=[^ ]*\) .*/\1 \2/' | sort; }
# warms_up PROGRAM: an update that is told after some seconds how the new version did.
warms_up() {
    set -- mvedsua update "$name" --to "$1" --description "$rules/7.0.15-u7-u10/update.description" --rules "$rules" --warm-up "${DEMO_SECONDS:-4}s"
    show "$@"
    "$@" >"$work/update" 2>&1 &
    update_pid=$!
    live 5
    wait "$update_pid" || die "the update failed: $(cat "$work/update")"
    cat "$work/update"
    look
}
rules=rules/redis

step "Redis $old with $keys keys of all types, under load"
port=$("$out/bench/free-port")
set -- --save "" --enable-debug-command yes --repl-diskless-sync-delay 0
starts '*Ready to accept connections*' "$(program "$old")" --port "$port" --dir "$work" "$@"
twin=$("$out/bench/free-port")
echo "Its twin, the same program without Mvedsua, is given the same keys and is not updated."
mkdir "$work/twin"
"$(program "$old")" --port "$twin" --dir "$work/twin" "$@" >"$work/twin/log" 2>&1 &
also_pids=$!
until at "$twin" PING >/dev/null 2>&1; do
    kill -0 "$also_pids" 2>/dev/null || die "the twin has ended: $(tail -n 3 "$work/twin/log")"
    sleep 0.05
done
writes "$keys"
replica=$("$out/bench/free-port")
mkdir "$work/replica"
"$(program "$old")" --port "$replica" --dir "$work/replica" "$@" --replicaof 127.0.0.1 "$port" >"$work/replica/log" 2>&1 &
also_pids="$also_pids $!"
until at "$replica" INFO replication 2>/dev/null | grep -q '^master_link_status:up'; do
    kill -0 "$!" 2>/dev/null || die "the replica has ended: $(tail -n 3 "$work/replica/log")"
    sleep 0.05
done
at "$port" SUBSCRIBE news >"$work/news" 2>/dev/null &
also_pids="$also_pids $!"
at "$port" BLPOP check:jobs 0 >"$work/job" 2>/dev/null &
also_pids="$also_pids $!"
loads redis
echo "A replica follows it, as Redis's replicas do. $clients clients ask without pause and know every answer; one has"
echo "subscribed to news; one waits for a job (BLPOP); one more asks, and shows what it is told by Redis's protocol:"
asks "HMGET check:nothing field" "*1" "\$-1"
old_build=$(build_of)
tells "$old_build"
live 3
connections >"$work/connections"

step "Update to a build that crashes at HMGET where there is no such key"
next_phase
updates "$(program "$new@crash")" "$rules/7.0.15-u7-u10/update.description" "$rules"
live 2
follows
asks "HMGET check:nothing field" "*1" "\$-1"
breaks
live 2

step "Update to $new, with a warm-up"
next_phase
asks MULTI +OK
asks "INCR check:visits" +QUEUED
warms_up "$(program "$new")"
writes 1000
follows
tells "$old_build"
promote
new_build=$(build_of)
[ "$new_build" != "$old_build" ] || die "the old version answers"
tells "$new_build"
echo "The transaction that was begun in the old version:"
asks EXEC "*1" ":1"
writes 1000
live 3
follows
next_phase
commit
writes 1000
live 2

step "Its connections"
connections >"$work/connections.now"
cmp -s "$work/connections" "$work/connections.now" || die "the connections are others: $(diff "$work/connections" "$work/connections.now")"
echo "$(wc -l <"$work/connections") connections, the same as before the updates, by Redis's numbers and the clients' ports."
at "$port" PUBLISH news "still here" >/dev/null
until grep -q '^still here$' "$work/news"; do sleep 0.05; done
echo "The subscriber has been told: $(tail -n 1 "$work/news")"
at "$port" RPUSH check:jobs "a job" >/dev/null
until grep -q '^a job$' "$work/job"; do sleep 0.05; done
echo "The client that has waited for a job since before the updates is given: $(tail -n 1 "$work/job")"

saw "before" "a broken build" "the update" "after it"

step "Its data"
at "$port" --scan --pattern 'check:*' | xargs redis-cli -p "$port" DEL >/dev/null # the clients' own
for server in "$port" "$twin"; do
    echo "\$ redis-cli -p $server DEBUG DIGEST    # $([ "$server" = "$port" ] && echo updated || echo the twin), $(at "$server" DBSIZE) keys"
    at "$server" DEBUG DIGEST
done
[ "$(at "$port" DEBUG DIGEST)" = "$(at "$twin" DEBUG DIGEST)" ] || die "the data is another"
at "$port" WAIT 1 0 >/dev/null
until [ "$(at "$replica" DEBUG DIGEST)" = "$(at "$twin" DEBUG DIGEST)" ]; do sleep 0.05; done # what is under way comes
[ "$(at "$port" INFO stats | tr -d '\r' | sed -n 's/^sync_full://p')" = 1 ] || die "the replica has synchronised anew"
echo "The replica has the same, and has synchronised once, as it was attached."

stop
printf '\nNo client noticed: %s answers, all of them right; %s keys, all of them as in the twin.\n' "$answers" "$written"
