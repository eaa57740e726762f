using Mvedsua.Abi.Calls;

namespace Mvedsua.Rules.Events;

/// <summary>What the kinds of the call table mean for rules.</summary>
internal static class ArgumentFacts
{
    /// <summary>Its memory goes out with the call.</summary>
    internal static bool IsSent(ArgumentRow argument) => argument.Kind is ArgumentKind.Path or ArgumentKind.Str or ArgumentKind.StrV
        or ArgumentKind.In or ArgumentKind.IovIn or ArgumentKind.MsgIn or ArgumentKind.MMsgIn or ArgumentKind.SigSetArg
        or ArgumentKind.EpollEvent or ArgumentKind.InOut or ArgumentKind.FdSet;

    /// <summary>Its memory comes back.</summary>
    internal static bool IsReceived(ArgumentRow argument) => argument.Kind is ArgumentKind.Out or ArgumentKind.OutAll
        or ArgumentKind.OutLen or ArgumentKind.IovOut or ArgumentKind.MsgOut or ArgumentKind.MMsgOut or ArgumentKind.InOut
        or ArgumentKind.FdSet;

    /// <summary>Rules may look at its bytes: they are one buffer, and mean the same in both versions.</summary>
    internal static bool IsReadable(ArgumentRow argument) => argument.Structure.Opaque.Count == 0 && argument.Kind is
        ArgumentKind.Path or ArgumentKind.Str or ArgumentKind.StrV or ArgumentKind.In or ArgumentKind.IovIn or ArgumentKind.MsgIn
        or ArgumentKind.Out or ArgumentKind.OutAll or ArgumentKind.OutLen or ArgumentKind.IovOut or ArgumentKind.MsgOut;

    /// <summary>A rule can fill its memory: as many bytes as the result says, within the room that the call has.</summary>
    internal static bool IsGivable(ArgumentRow argument) =>
        argument.Structure.Opaque.Count == 0 && argument.Kind is ArgumentKind.Out or ArgumentKind.OutAll or ArgumentKind.IovOut;

    /// <summary>Index of the argument that is the length of this one's memory; -1: none. (What epoll_ctl does to a descriptor is no length.)</summary>
    internal static int LengthOf(ArgumentRow argument) =>
        argument.IsMemory && argument.Kind is not ArgumentKind.EpollEvent and < ArgumentKind.IoctlArg ? argument.LengthArgument : -1;

    /// <summary>The argument as its type has it: 32 bits extended by sign or zeroes, or 64 bits.</summary>
    internal static long Number(ArgumentRow argument, ulong raw) => argument.Kind switch
    {
        ArgumentKind.UInt or ArgumentKind.Mode or ArgumentKind.Uid or ArgumentKind.Gid or ArgumentKind.Flags => (uint)raw,
        ArgumentKind.Long or ArgumentKind.ULong or ArgumentKind.Off or ArgumentKind.Hex => (long)raw,
        _ when argument.IsScalar => (int)raw,
        _ => (long)raw,
    };

    /// <summary>Whether the call moves bytes out and returns how many.</summary>
    internal static bool SendsBytes(CallRow row) => row.Result == CallResult.Bytes && row.Arguments.Any(IsSent) && !row.Arguments.Any(IsReceived);

    /// <summary>A follower may make it: it asks, and changes nothing outside the process.</summary>
    internal static bool IsHarmless(CallRow row)
    {
        const CallFlags outside = CallFlags.Consume | CallFlags.Emit | CallFlags.OpensDescriptor | CallFlags.ClosesDescriptor | CallFlags.Blocking;
        if (row.Class != CallClass.Replayed || (row.Flags & outside) != 0) return false;
        return Queries.Contains(row.Name);
    }

    // By name: the table doesn't say which calls change what the kernel keeps of a process.
    private static readonly HashSet<string> Queries = new(StringComparer.Ordinal)
    {
        "clock_gettime", "clock_getres", "gettimeofday", "time", "times", "getpid", "getppid", "gettid", "getuid", "geteuid",
        "getgid", "getegid", "getgroups", "getresuid", "getresgid", "getpgid", "getpgrp", "getsid", "uname", "sysinfo",
        "getrusage", "getrlimit", "getpriority", "getcpu", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
        "getrandom", "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
        "readlinkat", "getcwd", "statfs", "fstatfs", "getsockname", "getpeername", "getsockopt",
    };
}
