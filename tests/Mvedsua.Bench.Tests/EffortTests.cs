using Mvedsua.Replication;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Bench.Tests;

/// <summary>What --repeat asks for.</summary>
public sealed class EffortTests
{
    [Fact]
    public void Everything_is_repeated_as_often_as_was_asked_for()
    {
        var effort = Effort.Full.Repeated(18);
        Assert.Equal((18, 18, 18, 18, 18), (effort.Rounds, effort.Kills, effort.MicroRounds, effort.Updates, effort.Conversions));
        Assert.Equal(2 * Effort.Full.IdleSeconds, effort.IdleSeconds); // twice as many rounds, as long ones
        Assert.Equal((18, 18), (effort.AtLeast(20, 1), effort.AtMost(3, 30)));
    }

    [Fact]
    public void Else_the_cheap_is_done_more_often_and_the_dear_less_often() =>
        Assert.Equal((5, 7, 3, 2), (Effort.Full.AtLeast(5, 1), Effort.Full.AtLeast(5, 7), Effort.Full.AtMost(3, 7), Effort.Full.AtMost(3, 2)));

    [Fact]
    public void What_repetition_does_not_reach_is_named_with_its_reason()
    {
        var run = Runs.Of() with { Asked = ["idle", "timeline"], Effort = Effort.Quick.Repeated(4) };
        Assert.Equal($"--repeat 4 does not reach timeline: {Experiments.Of("timeline").Once}", Conditions.Of(run).Last());
        Assert.DoesNotContain(Conditions.Of(run with { Effort = Effort.Quick }), c => c.Contains("timeline", StringComparison.Ordinal));
        Assert.DoesNotContain(Conditions.Of(run with { Asked = ["idle"] }), c => c.Contains("--repeat", StringComparison.Ordinal));
    }
}
