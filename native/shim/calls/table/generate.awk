# Turns calls.tbl, fcntls.tbl, ioctls.tbl and prctls.tbl (in this order) into calls_table.h.
#   awk -f generate.awk calls.tbl fcntls.tbl ioctls.tbl prctls.tbl > calls_table.h
# Plain POSIX awk (mawk). Any word that calls.tbl's header does not define is an error with file and line.

function fail(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
    failed = 1
    exit 1
}

function known(list, word) { return index(" " list " ", " " word " ") > 0 }

function upper(word) { return "MV_" toupper(word) }

function flag_bits(text,    parts, n, i, bits) {
    if (text == "-") return "0"
    n = split(text, parts, ",")
    for (i = 1; i <= n; i++) {
        if (!known("special handler nofollow blocking restart consume emit opensfd closesfd time", parts[i]))
            fail("unknown flag " parts[i])
        bits = bits (i > 1 ? " | " : "") "MV_CALL_" toupper(parts[i])
    }
    return bits
}

# SIZE of a fixed-size argument: NUMBER, STRUCT or STRUCT*COUNT. Sets a_unit and a_struct.
function fixed_size(text,    parts) {
    if (text ~ /^[0-9]+$/) { a_unit = text; return }
    split(text, parts, "*")
    if (!(parts[1] in struct_index)) fail("unknown structure " parts[1])
    a_struct = struct_index[parts[1]]
    a_unit = struct_size[parts[1]] * (parts[2] == "" ? 1 : parts[2])
}

# N, N*STRUCT, N:STRUCT, each with an optional <LIMIT. Sets a_length (a name), a_unit, a_struct, a_limit.
function counted_size(text,    at, name) {
    at = index(text, "<")
    if (at) { a_limit = substr(text, at + 1); text = substr(text, 1, at - 1) }
    a_unit = 1
    at = match(text, /[*:]/)
    if (at) {
        name = substr(text, at + 1)
        if (!(name in struct_index)) fail("unknown structure " name)
        a_struct = struct_index[name]
        if (substr(text, at, 1) == "*") a_unit = struct_size[name]
        text = substr(text, 1, at - 1)
    }
    a_length = text
}

# Reads one KIND into a_kind, a_length, a_when, a_struct, a_unit, a_limit; derived flags go to a_flags.
function parse_kind(text,    at, inner, base) {
    a_length = ""; a_when = "success"; a_struct = 0; a_unit = 0; a_limit = 0; a_flags = ""
    at = index(text, "/")
    if (at) {
        a_when = substr(text, at + 1)
        text = substr(text, 1, at - 1)
        if (!known("positive eintr tried always lax", a_when)) fail("unknown outcome /" a_when)
    }
    if (text ~ /^str</) { a_limit = substr(text, 5); text = "str" }
    base = text
    sub(/[[(].*/, "", base)
    inner = substr(text, length(base) + 2)
    sub(/[])]$/, "", inner)
    a_kind = base
    if (base == "mode" && text != base) { counted_size(inner); a_unit = 0; return }
    if (known("int uint mode fd dirfd pid tid uid gid signal clock long ulong off hex ptr", base)) {
        if (text != base) fail("scalar " base " takes nothing")
        return
    }
    if (base == "enum" || base == "flags") {
        if (inner == "") fail(base " needs a set")
        return
    }
    if (known("path str strv msgin sigsetarg", base)) { a_flags = "in"; return }
    if (base == "msgout") { a_flags = "in out inout capture"; a_struct = 0; return }
    if (known("iovin mmsgin", base)) { counted_size(inner); a_flags = base == "iovin" ? "in" : "in out"; return }
    if (known("iovout mmsgout", base)) { counted_size(inner); a_flags = base == "iovout" ? "out" : "in out inout"; return }
    if (base == "fdset") { counted_size(inner); a_flags = "in out inout"; return }
    if (base == "epollevent") { counted_size(inner); a_struct = struct_index["epoll_event"]; a_unit = struct_size["epoll_event"]; a_flags = "in"; return }
    if (known("ioctlarg fcntlarg prctlarg", base)) { counted_size(inner); a_flags = "in out inout command"; return }
    if (!known("in out outall inout", base)) fail("unknown kind " text)
    a_flags = base == "in" ? "in" : base == "inout" ? "in out inout" : "out"
    if (text ~ /\[/) { fixed_size(inner); return }
    if (inner ~ /^@/) {
        if (base != "out") fail("@ only in out(@N)")
        a_kind = "outlen"
        a_flags = "out capture"
        inner = substr(inner, 2)
    }
    counted_size(inner)
}

function arg_text(length_index) {
    return sprintf("{MV_ARG_%s, %s, MV_WHEN_%s, %d, %d, %d}", toupper(a_kind), length_index == "" ? "MV_NO_ARG" : length_index,
                   toupper(a_when), a_struct, a_unit, a_limit)
}

function check_words(cls, result) {
    if (!known("local replayed both refused", cls)) fail("unknown class " cls)
    if (!known("zero int uint long hex bytes count fd pid tid ptr noreturn", result)) fail("unknown result " result)
}

# 1: the leader has nothing to add to such a call but its record. epoll's handlers are the follower's; what names processes
# is translated after a promotion; what opens descriptors may be looked at. (And what is noted before it: see the end.)
function straight(    i) {
    if ($3 != "replayed" || ("," $4 ",") ~ /,(special|nofollow|opensfd|closesfd),/ || "command" in derived) return 0
    if (("," $4 ",") ~ /,handler,/ && $2 !~ /^epoll_(wait|ctl)$/) return 0
    if ($2 ~ /^(send|recv)mmsg$|^splice$/) return 0 # (what settles them)
    if ($5 ~ /^[pt]id$/) return 0
    for (i = 6; i <= NF; i++) if (arg_kind[i] ~ /^[pt]id$/) return 0
    return 1
}

# The bits of a straight call's one segment (single.h): its first argument that is memory, if that alone tells its length;
# the others must be null then.
function single() {
    if (single_kind == "" || single_kind == "inout") return " | MV_STRAIGHT_SINGLE"
    if (single_when != "success") return ""
    if (known("in epollevent", single_kind)) return " | MV_STRAIGHT_SINGLE | MV_STRAIGHT_IN | " single_index " << 5"
    if (single_kind == "out") return " | MV_STRAIGHT_SINGLE | MV_STRAIGHT_OUT | " single_index " << 5"
    return ""
}

BEGIN {
    struct_count = 1
    struct_text[0] = "    {\"bytes\", 1, 0, {0, 0}, {0, 0}},"
    last = -1
}

{ sub(/#.*/, "") }
NF == 0 { next }

FILENAME ~ /calls\.tbl$/ && $1 == "struct" {
    struct_index[$2] = struct_count
    struct_size[$2] = $3
    n = 0; offsets = ""; lengths = ""
    for (i = 5; i <= NF; i++) {
        split($i, part, "+")
        offsets = offsets (n ? ", " : "") part[1]
        lengths = lengths (n ? ", " : "") part[2]
        n++
    }
    if (n > 2) fail("at most two opaque parts")
    struct_text[struct_count++] = sprintf("    {\"%s\", %d, %d, {%s}, {%s}},", $2, $3, n, n ? offsets : "0", n ? lengths : "0")
    next
}

FILENAME ~ /settle\.tbl$/ {
    if (!known("again repeated bytes accepted opened made forked waited closed registered named bound connected shut moved told", $1)) fail("unknown way " $1)
    for (i = 2; i <= NF; i++) {
        if (!($i in number_of)) fail("no call " $i)
        if (number_of[$i] in ways) fail($i " twice")
        ways[number_of[$i]] = "MV_WAY_" toupper($1)
    }
    next
}

FILENAME ~ /calls\.tbl$/ {
    number = $1 + 0
    if (number <= last) fail("rows are in ascending order, each number once")
    last = number
    number_of[$2] = number
    check_words($3, $5)
    if (NF > 11) fail("more than six arguments")
    split("", position)
    for (i = 6; i <= NF; i++) {
        at = index($i, ":")
        if (at == 0) fail("NAME:KIND expected, not " $i)
        arg_name[i] = substr($i, 1, at - 1)
        arg_kind[i] = substr($i, at + 1)
        if (arg_name[i] in position) fail("two arguments " arg_name[i])
        position[arg_name[i]] = i - 6
    }
    bits = flag_bits($4)
    split("", derived)
    single_kind = ""
    text = ""
    for (i = 6; i <= NF; i++) {
        parse_kind(arg_kind[i])
        if (a_length != "" && !(a_length in position)) fail("no argument " a_length)
        n = split(a_flags, part, " ")
        if (n && single_kind == "") { single_kind = a_kind; single_when = a_when; single_index = i - 6 }
        for (j = 1; j <= n; j++) {
            if (part[j] == "in") bits = bits sprintf(" | 1u << %d", 16 + i - 6)
            else if (part[j] == "out") bits = bits sprintf(" | 1u << %d", 24 + i - 6)
            if (!(part[j] in derived)) { derived[part[j]] = 1; bits = bits " | MV_CALL_" toupper(part[j]) }
        }
        text = text (i > 6 ? ", " : "") arg_text(a_length == "" ? "" : position[a_length])
    }
    sub(/^0 \| /, "", bits)
    rows[number] = sprintf("    [%d] = {\"%s\", %s, MV_CLASS_%s, MV_RESULT_%s, %d, %s,\n           {%s}},", number, $2, bits,
                           toupper($3), toupper($5), NF - 5, "@", text == "" ? "{0}" : text)
    straight_of[number] = straight() ? "MV_STRAIGHT" single() : ""
    special[number] = known("refused", $3) || ("," $4 ",") ~ /,special,/
    next
}

{
    table = FILENAME
    sub(/.*\//, "", table)
    sub(/\.tbl$/, "", table)
    if (NF != 6) fail("VALUE NAME CLASS FLAGS RESULT KIND expected")
    check_words($3, $5)
    a_kind = "none"; a_length = ""; a_when = "success"; a_struct = 0; a_unit = 0; a_limit = 0; a_flags = ""
    if ($6 != "-") parse_kind($6)
    if (a_length != "") fail("a command's argument has a fixed size")
    commands[table] = commands[table] sprintf("    {\"%s\", %s, %s, MV_CLASS_%s, MV_RESULT_%s, 0, %s},\n", $2, $1, flag_bits($4),
                                              toupper($3), toupper($5), arg_text(""))
}

END {
    if (failed) exit 1
    print "// Generated by generate.awk from the .tbl files beside it; do not edit."
    print "#ifndef MVEDSUA_CALLS_TABLE_DATA_H"
    print "#define MVEDSUA_CALLS_TABLE_DATA_H"
    print ""
    print "#include \"calls/table.h\""
    print ""
    print "#define MV_CALL_COUNT " (last + 1)
    print "#define MV_STRUCT_COUNT " struct_count
    print "#define MV_STRUCT_ADDRESS " struct_index["sockaddr"]
    print ""
    print "static const struct mv_struct_row mv_structs[MV_STRUCT_COUNT] = {"
    for (i = 0; i < struct_count; i++) print struct_text[i]
    print "};"
    print ""
    print "static const struct mv_call_row mv_calls[MV_CALL_COUNT] = {"
    for (i = 0; i <= last; i++) if (i in rows) {
        if (straight_of[i] == "" || ways[i] ~ /_(NAMED|BOUND|CONNECTED|SHUT|MOVED)$/) straight_of[i] = "MV_STRAIGHT_NOT"
        else if (ways[i] !~ /^$|_AGAIN$/) straight_of[i] = straight_of[i] " | MV_STRAIGHT_INTENDED"
        sub("@", straight_of[i], rows[i])
        print rows[i]
    }
    print "};"
    n = split("fcntls ioctls prctls", names, " ")
    for (i = 1; i <= n; i++) {
        print ""
        print "static const struct mv_command_row mv_" names[i] "[] = {"
        printf "%s", commands[names[i]]
        print "};"
    }
    print ""
    print "static const uint8_t mv_ways[MV_CALL_COUNT] = {"
    for (i = 0; i <= last; i++) if (ways[i] != "") print "    [" i "] = " ways[i] ","
    print "};"
    print ""
    print "// 1: the solo fast path may not run this number unseen (special, refused, or no row)."
    print "static const uint8_t mv_solo_special[512] = {"
    for (i = 0; i < 512; i++) {
        printf "%s%d,", i % 32 ? " " : "    ", !(i in rows) || special[i]
        if (i % 32 == 31) print ""
    }
    print "};"
    print ""
    print "#endif"
}
