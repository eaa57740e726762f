#!/bin/sh
# Usage: gdb.sh SHIM BIN. docs/mvedsua.gdb: what gdb is told where only the shim knows.
set -u
shim=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/mvedsua-gdb.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$(cd "$(dirname "$0")/../../.." && pwd)
name=${SOLO_PREFIX:-solo}/gdb/a_backtrace_from_trampolines_and_entry_reaches_main
cat >"$work/steps.c" <<'END'
#include <signal.h>
#include <unistd.h>
__attribute__((noinline)) int between(void)
{
    return getppid() + sigaltstack(NULL, NULL); /* made on the spot, and looked at by the shim */
}
int main(void)
{
    return between() < 0;
}
END
# Steps through both, instruction by instruction, until it is back in the program; looks around in trampolines and entry.S.
cat >"$work/steps.py" <<'END'
inside = entry = lost = 0
gdb.execute('break between')
gdb.execute('run', to_string=True)
gdb.execute('delete')
while gdb.selected_frame().name() != 'main':
    gdb.execute('stepi', to_string=True)
    pc = int(gdb.parse_and_eval('$pc'))
    table = gdb.find_pc_line(pc).symtab
    if mv_original(pc) is not None:
        inside += 1
    elif table is not None and table.filename.endswith('entry.S'):
        entry += 1
    else:
        continue
    lines = gdb.execute('bt', to_string=True)
    if not ('getppid' in lines or 'sigaltstack' in lines) or 'between' not in lines or 'main' not in lines:
        lost += 1
        print(lines)
print('RESULT', 'good' if inside >= 6 and entry >= 80 and not lost else 'bad', inside, entry, lost)
END
if ! command -v gdb >/dev/null; then
    echo "skip $name: gdb is not installed"
    exit 0
fi
cc -g -O1 -Wl,-z,now -o "$work/steps" "$work/steps.c" || exit 1
gdb -nx -batch -ex "set exec-wrapper env LD_PRELOAD=$shim" -x "$root/docs/mvedsua.gdb" -x "$work/steps.py" "$work/steps" >"$work/out" 2>&1
if grep -q '^RESULT good' "$work/out"; then
    echo "ok $name"
else
    echo "not ok $name"
    sed 's/^/#   /' "$work/out" | tail -n 40
    exit 1
fi
