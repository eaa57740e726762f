using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Tests;

/// <summary>What a report shows of the leader's log, which the next attachment begins anew.</summary>
public sealed class LogTailTests
{
    private static DivergenceReport Report(WrittenLogs logs, Action<WrittenLogs> before, Action<WrittenLogs> seen)
    {
        for (int i = 0; i < 20; i++) logs.Publish(0);
        var divergence = new MvDivergence { Kind = MvDifference.Call, Sequence = 10, Call = 102 };
        var section = new DivergenceSection("written", logs.Memory, logs.Memory.Control.View(), Environment.ProcessId, 1, divergence,
            logs.Memory.Control.Block.LogGeneration, null, [[], [], [], []]);
        before(logs);
        return section.Build(() => seen(logs));
    }

    private static void BeginAnew(WrittenLogs logs)
    {
        logs.Begin(0, generation: 2);
        for (int i = 0; i < 15; i++) logs.Publish(0, call: 1);
    }

    [Fact]
    public void The_calls_before_the_point_are_those_of_the_log_that_the_follower_read()
    {
        using var logs = new WrittenLogs(1, Environment.ProcessId);
        DivergenceReport report = Report(logs, _ => { }, BeginAnew);
        Assert.Equal(Enumerable.Repeat("getpid", 10), report.Leader.Calls.Select(call => call.Call));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), report.Leader.Calls.Select(call => call.Sequence));
    }

    [Fact]
    public void Another_logs_calls_are_never_told_as_those_before_the_point()
    {
        using var logs = new WrittenLogs(1, Environment.ProcessId);
        Assert.Empty(Report(logs, BeginAnew, _ => { }).Leader.Calls);
    }
}
