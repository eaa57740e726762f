using System.Collections.Concurrent;
using System.Diagnostics;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>How a coordinator that attached later hears of the end of processes.</summary>
public sealed class ProcessWatcherTests
{
    private readonly BlockingCollection<SessionEvent> _told = [];

    /// <summary>Pids are given out again. What could break it: the second process of that pid is taken for one that is watched already.</summary>
    [Fact]
    public void A_pid_whose_end_was_heard_of_is_another_process_s()
    {
        var watcher = new ProcessWatcher(_told.Add);
        using Process process = Process.Start("sleep", "60");
        watcher.Watch(process.Id);
        watcher.Watch(process.Id);
        process.Kill();
        Assert.Equal(process.Id, Ended());
        Assert.False(_told.TryTake(out _, 100));
        process.WaitForExit();
        watcher.Forget(process.Id);
        watcher.Watch(process.Id); /* nobody has it now, which is told at once */
        Assert.Equal(process.Id, Ended());
    }

    private int Ended() => _told.TryTake(out SessionEvent? told, 10_000) ? Assert.IsType<SessionEvent.ProcessEnded>(told).Pid : 0;
}
