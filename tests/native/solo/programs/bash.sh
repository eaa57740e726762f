. "$(dirname "$0")/lib.sh"
cat >script <<'BASH'
trap 'echo "USR1 $((++n))"' USR1
trap 'echo bye' EXIT
trap 'ended=yes' CHLD; /bin/true; echo "ended: $ended"; trap - CHLD
set -m
for i in 1 2 3; do kill -USR1 $$; done
sleep 30 & job=$!
state() { read -r _ _ now _ <"/proc/$job/stat"; [ "$now" = "$1" ]; }
kill -STOP $job; until state T; do :; done; echo stopped
kill -CONT $job; until state S; do :; done; echo continued
kill -TERM $job; wait $job 2>/dev/null; echo "job: $?"
set +m
seq 1 20000 | while read -r x; do [ "$x" = 20000 ] && echo "last $x"; done
echo {1..5} | tr ' ' '\n' | sort -r | paste -sd,
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "coproc $line"; exec {COPROC[1]}>&-; wait $COPROC_PID
diff <(seq 1 5) <(seq 2 6)
(exit 3); echo "sub $?"
f() { local x=$(echo nested $(echo deeper)); echo "$x"; }; f
for i in $(seq 1 100); do /bin/true || echo failed; done
sleep 0.05 & wait; echo "waited $?"
timeout 0.1 sleep 5; echo "timeout $?"
ulimit -S -c 0; { bash -c 'kill -SEGV $$'; } 2>/dev/null; echo "segv $?"
exec 5<>/dev/null; echo x >&5; exec 5>&-
printf '%s\n' "$BASH_SUBSHELL"
BASH
$RUN bash script 2>&1
say "exit $?"
