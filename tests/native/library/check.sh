#!/bin/sh
# Usage: check.sh LIBRARY BAD_LIBRARY EXPORT_MAP FAULTS_LIBRARY. ok NAME or not ok NAME; what was found stands above.
set -u
library=$1 bad=$2 map=$3 faults=$4
failed=0

# The only names that another library may define: weak, because the shim runs without them too. (The last two lines: what
# order/arenas.c and order/stdio.c ask of libc, on the program's stack.)
allowed='dlsym|__errno_location|__rseq_offset|__rseq_size'
allowed=$allowed'|environ|get_nprocs|mallopt'
allowed=$allowed'|stdin|stdout|pthread_setcancelstate'

# Each of these prints what breaks its rule.
no_undefined_name_but_the_weak_ones() {
    nm -D --undefined-only "$1" | awk -v allowed="^($allowed)\$" '$1 != "w" || $2 !~ allowed'
}
no_needed_library() { readelf -dW "$1" | grep '(NEEDED)'; }
no_text_relocation() { readelf -dW "$1" | grep TEXTREL; }
no_executable_stack() { readelf -lW "$1" | awk '$1 == "GNU_STACK" { seen = 1; if ($7 ~ /E/) print } END { if (!seen) print "no GNU_STACK" }'; }
no_memory_writable_and_executable() { readelf -lW "$1" | awk '$1 == "LOAD" && /W ?E/'; }
# Relocations that name a symbol are what a call to another library, or to an interposed function of its own, becomes.
no_call_that_leaves_the_library() {
    readelf -rW "$1" | awk -v allowed="^($allowed)(@|\$)" '$3 ~ /^R_X86_64_/ && $5 != "" && NF >= 5 && $5 !~ allowed'
}
bound_before_the_program_runs() {
    readelf -dW "$1" | grep -q 'FLAGS_1.*NOW' || echo 'not BIND_NOW'
    readelf -lW "$1" | grep -q GNU_RELRO || echo 'no RELRO'
}
# But for interposed functions that take any number of arguments: by the calling convention, doubles stand in vector registers; and for those that
# keep and give back a thread's.
no_vector_nor_x87_register() {
    objdump -d --no-show-raw-insn "$1" | awk '/>:$/ { may = $2 ~ /^<((__)?f?printf(_chk)?|mv_registers_(save|restore))>:$/ } !may' | grep -E '%(x|y|z)mm[0-9]|%mm[0-7]|%st\b|%k[0-7]|[[:space:]](fld|fst|fild|fistp|fninit|emms|xsave|xrstor|fxsave|fxrstor)'
}
exports_only_what_the_map_names() {
    nm -D --defined-only "$1" | awk 'NR == FNR { if (/local:/) exit_map = 1
        if (!exit_map) { gsub(/global:|[;{}]|\/\*.*\*\//, " "); for (i = 1; i <= NF; i++) named[$i] = 1 }; next }
        !($3 in named) && $3 !~ /^mvedsua_/ { print $3 " is exported"; next }
        { seen[$3] = 1 }
        END { for (name in named) if (!(name in seen) && name != "mvedsua_*") print name " is not exported" }' "$map" -
}
# Fault points are nothing at all but in the build that is made for them, by which this rule is seen to find them.
no_fault_point() { nm "$1" | grep ' mv_fault'; strings "$1" | grep MVEDSUA_FAULTS; }

for rule in no_undefined_name_but_the_weak_ones no_needed_library no_text_relocation no_executable_stack \
    no_memory_writable_and_executable no_call_that_leaves_the_library bound_before_the_program_runs no_vector_nor_x87_register \
    exports_only_what_the_map_names no_fault_point; do
    [ "$rule" = no_fault_point ] && bad=$faults
    found=$($rule "$library" | head -n 5)
    if [ -n "$found" ]; then
        echo "$found"
        echo "not ok library/$rule"
        failed=1
    elif [ -z "$($rule "$bad")" ]; then
        echo "not ok library/$rule: it does not find it in $bad either"
        failed=1
    else
        echo "ok library/$rule"
    fi
done
exit "$failed"
