#!/bin/sh
# Usage: kv-update.sh OUT. Updates of a running server, to be watched: the sample server goes from release 1.0 by 1.1 to
# 2.0 under load, with a broken release in between; no client may notice. Exits with 0 only if none did and each stage
# was as expected.
set -eu

out=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
check=$out/bench/check-load
limit=90 # seconds for everything
clients=10

# Nothing here may wait for ever: the whole script runs under a limit.
if [ "${2-}" != watched ]; then
    make -s -C "$root/bench/native" OUT="$out"
    exec timeout --foreground "$limit" sh "$0" "$out" watched
fi

# The commands are shown as they are run: in the project's folder, with short names.
cd "$root"
export LC_ALL=C # figures have points
mvedsua() { "$out/mvedsua" "$@"; }
kv=${out#"$root/"}/servers/kv
name=demo-$$
work=$(mktemp -d "${TMPDIR:-/tmp}/mvedsua-demo.XXXXXX")
run_pid='' check_pid='' client_pid='' leader='' follower=''

clean_up() {
    trap '' INT TERM HUP PIPE # Ctrl-C comes twice, from the terminal and from timeout
    pids="$client_pid $check_pid $run_pid $leader $follower"
    [ -z "$run_pid" ] || look # whoever came since; a follower that is left would serve on
    for pid in $pids $leader $follower; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP PIPE

step() { printf '\n== %s\n' "$*"; }
die() {
    echo "demo: $*" >&2
    [ ! -s "$work/server.log" ] || sed 's/^/  | /' "$work/server.log" >&2
    exit 1
}

# As a user would type it; long ones in two lines.
show() { printf '$ %s\n' "$*" | sed 's/ --description/ \\\n      --description/'; }
shown() {
    show "$@"
    "$@"
}

# await PATTERN: reads what the server and mvedsua run print until a line matches (a shell pattern); keeps all in server.log.
await() {
    while read -r line <&3; do
        printf '%s\n' "$line" >>"$work/server.log"
        # shellcheck disable=SC2254 # the pattern is meant as one
        case $line in $1) return 0 ;; esac
    done
    die "the output ended before '$1'"
}

status() { timeout 5 "$out/mvedsua" status "$name" --json 2>/dev/null | tr -d ' \n'; }
# pid_of leader|follower, as it is now; nothing where there is none.
pid_of() { status | sed -n "s/.*\"$1\":{\"pid\":\\([0-9]*\\).*/\\1/p"; }
look() { leader=$(pid_of leader) follower=$(pid_of follower); }
follows() {
    before=$follower
    look
    [ -n "$follower" ] && [ "$follower" = "$before" ] || die "the follower is gone: $(mvedsua report "$name" | head -n 2)"
}

field() { printf '%s\n' "$line" | sed -n "s/.* $1=\\([0-9.]*\\).*/\\1/p"; }

# live SECONDS: a line for each second of the load, with the follower's lag at that time. On a terminal it stays where it is.
# DEMO_SECONDS, for tests: no more than these at a time.
[ -t 1 ] && redrawn=1 || redrawn=0
live() {
    left=$1
    [ "$left" -le "${DEMO_SECONDS:-$left}" ] || left=$DEMO_SECONDS
    while [ "$left" -gt 0 ]; do
        read -r line <&4 || die "the load has ended"
        case $line in
        second=*) left=$((left - 1)) ;;
        error=*) die "a client noticed: $line" ;;
        *) continue ;;
        esac
        lag=$(status | sed -n 's/.*"follower":{.*"lag":{"events":\([0-9]*\).*/lag \1 events/p')
        text=$(printf '  %6d answers/s, half within %4.0f us, longest %5.1f ms, %s' "$(field answers)" \
            "$(field median_us)" "$(field longest_us)e-3" "${lag:-no follower}")
        [ "$redrawn" = 0 ] && printf '%s\n' "$text" || printf '\r%s\033[K' "$text"
    done
    [ "$redrawn" = 0 ] || echo
}

# asks REQUEST ANSWER: one more client, on the same connection from beginning to end.
asks() {
    printf '%s\n' "$1" >&5
    read -r answer <&6 || answer='(the connection is closed)'
    printf '  %-20s => %s\n' "$1" "$answer"
    [ "$answer" = "$2" ] || die "the answer should have been $2"
}

update() { # RELEASE PAIR DESCRIPTION: PAIR is the folder of the rules
    shown mvedsua update "$name" --to "$kv/kv-$1" --description "rules/kv/$3/update.description" --rules "rules/kv/$2"
    look
    [ -n "$follower" ] || die "the new release is gone: $(mvedsua report "$name" | head -n 2)"
}
promote() {
    shown mvedsua promote "$name"
    was=$leader
    look
    [ -n "$follower" ] && [ "$follower" = "$was" ] || die "the old release does not follow: $(mvedsua report "$name" | head -n 2)"
}
commit() {
    shown mvedsua commit "$name"
    look
    [ -z "$follower" ] || die "the old release is still there"
}
next_phase() { kill -USR1 "$check_pid"; }

step "A key-value server (tests/servers/kv), release 1.0, under load"
port=$("$out/bench/free-port")
mkfifo "$work/server" "$work/check" "$work/requests" "$work/answers"
show mvedsua run --name "$name" -- "$kv/kv-1.0" --port "$port"
"$out/mvedsua" run --name "$name" -- "$kv/kv-1.0" --port "$port" >"$work/server" 2>&1 &
run_pid=$!
exec 3<"$work/server"
await '*listens at*'
grep '^mvedsua:.*server started' "$work/server.log"
look
"$check" kv "$port" "$clients" "$limit" >"$work/check" &
check_pid=$!
exec 4<"$work/check"
curl -sN "telnet://127.0.0.1:$port" <"$work/requests" >"$work/answers" &
client_pid=$!
exec 5>"$work/requests" 6<"$work/answers"
echo "$clients clients ask without pause and know every answer; one more asks:"
asks VERSION "VERSION 1.0"
live 3

step "Update to 1.1: the same answers by other system calls, as rules say"
next_phase
echo "\$ grep -A 1 'all chunks at once' rules/kv/1.0-1.1/forward.rules"
grep -A 1 'all chunks at once' rules/kv/1.0-1.1/forward.rules
update 1.1 1.0-1.1 1.0-1.1
echo "1.1 does what 1.0 does, and is compared with it; 1.0 still serves the clients:"
asks VERSION "VERSION 1.0"
live 3
follows
promote
asks VERSION "VERSION 1.1"
live 2
follows
commit
live 1

step "Update to a broken 2.0, which crashes at TTL"
next_phase
update 2.0-crash 1.1-2.0 1.0-2.0
live 2
follows
asks "PUT key a text" OK
asks "TTL key" "TTL never"
await "*follower $follower ended:*"
printf '%s\n' "$line"
await "*: report *"
[ "$(pid_of leader)" = "$leader" ] && [ -z "$(pid_of follower)" ] || die "the broken release is still there"
follower=''
show mvedsua report "$name"
mvedsua report "$name" >"$work/report"
head -n 2 "$work/report"
grep -q '(follower-died)' "$work/report" || die "that is not why"
live 2

step "Update to 2.0: values have types now, and there are SET, PUT-number and TYPE"
next_phase
update 2.0 1.1-2.0 1.0-2.0
live 2
follows
echo "As long as 1.1 leads, nobody has the new commands (forward.rules):"
asks "SET key another text" "ERROR unknown command"
promote
asks "SET key another text" OK
asks "PUT-number n 12" OK
asks "TYPE n" "TYPE number"
live 2
follows
echo "1.1 knows none of these but follows: reverse.rules makes them PUT and TTL."
shown mvedsua status "$name"
follows
echo "So it has what clients wrote meanwhile, should it have to lead again:"
promote
asks VERSION "VERSION 1.1"
asks "GET key" "VALUE another text"
asks "GET n" "VALUE 12"
promote
live 1
commit
next_phase
asks VERSION "VERSION 2.0"
echo "Now also what 1.1 had no counterpart for (its following would have ended there):"
asks "ADD n 8" "NUMBER 20"
live 2

step "What the $clients checking clients saw"
kill -TERM "$check_pid"
while read -r line <&4; do printf '%s\n' "$line"; done >"$work/check.log"
noticed=0
wait "$check_pid" || noticed=1
check_pid=''
answers=0
for what in "release 1.0" "update to 1.1" "the broken 2.0" "update to 2.0" "release 2.0"; do
    read -r line
    printf '%-14s %8d answers, %d errors, half within %4.0f us, longest %5.1f ms\n' \
        "$what" "$(field answers)" "$(field errors)" "$(field median_us)" "$(field longest_us)e-3"
    answers=$((answers + $(field answers)))
done <<END
$(grep '^phase=' "$work/check.log")
END
grep '^error=' "$work/check.log" || true

step "Stop"
exec 5>&-
kill -TERM "$run_pid"
state=0
while read -r line <&3; do printf '%s\n' "$line" >>"$work/server.log"; done
wait "$run_pid" || state=$?
run_pid='' leader='' follower=''
echo "mvedsua run: exit status $state, as the server's"
[ "$state" = 0 ] || die "mvedsua run exited with $state"

[ "$noticed" = 0 ] || die "a client noticed"
printf '\nNo client noticed: %s answers, all of them right.\n' "$answers"
