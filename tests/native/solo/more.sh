#!/bin/sh
# Usage: more.sh SHIM BIN. What the other drivers can't arrange: other preloads, sanitizers, LD_PRELOAD's order
# (pitfall 33), programs that the shim does not reach (pitfall 22).
set -u
shim=$1 bin=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/mvedsua-more.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
SOLO_BIN=$bin
export SOLO_BIN

# verdict NAME STATUS: the outputs of both runs are in $work/native and $work/shim.
verdict() {
    if [ "$2" = 0 ] && cmp -s "$work/native" "$work/shim"; then
        echo "ok solo/more/$1"
    else
        echo "not ok solo/more/$1"
        echo "# status $2; natively, then under the shim:"
        sed 's/^/#   /' "$work/native" "$work/shim" "$work/err" | head -n 30
        failures=$((failures + 1))
    fi
}

cat >"$work/program.c" <<'C'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int seen;
static void handler(int n) { seen += n; }
static void *thread(void *arg)
{
    char *text[64];
    for (int r = 0; r < 200; r++) {
        for (int i = 0; i < 64; i++)
            memset(text[i] = malloc(100 + i * 37), i, 100);
        for (int i = 0; i < 64; i++)
            free(text[i]);
    }
    return arg;
}
int main(int argc, char **argv)
{
    pthread_t threads[4];
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, thread, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    int status = system("exit 3");
    pid_t child = fork();
    if (child == 0)
        _exit(4);
    int code;
    waitpid(child, &code, 0);
    printf("%d %d %d\n", seen, WEXITSTATUS(status), WEXITSTATUS(code));
    fflush(stdout);
    if (argc > 1) { /* a bug for the sanitizer to find */
        char *text = malloc(10);
        text[10 + argc - 2] = 1;
        printf("%s\n", argv[0]);
    }
    return 0;
}
C

for kind in address undefined thread; do
    name=${kind}_sanitizer_build_runs
    if ! gcc -g -fsanitize=$kind -pthread -o "$work/$kind" "$work/program.c" 2>/dev/null; then
        echo "skip solo/more/$name: this gcc has no -fsanitize=$kind"
        continue
    fi
    "$work/$kind" >"$work/native" 2>"$work/err"
    # ASan wants to be first among the libraries, and says so; leaks are sought with ptrace, which is refused.
    preload=$shim
    [ $kind = address ] && preload="$(gcc -print-file-name=libasan.so) $shim"
    timeout 60 env LD_PRELOAD="$preload" MVEDSUA_EXEC=same ASAN_OPTIONS=detect_leaks=0 "$work/$kind" >"$work/shim" 2>"$work/err"
    verdict "$name" $?
done

echo 'skip solo/more/leak_sanitizer_build_runs: it stops its threads with ptrace, which the shim refuses by name'
if [ -x "$work/address" ]; then
    "$work/address" bug 2>&1 | grep -c 'heap-buffer-overflow' | sed 's/[1-9].*/found/' >"$work/native"
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $shim" "$work/address" bug 2>&1 | grep -c 'heap-buffer-overflow' | sed 's/[1-9].*/found/' >"$work/shim"
    verdict address_sanitizer_still_finds_bugs 0
fi

gcc -O1 -pthread -o "$work/plain" "$work/program.c"
"$work/plain" >"$work/native"
jemalloc=$(ls /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 2>/dev/null)
if [ -n "$jemalloc" ]; then
    for order in "$shim $jemalloc" "$jemalloc $shim" "$jemalloc:$shim"; do
        timeout 60 env LD_PRELOAD="$order" MVEDSUA_EXEC=all "$work/plain" >"$work/shim" 2>"$work/err"
        status=$?
        [ $status = 0 ] && cmp -s "$work/native" "$work/shim" || break
    done
    verdict jemalloc_preloaded_too $status
else
    echo 'skip solo/more/jemalloc_preloaded_too: libjemalloc2 is not installed'
fi

# Started by a path that is relative or a link: the entry of LD_PRELOAD goes on as it was written.
ln -s "$shim" "$work/libmvedsua.so"
(cd "$work" && timeout 60 env LD_PRELOAD=./libmvedsua.so MVEDSUA_EXEC=all ./plain) >"$work/shim" 2>"$work/err"
verdict relative_preload_path $?

gcc -O1 -static -pthread -o "$work/static" "$work/program.c" 2>/dev/null &&
    { "$work/static" >"$work/native"; LD_PRELOAD="$shim" MVEDSUA_EXEC=all "$work/static" >"$work/shim" 2>"$work/err"; verdict static_programs_run_untouched $?; }

for limit in "-n 16" "-s 64" "-v 4000000"; do
    (ulimit $limit && exec timeout 60 env LD_PRELOAD="$shim" MVEDSUA_EXEC=all /bin/sh -c 'echo $((6 * 7)); /bin/true && echo fine') >"$work/shim" 2>"$work/err"
    status=$?
    printf '42\nfine\n' >"$work/native"
    verdict "ulimit$(echo "$limit" | tr ' -' '__')" $status
done

command -v musl-gcc >/dev/null && reason='refused by the launch checks, which have their own tests' || reason='musl-gcc is not installed'
echo "skip solo/more/musl_programs: $reason"

# CET: the processor here must have shadow stacks for this to mean anything.
grep -q user_shstk /proc/cpuinfo && reason='not written yet: this is the first machine with shadow stacks' ||
    reason='this processor has no user shadow stacks (user_shstk)'
echo "skip solo/more/shadow_stacks_stay_balanced: $reason"

[ $failures = 0 ]
