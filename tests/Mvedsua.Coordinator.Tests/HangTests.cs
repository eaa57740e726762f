using System.Collections.Concurrent;
using System.Diagnostics;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A follower that hangs is ended; one that has a reason to stand still is not.</summary>
public sealed class HangTests : IDisposable
{
    private const int Stop = 19, Continue = 18;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5), Patience = TimeSpan.FromMilliseconds(50);
    private readonly Process _follower = Process.Start("/bin/sleep", "1000"), _other = Process.Start("/bin/sleep", "1000");
    private readonly WrittenLogs _logs;

    public HangTests() => _logs = new WrittenLogs(2, _follower.Id);

    public void Dispose()
    {
        foreach (Process process in (Process[])[_follower, _other])
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        _logs.Dispose();
    }

    private sealed class Watch : IDisposable
    {
        private readonly BlockingCollection<SessionEvent> _told = [];
        private readonly ReplayWatch _watch;

        internal Watch(WrittenLogs logs, Process follower) =>
            _watch = ReplayWatch.ForLife(logs.Memory, WrittenLogs.Who(follower.Id), _told.Add, Interval, Patience);

        internal bool IsQuiet => _told.Count == 0;

        internal SessionEvent.Stalled Next()
        {
            Assert.True(_told.TryTake(out SessionEvent? e, 30_000), "nothing was told");
            return Assert.IsType<SessionEvent.Stalled>(e);
        }

        public void Dispose() => _watch.Dispose();
    }

    [Fact]
    public void One_that_stands_still_though_there_is_something_to_replay_is_told()
    {
        _logs.Publish(0);
        _logs.Replay(0);
        _logs.Publish(1);
        using var watch = new Watch(_logs, _follower);
        SessionEvent.Stalled stalled = watch.Next();
        Assert.Equal(new SessionEvent.Stalled(WrittenLogs.Who(_follower.Id), Patience, 1, InUpdate: false), stalled);
        Assert.True(ReplayWatch.StillHolds(_logs.Memory, stalled));
    }

    [Fact]
    public void What_was_told_is_looked_at_again_before_anybody_is_ended()
    {
        using var watch = new Watch(_logs, _follower);
        _logs.Publish(0);
        _logs.Publish(0);
        SessionEvent.Stalled stalled = watch.Next();
        Assert.False(ReplayWatch.StillHolds(_logs.Memory, stalled with { Who = stalled.Who with { Generation = 2 } }));
        Assert.True(ReplayWatch.StillHolds(_logs.Memory, stalled));
        _logs.Replay(0);
        Assert.False(ReplayWatch.StillHolds(_logs.Memory, stalled));
        stalled = stalled with { Events = 1 };
        Assert.True(ReplayWatch.StillHolds(_logs.Memory, stalled));
        _logs.Sleep(0);
        Assert.False(ReplayWatch.StillHolds(_logs.Memory, stalled));
        _logs.Publish(0);
        Assert.True(ReplayWatch.StillHolds(_logs.Memory, stalled));
        _logs.EndPublishing();
        Assert.False(ReplayWatch.StillHolds(_logs.Memory, stalled));
    }

    /// <summary>Another watch tells how time passes.</summary>
    [Fact]
    public void One_that_is_stopped_is_spared_and_so_it_is_when_it_goes_on()
    {
        _ = Libc.Kill(_follower.Id, Stop);
        Assert.True(SpinWait.SpinUntil(() => ProcStat.Of(_follower.Id) is { IsStopped: true }, 10_000));
        _logs.Publish(0);
        using var stopped = new Watch(_logs, _follower);
        using var other = new Watch(_logs, _other);
        for (int i = 0; i < 4; i++) other.Next();
        Assert.True(stopped.IsQuiet);
        _logs.Replay(0);
        _ = Libc.Kill(_follower.Id, Continue);
        Assert.True(SpinWait.SpinUntil(() => ProcStat.Of(_follower.Id) is { IsStopped: false }, 10_000));
        Assert.True(stopped.IsQuiet);
        _logs.Publish(0);
        Assert.Equal(1ul, stopped.Next().Events); /* it is watched on */
    }
}
