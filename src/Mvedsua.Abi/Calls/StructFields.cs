using System.Buffers.Binary;

namespace Mvedsua.Abi.Calls;

/// <summary>Prints a field's bytes.</summary>
internal delegate string FieldPrinter(ReadOnlySpan<byte> bytes);

/// <summary>One printed field of a structure.</summary>
internal readonly record struct Field(string Name, int Offset, int Size, FieldPrinter Print);

/// <summary>The fields of the structures worth reading, with their x86-64 offsets.</summary>
internal static class StructFields
{
    private static readonly Dictionary<string, Field[]> Table = new(StringComparer.Ordinal)
    {
        ["timespec"] = [Long("tv_sec", 0), Long("tv_nsec", 8)],
        ["timeval"] = [Long("tv_sec", 0), Long("tv_usec", 8)],
        ["timezone"] = [Int("tz_minuteswest", 0), Int("tz_dsttime", 4)],
        ["itimerval"] = [Nested("it_interval", 0, "timeval"), Nested("it_value", 16, "timeval")],
        ["itimerspec"] = [Nested("it_interval", 0, "timespec"), Nested("it_value", 16, "timespec")],
        ["utimbuf"] = [Long("actime", 0), Long("modtime", 8)],
        ["tms"] = [Long("tms_utime", 0), Long("tms_stime", 8), Long("tms_cutime", 16), Long("tms_cstime", 24)],
        ["timex"] = [Bits("modes", 0, 4), Long("offset", 8), Long("freq", 16), Long("maxerror", 24), Long("esterror", 32),
            Int("status", 40), Nested("time", 72, "timeval")],
        ["stat"] = [Mode("st_mode", 24), Long("st_size", 48)],
        ["statx"] = [Bits("stx_mask", 0, 4), new("stx_mode", 28, 2, bytes => CallText.FileMode(Word(bytes))), Long("stx_size", 40)],
        ["statfs"] = [Bits("f_type", 0, 8), Long("f_bsize", 8), Long("f_blocks", 16), Long("f_bfree", 24), Long("f_bavail", 32)],
        ["utsname"] = [Text("sysname", 0, 65), Text("nodename", 65, 65), Text("release", 130, 65), Text("version", 195, 65),
            Text("machine", 260, 65), Text("domainname", 325, 65)],
        ["sysinfo"] = [Long("uptime", 0), Long("totalram", 32), Long("freeram", 40), Short("procs", 80)],
        ["rusage"] = [Nested("ru_utime", 0, "timeval"), Nested("ru_stime", 16, "timeval"), Long("ru_maxrss", 32)],
        ["rlimit"] = [Limit("rlim_cur", 0), Limit("rlim_max", 8)],
        ["sigaction"] = [new("sa_handler", 0, 8, Handler), new("sa_mask", 24, 8, bytes => CallText.SignalSet(Word(bytes))),
            Set("sa_flags", 8, 8, "sigaction"), Pointer("sa_restorer", 16)],
        ["siginfo"] = [new("si_signo", 0, 4, bytes => CallText.Signal((int)Word(bytes))), Set("si_code", 8, 4, "sigcode"),
            Int("si_pid", 16), Int("si_uid", 20)],
        ["siginfo_child"] = [new("si_signo", 0, 4, bytes => CallText.Signal((int)Word(bytes))), Int("si_code", 8), Int("si_pid", 16),
            Int("si_uid", 20), Int("si_status", 24)],
        ["stack"] = [Pointer("ss_sp", 0), Set("ss_flags", 8, 4, "sigaltstack"), Long("ss_size", 16)],
        ["sigevent"] = [Pointer("sigev_value", 0), new("sigev_signo", 8, 4, bytes => CallText.Signal((int)Word(bytes))),
            Int("sigev_notify", 12)],
        ["epoll_event"] = [Set("events", 0, 4, "epoll"), Bits("data", 4, 8)],
        ["flock"] = [Set("l_type", 0, 2, "locktype"), Set("l_whence", 2, 2, "whence"), Long("l_start", 8), Long("l_len", 16)],
        ["f_owner"] = [Int("type", 0), Int("pid", 4)],
        ["open_how"] = [Set("flags", 0, 8, "open"), new("mode", 8, 8, bytes => CallText.Octal(Word(bytes))), Bits("resolve", 16, 8)],
        ["clone_args"] = [Set("flags", 0, 8, "clone"), new("exit_signal", 32, 8, bytes => CallText.Signal((long)Word(bytes))),
            Pointer("stack", 40), Bits("stack_size", 48, 8)],
        ["sched_attr"] = [Int("size", 0), Set("sched_policy", 4, 4, "sched"), Bits("sched_flags", 8, 8), Int("sched_nice", 16),
            Int("sched_priority", 20)],
        ["cap_header"] = [Bits("version", 0, 4), Int("pid", 4)],
        ["cap_data"] = [Bits("effective", 0, 4), Bits("permitted", 4, 4), Bits("inheritable", 8, 4)],
        ["sembuf"] = [Short("sem_num", 0), new("sem_op", 2, 2, bytes => CallText.Decimal((short)Word(bytes))), Bits("sem_flg", 4, 2)],
        ["mq_attr"] = [Set("mq_flags", 0, 8, "open"), Long("mq_maxmsg", 8), Long("mq_msgsize", 16), Long("mq_curmsgs", 24)],
        ["termios"] = [Bits("c_iflag", 0, 4), Bits("c_oflag", 4, 4), Bits("c_cflag", 8, 4), Bits("c_lflag", 12, 4)],
        ["termios2"] = [Bits("c_iflag", 0, 4), Bits("c_oflag", 4, 4), Bits("c_cflag", 8, 4), Bits("c_lflag", 12, 4)],
        ["winsize"] = [Short("ws_row", 0), Short("ws_col", 2), Short("ws_xpixel", 4), Short("ws_ypixel", 6)],
        ["ifreq"] = [Text("ifr_name", 0, 16)],
    };

    /// <summary>The fields of a structure, or null when it is printed as bytes.</summary>
    internal static Field[]? Of(string structure) => Table.GetValueOrDefault(structure);

    /// <summary>Its fields above are only the telling ones.</summary>
    internal static bool IsAbridged(string structure) =>
        structure is "stat" or "statx" or "statfs" or "sysinfo" or "rusage" or "timex" or "termios" or "termios2";

    /// <summary>Up to eight bytes as a number.</summary>
    internal static ulong Word(ReadOnlySpan<byte> bytes)
    {
        Span<byte> word = stackalloc byte[8];
        bytes[..Math.Min(bytes.Length, 8)].CopyTo(word);
        return BinaryPrimitives.ReadUInt64LittleEndian(word);
    }

    private static Field Long(string name, int offset) => new(name, offset, 8, bytes => CallText.Decimal((long)Word(bytes)));

    private static Field Int(string name, int offset) => new(name, offset, 4, bytes => CallText.Decimal((int)Word(bytes)));

    private static Field Short(string name, int offset) => new(name, offset, 2, bytes => CallText.Unsigned(Word(bytes)));

    private static Field Bits(string name, int offset, int size) => new(name, offset, size, bytes => CallText.Hex(Word(bytes)));

    private static Field Pointer(string name, int offset) => new(name, offset, 8, bytes => CallText.Pointer(Word(bytes)));

    private static Field Mode(string name, int offset) => new(name, offset, 4, bytes => CallText.FileMode(Word(bytes)));

    private static Field Text(string name, int offset, int size) =>
        new(name, offset, size, bytes => CallText.QuoteString(bytes, bytes.Length));

    private static Field Set(string name, int offset, int size, string set) => new(name, offset, size, bytes =>
        NameSet.Of(set).Format(size == 4 && set == "sigcode" ? (int)Word(bytes) : (long)Word(bytes)));

    private static Field Limit(string name, int offset) => new(name, offset, 8, bytes =>
        Word(bytes) == ulong.MaxValue ? "RLIM64_INFINITY" : CallText.Unsigned(Word(bytes)));

    private static Field Nested(string name, int offset, string structure) =>
        new(name, offset, 16, bytes => StructFormatter.Fields(structure, bytes)!);

    private static string Handler(ReadOnlySpan<byte> bytes) => Word(bytes) switch
    {
        0 => "SIG_DFL",
        1 => "SIG_IGN",
        var address => CallText.Pointer(address),
    };
}
