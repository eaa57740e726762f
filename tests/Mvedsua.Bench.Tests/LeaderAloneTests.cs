using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>A session without a follower as an arm of a comparison.</summary>
public sealed class LeaderAloneTests
{
    [Fact]
    public void It_is_measured_as_a_leader_with_nobody_behind_it()
    {
        var paths = Built.Paths;
        Arm native = Arm.Native(Recipe.Beanstalkd), leader = Arm.Leader(Recipe.Beanstalkd);
        using var rounds = new Rounds(paths, [native, leader]);
        var ratios = rounds.Measure(rounds.Checked(4), Effort.Quick with { Rounds = 2, Requests = 2_000 });
        Assert.Equal(2, ratios.ThroughputOf(leader).Count);
        Assert.All(ratios.Cpu(leader, r => r.Server).Values, ratio => Assert.InRange(ratio, 0.01, 100));
        Assert.All(ratios.Cpu(leader, r => r.Follower).Values, ratio => Assert.Equal(0, ratio));
        Assert.Equal("", ratios.Behind(leader));
    }
}
