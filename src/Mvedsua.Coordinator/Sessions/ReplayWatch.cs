using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Watches how far a follower has replayed: tells when it has come to a mark, and when it stands still though there is something to
/// replay. Both are in shared memory, and nothing tells of their changes: so they are looked at, as a lag in time is
/// (<see cref="LagMonitor"/>). Safe for concurrent use.</summary>
internal sealed unsafe class ReplayWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100), Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IntervalForLife = TimeSpan.FromSeconds(2), PatienceForLife = TimeSpan.FromSeconds(60);

    private readonly SharedMemory _memory;
    private readonly Action<SessionEvent> _post;
    private readonly Lock _lock = new();
    private readonly List<(ulong[] Upto, int Number)> _marks = [];
    private readonly Timer _timer;
    private readonly TimeSpan _interval;
    private readonly HangPatience _patience;
    private readonly bool _isForLife;
    private ReplayProgress _last;

    /// <summary>A watch for as long as an update waits for the follower, which may stand still for 10 s.</summary>
    /// <param name="memory">The session's.</param>
    /// <param name="who">The follower.</param>
    /// <param name="post">Where the events go.</param>
    internal ReplayWatch(SharedMemory memory, Follower who, Action<SessionEvent> post)
        : this(memory, who, post, Interval, new HangPatience((int)(Patience / Interval), longestSilences: 0), isForLife: false)
    {
    }

    private ReplayWatch(SharedMemory memory, Follower who, Action<SessionEvent> post, TimeSpan interval, HangPatience patience, bool isForLife)
    {
        (_memory, Who, _post, _interval, _patience, _isForLife) = (memory, who, post, interval, patience, isForLife);
        _timer = new Timer(_ => Look(), null, interval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A watch that looks seldom, costs nothing that could be measured, and leaves alone who is stopped, in a debugger, and who
    /// computes for no longer than its leader did.</summary>
    /// <param name="memory">The session's.</param>
    /// <param name="who">The follower; it may be becoming another version yet.</param>
    /// <param name="post">Where the events go.</param>
    /// <param name="interval">Between two looks; null: 2 s.</param>
    /// <param name="patience">For how long it may stand still whatever its leader did; null: 60 s.</param>
    internal static ReplayWatch ForLife(SharedMemory memory, Follower who, Action<SessionEvent> post, TimeSpan? interval = null, TimeSpan? patience = null)
    {
        TimeSpan between = interval ?? IntervalForLife;
        return new(memory, who, post, between, new HangPatience((int)((patience ?? PatienceForLife) / between), longestSilences: 3), isForLife: true);
    }

    /// <summary>Whether what a watch has seen still holds: that follower follows, and has not moved on.</summary>
    internal static bool StillHolds(SharedMemory memory, SessionEvent.Stalled seen) =>
        Follows(memory, seen.Who) && ReplayProgress.Of(memory, seen.Who.Version) is { Waits: false } now && now.Replayed == seen.Events;

    /// <summary>The follower.</summary>
    internal Follower Who { get; }

    /// <summary>Asks for <see cref="SessionEvent.Replayed"/>, once it has replayed what is published now.</summary>
    internal void Mark(int number)
    {
        lock (_lock) _marks.Add((Published(), number));
        _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        lock (_lock)
        {
            ReplayProgress now = ReplayProgress.Of(_memory, Who.Version);
            TellMarks(now);
            bool mayStand = _isForLife && (ProcStat.Of(Who.Pid) is not { IsStopped: false } || !IsReplaying);
            if (_patience.IsOver(now, mayStand) is { } looks) _post(new SessionEvent.Stalled(Who, looks * _interval, now.Replayed, InUpdate: !_isForLife));
            _last = now;
            try
            {
                _timer.Change(_interval, Timeout.InfiniteTimeSpan);
            }
            catch (ObjectDisposedException)
            {
                /* Nobody is interested any more. */
            }
        }
    }

    private void TellMarks(in ReplayProgress now)
    {
        /* A reader that is being woken may still be marked as one that sleeps. */
        bool waits = now.Waits && _last.Waits && now.Published == _last.Published;
        List<(ulong[] Upto, int Number)> reached = now.Logs == 0 ? [] : [.. _marks.Where(mark => waits || IsReplayed(mark.Upto))];
        /* Looked at last: of a follower that was ended, cursors are closed after that, as if there were nothing left to replay. */
        if (!Follows(_memory, Who)) return;
        foreach ((_, int number) in reached)
        {
            _marks.RemoveAll(mark => mark.Number == number);
            _post(new SessionEvent.Replayed(Who, number, now.Replayed));
        }
    }

    private static bool Follows(SharedMemory memory, Follower who) =>
        memory.Control.Block.Member(who.Version) is { Publishing: true } member && member.Generation == who.Generation;

    private bool IsReplaying => _memory.Control.Block.Member(Who.Version).State == MvMemberState.Replaying;

    private ulong[] Published()
    {
        var published = new ulong[MvAbi.MaxThreads];
        int leader = _memory.Control.Block.LeaderVersion;
        for (int slot = 0; slot < published.Length; slot++)
            if (LagMonitor.FollowerCursor(_memory, leader, slot, Who.Version, out MvLogHeader* log) is not null) published[slot] = Volatile.Read(ref log->Sequence);
        return published;
    }

    private bool IsReplayed(ulong[] upto)
    {
        int leader = _memory.Control.Block.LeaderVersion;
        for (int slot = 0; slot < upto.Length; slot++)
            if (upto[slot] != 0 && LagMonitor.FollowerCursor(_memory, leader, slot, Who.Version, out _) is { } cursor
                && Volatile.Read(ref cursor.Pointer->Sequence) < upto[slot]) return false;
        return true;
    }
}
