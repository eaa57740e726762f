# Sourced by the scripts of this folder. $RUN starts a program as this run wants it; $TOOL: see ../tool.c.
set -u
pids=()
# Whatever happens, nothing that was started here stays.
trap 'for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null; done' EXIT

PATH=$PATH:/usr/sbin:/sbin # where Debian puts servers, and where an ordinary user's PATH does not lead

say() { printf '%s\n' "$*"; }
skip() { say "$*"; exit 77; }
need() { command -v "$1" >/dev/null || skip "$1 is not installed"; }

# server PORT COMMAND...: starts it, waits until PORT answers; its pid is in $server.
server() {
    local port=$1
    shift
    $RUN "$@" >>server.log 2>&1 &
    server=$!
    pids+=("$server")
    "$TOOL" listening "$port" "$server" || { say "does not listen"; cat server.log >&2; exit 1; }
}

# finish SIGNAL: ends the last server and says how it went.
finish() {
    kill -"$1" "$server"
    wait "$server"
    say "ended by SIG$1: $?"
}

# until_true COMMAND...: an event that can only be asked for.
until_true() {
    local i
    for i in $(seq 1 600); do
        "$@" >/dev/null 2>&1 && return 0
        read -r -t 0.05 <> <(:)
    done
    say "never came true: $*"
    return 1
}

# talk PORT: sends stdin, prints the answer until the peer closes.
talk() {
    exec 9<>"/dev/tcp/127.0.0.1/$1"
    cat >&9
    cat <&9
    exec 9>&-
}
