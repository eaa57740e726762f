# shellcheck shell=sh
# shellcheck disable=SC2154 # the demo sets out, port, clients, and limit (seconds for everything)
# What the demos have in common; sourced by them. A demo shows one session ($name). What it prints comes from
# descriptor 3, what check-load prints (10 clients that know every answer) from 4; 5 and 6 are one more client's connection.

check=$out/bench/check-load
name=demo-$$
run_pid='' check_pid='' client_pid='' leader='' follower='' also_pids='' work=''
cr=$(printf '\r')
export LC_ALL=C # figures have points
mvedsua() { "$out/mvedsua" "$@"; }

clean_up() {
    trap '' INT TERM HUP PIPE # Ctrl-C comes twice, from the terminal and from timeout
    pids="$client_pid $check_pid $run_pid $also_pids $leader $follower"
    [ -z "$run_pid" ] || look # whoever came since; a follower that is left would serve on
    for pid in $pids $leader $follower; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}

# A folder of the demo's own, and an end that leaves nothing behind.
begin() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/mvedsua-demo.XXXXXX")
    trap clean_up EXIT
    trap 'exit 1' INT TERM HUP PIPE
    mkfifo "$work/server" "$work/check" "$work/requests" "$work/answers"
}

step() { printf '\n== %s\n' "$*"; }
die() {
    echo "demo: $*" >&2
    [ ! -s "$work/server.log" ] || sed 's/^/  | /' "$work/server.log" >&2
    exit 1
}

# As a user would type it; long ones in two lines.
show() {
    {
        printf '$'
        for word; do printf ' %s' "${word:-''}"; done
        echo
    } | sed 's/ --description/ \\\n      --description/'
}
shown() {
    show "$@"
    "$@"
}

# await_from DESCRIPTOR PATTERN: reads lines until one matches (a shell pattern); keeps all in server.log.
await_from() {
    while read -r line <&"$1"; do
        printf '%s\n' "$line" >>"$work/server.log"
        # shellcheck disable=SC2254 # the pattern is meant as one
        case $line in $2) return 0 ;; esac
    done
    die "the output ended before '$2'"
}
await() { await_from 3 "$1"; } # of what the server and mvedsua run print
await_load() { await_from 4 "$1"; }

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

# starts READY COMMAND...: the server under mvedsua run, until it has printed READY (a shell pattern).
starts() {
    ready=$1
    shift
    show mvedsua run --name "$name" -- "$@"
    "$out/mvedsua" run --name "$name" -- "$@" >"$work/server" 2>&1 &
    run_pid=$!
    exec 3<"$work/server"
    await "$ready"
    grep '^mvedsua:.*server started' "$work/server.log"
    look
}

# loads PROTOCOL: the clients that know every answer, and one more connection, for asks.
loads() {
    "$check" "$1" "$port" "$clients" "$limit" >"$work/check" &
    check_pid=$!
    exec 4<"$work/check"
    curl -sN "telnet://127.0.0.1:$port" <"$work/requests" >"$work/answers" &
    client_pid=$!
    exec 5>"$work/requests" 6<"$work/answers"
}
next_phase() { kill -USR1 "$check_pid"; }

# asks REQUEST ANSWER...: one more client, on the same connection from beginning to end. An answer may have several lines.
asks() {
    printf '%s\n' "$1" >&5
    request=$1
    shift
    for expected; do
        read -r answer <&6 || answer='(the connection is closed)'
        answer=${answer%"$cr"}
        printf '  %-20s => %s\n' "$request" "$answer"
        [ "$answer" = "$expected" ] || die "the answer should have been $expected"
        request=''
    done
}

# updates PROGRAM DESCRIPTION RULES [OPTION...]
updates() {
    program=$1 description=$2 rules=$3
    shift 3
    shown mvedsua update "$name" --to "$program" --description "$description" --rules "$rules" "$@"
    look
    [ -n "$follower" ] || die "the new version is gone: $(mvedsua report "$name" | head -n 2)"
}

# breaks: the follower has just been given what it can't do; waits for its end, and shows the report.
breaks() {
    await "*follower $follower ended:*"
    printf '%s\n' "$line"
    await "*: report *"
    [ "$(pid_of leader)" = "$leader" ] && [ -z "$(pid_of follower)" ] || die "the broken version is still there"
    follower=''
    show mvedsua report "$name"
    mvedsua report "$name" >"$work/report"
    head -n 2 "$work/report"
    sed -n '/(where the signal hit:)/ { N; s/.*(\(.*\))\n *#[0-9]* */  \1 /p; }' "$work/report"
    grep -q '(follower-died)' "$work/report" || die "that is not why"
}
# (On a busy machine a follower is behind under load: it is waited for.)
promote() {
    shown mvedsua promote "$name" --wait 60s
    was=$leader
    look
    [ -n "$follower" ] && [ "$follower" = "$was" ] || die "the old version does not follow: $(mvedsua report "$name" | head -n 2)"
}
commit() {
    shown mvedsua commit "$name"
    look
    [ -z "$follower" ] || die "the old version is still there"
}

# saw PHASE...: ends the load; a line for each of its phases. Sets noticed and answers.
saw() {
    step "What the $clients checking clients saw"
    kill -TERM "$check_pid"
    while read -r line <&4; do printf '%s\n' "$line"; done >"$work/check.log"
    noticed=0
    wait "$check_pid" || noticed=1
    check_pid=''
    answers=0
    grep '^phase=' "$work/check.log" >"$work/phases" || true
    exec 7<"$work/phases"
    for what; do
        read -r line <&7
        printf '%-14s %8d answers, %d errors, half within %4.0f us, longest %5.1f ms\n' \
            "$what" "$(field answers)" "$(field errors)" "$(field median_us)" "$(field longest_us)e-3"
        answers=$((answers + $(field answers)))
    done
    exec 7<&-
    grep '^error=' "$work/check.log" || true
}

# stop: as an operator does; the last word.
stop() {
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
}
