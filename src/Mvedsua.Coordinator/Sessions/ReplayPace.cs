using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>How much a follower replays, over all its threads, from the first look on. Each log counts for itself: the log of a thread that has
/// ended is closed, and with it goes all that was ever replayed of it. Not safe for concurrent use.</summary>
internal sealed class ReplayPace
{
    private readonly ulong?[] _last = new ulong?[MvAbi.MaxThreads];
    private bool _hasLooked;

    /// <summary>Events replayed since the first look; none after fewer than two.</summary>
    internal ulong Replayed { get; private set; }

    /// <summary>Looks at it once more.</summary>
    /// <param name="now">What has been replayed of each log; null: it isn't read.</param>
    internal void Look(IReadOnlyList<ulong?> now)
    {
        for (int slot = 0; slot < _last.Length; slot++)
        {
            /* A log that is opened later, or is another thread's by now, counts from 0. */
            if (_hasLooked && now[slot] is { } read) Replayed += _last[slot] is { } before && before <= read ? read - before : read;
            _last[slot] = now[slot];
        }
        _hasLooked = true;
    }

    /// <summary>What a follower has replayed of each of its leader's logs; null: it doesn't read that one.</summary>
    internal static unsafe ulong?[] Of(SharedMemory memory, int follower)
    {
        int leader = memory.Control.Block.LeaderVersion;
        return [.. Enumerable.Range(0, (int)MvAbi.MaxThreads).Select(slot => Read(memory, leader, slot, follower))];
    }

    private static unsafe ulong? Read(SharedMemory memory, int leader, int slot, int follower) =>
        LagMonitor.FollowerCursor(memory, leader, slot, follower, out _) is { } cursor ? Volatile.Read(ref cursor.Pointer->Sequence) : null;
}
