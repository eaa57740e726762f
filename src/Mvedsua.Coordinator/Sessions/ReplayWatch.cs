using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Watches how far a follower has replayed: tells when it has come to a mark, and when it stands still though there is something to
/// replay. Both are in shared memory, and nothing tells of their changes: so they are looked at, as a lag in time is
/// (<see cref="LagMonitor"/>). Safe for concurrent use.</summary>
internal sealed unsafe class ReplayWatch : IDisposable
{
    /// <summary>So many looks without a step forward are a hang. Looks are counted, not the clock: while the coordinator itself stands
    /// still, nobody looks.</summary>
    private const int MostIdleLooks = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a follower may stand still while an update is watched.</summary>
    internal static readonly TimeSpan Patience = MostIdleLooks * Interval;

    /// <summary>How long any follower may; it computes as long as its leader did, and the leader may have been silent for that time.</summary>
    internal static readonly TimeSpan PatienceForLife = TimeSpan.FromSeconds(60);

    private readonly SharedMemory _memory;
    private readonly Action<SessionEvent> _post;
    private readonly Lock _lock = new();
    private readonly List<(ulong[] Upto, int Number)> _marks = [];
    private readonly Timer _timer;
    private Progress _last;
    private int _idle;
    private readonly TimeSpan _interval;
    private readonly int _mostIdleLooks;
    private readonly bool _forgivesStops;

    /// <param name="memory">The session's.</param>
    /// <param name="who">The follower.</param>
    /// <param name="post">Where the events go.</param>
    internal ReplayWatch(SharedMemory memory, Follower who, Action<SessionEvent> post)
        : this(memory, who, post, Interval, MostIdleLooks, forgivesStops: false)
    {
    }

    private ReplayWatch(SharedMemory memory, Follower who, Action<SessionEvent> post, TimeSpan interval, int mostIdleLooks, bool forgivesStops)
    {
        (_memory, Who, _post, _interval, _mostIdleLooks, _forgivesStops) = (memory, who, post, interval, mostIdleLooks, forgivesStops);
        _timer = new Timer(_ => Look(), null, interval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A watch that looks seldom, costs nothing that could be measured, and leaves alone who is stopped, in a debugger.</summary>
    internal static ReplayWatch ForLife(SharedMemory memory, Follower who, Action<SessionEvent> post)
    {
        var interval = TimeSpan.FromSeconds(2);
        return new(memory, who, post, interval, (int)(PatienceForLife / interval), forgivesStops: true);
    }

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
            Progress now = Progress.Of(_memory, Who.Version);
            /* A reader that is being woken may still be marked as one that sleeps. */
            bool waits = now.Waits && _last.Waits && now.Published == _last.Published;
            List<(ulong[] Upto, int Number)> reached = now.Logs == 0 ? [] : [.. _marks.Where(mark => waits || IsReplayed(mark.Upto))];
            /* Looked at last: of a follower that was ended, cursors are closed after that, as if there were nothing left to replay. */
            if (!IsFollowing) reached = [];
            foreach ((_, int number) in reached)
            {
                _marks.RemoveAll(mark => mark.Number == number);
                _post(new SessionEvent.Replayed(Who, number, now.Replayed));
            }
            _idle = now.Waits || now.Replayed != _last.Replayed ? 0 : _idle + 1;
            _last = now;
            if (_idle > 0 && _forgivesStops && IsStopped(Who.Pid)) _idle = 0;
            if (_idle > 0 && _idle % _mostIdleLooks == 0) _post(new SessionEvent.Stalled(Who, _mostIdleLooks * _interval));
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

    /// <summary>(Or has ended, which is told otherwise.)</summary>
    private static bool IsStopped(int pid) => ProcStat.Of(pid) is not { IsStopped: false };

    private bool IsFollowing => _memory.Control.Block.Member(Who.Version) is { Publishing: true } member && member.Generation == Who.Generation;

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

    /// <param name="Logs">How many of the leader's logs it reads.</param>
    /// <param name="Published">Events in these.</param>
    /// <param name="Replayed">Those of them that the follower has consumed.</param>
    /// <param name="Waits">Where it has not consumed all, it sleeps until there are more: a rule may stand for what comes next.</param>
    private readonly record struct Progress(int Logs, ulong Published, ulong Replayed, bool Waits)
    {
        internal static Progress Of(SharedMemory memory, int follower)
        {
            int logs = 0;
            ulong published = 0, replayed = 0;
            bool waits = true;
            int leader = memory.Control.Block.LeaderVersion;
            for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
            {
                if (LagMonitor.FollowerCursor(memory, leader, slot, follower, out MvLogHeader* log) is not { } cursor) continue;
                ulong read = Volatile.Read(ref cursor.Pointer->Sequence), written = Volatile.Read(ref log->Sequence);
                logs++;
                published += written;
                replayed += read;
                waits &= read >= written || (Volatile.Read(ref SharedMemory.Sleepers(log)->Bits) >> follower & 1) != 0;
            }
            return new Progress(logs, published, replayed, waits);
        }
    }
}
