#!/bin/sh
# Usage: kv-update.sh OUT. Updates of a running server, to be watched: the sample server goes from release 1.0 by 1.1 to
# 2.0 under load, with a broken release in between; no client may notice. Exits with 0 only if none did and each stage
# was as expected.
set -eu

out=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
limit=90 # seconds for everything
clients=10

# Nothing here may wait for ever: the whole script runs under a limit.
if [ "${2-}" != watched ]; then
    make -s -C "$root/bench/native" OUT="$out"
    exec timeout --foreground "$limit" sh "$0" "$out" watched
fi

# The commands are shown as they are run: in the project's folder, with short names.
cd "$root"
. tests/demo/demo.sh
kv=${out#"$root/"}/servers/kv
begin

update() { # RELEASE PAIR DESCRIPTION: PAIR is the folder of the rules
    updates "$kv/kv-$1" "rules/kv/$3/update.description" "rules/kv/$2"
}

step "A key-value server (tests/servers/kv), release 1.0, under load"
port=$("$out/bench/free-port")
starts '*listens at*' "$kv/kv-1.0" --port "$port"
loads kv
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
breaks
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

saw "release 1.0" "update to 1.1" "the broken 2.0" "update to 2.0" "release 2.0"
stop
printf '\nNo client noticed: %s answers, all of them right.\n' "$answers"
