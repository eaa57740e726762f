using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Instructions;

/// <summary>Whose way through the shim is counted.</summary>
internal enum Role
{
    Solo,
    Leader,
    Follower,
}

/// <summary>A way through the shim that a busy server takes often.</summary>
/// <param name="Role">Whose.</param>
/// <param name="Call">A call of bench/native/call-bench.c.</param>
/// <param name="Threads">In a process of two threads: the order between threads is part of it.</param>
internal sealed record HotPath(Role Role, string Call, bool Threads = false)
{
    internal static IReadOnlyList<HotPath> All { get; } =
    [
        new(Role.Solo, "getppid"),
        new(Role.Solo, "clock_gettime"),
        new(Role.Leader, "getppid"),
        new(Role.Leader, "read of 64 bytes"),
        new(Role.Leader, "write of 64 bytes"),
        new(Role.Leader, "clock_gettime"),
        new(Role.Leader, "epoll_wait, one event ready"),
        new(Role.Follower, "getppid"),
        new(Role.Follower, "read of 64 bytes"),
        new(Role.Follower, "write of 64 bytes"),
        new(Role.Follower, "clock_gettime"),
        new(Role.Follower, "epoll_wait, one event ready"),
        new(Role.Solo, "mutex, lock and unlock", Threads: true),
        new(Role.Leader, "mutex, lock and unlock", Threads: true),
        new(Role.Follower, "mutex, lock and unlock", Threads: true),
        new(Role.Leader, "read of 64 bytes", Threads: true),
        new(Role.Follower, "read of 64 bytes", Threads: true),
    ];

    internal Mode Mode => Role == Role.Solo ? Mode.Solo : Mode.Follower;

    /// <summary>In the table.</summary>
    internal string Name => $"{Role switch { Role.Solo => "solo", Role.Leader => "leader", _ => "follower" }}: {Call}{(Threads ? ", two threads" : "")}";
}
