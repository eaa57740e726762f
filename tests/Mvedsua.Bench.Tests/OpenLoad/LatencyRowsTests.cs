using Mvedsua.OpenLoad;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests.OpenLoad;

public sealed class LatencyRowsTests
{
    [Theory]
    [InlineData(68_432, 21_000)]
    [InlineData(100_000, 30_000)]
    [InlineData(1_234, 370)]
    public void The_rate_is_a_share_of_what_the_server_reaches_in_two_digits(double closed, double rate) => Assert.Equal(rate, LatencyRows.RateOf(closed), 6);

    [Fact]
    public void A_row_is_the_difference_of_the_pairs_of_a_round()
    {
        var rounds = new Dictionary<Mode, List<Outcome>>
        {
            [Mode.Native] = [Of(100e-6), Of(900e-6), Of(200e-6)],
            [Mode.Solo] = [Of(101e-6), Of(901e-6), Of(201e-6)],
            [Mode.Follower] = [Of(130e-6), Of(940e-6), Of(220e-6, late: 2)],
        };
        var results = LatencyRows.Results("redis", 70_000, 21_000, rounds).ToArray();
        Assert.Equal(6, results.Length);
        var row = results.Single(r => r.What == "redis: p99, with a follower, beyond native's");
        Assert.All(results, r => Assert.Equal(21_000, r.Rate));
        Assert.Equal("30.00 µs [20.00–40.00]", row.Measured);
        Assert.Equal("native 200 µs; 30 % of 70 k/s, a closed loop's; the generator itself was late in 1 of 3 rounds", row.Note);
        Assert.Equal("native 200 µs; 30 % of 70 k/s, a closed loop's", results[0].Note);
    }

    /// <summary>All percentiles are the same one.</summary>
    private static Outcome Of(double seconds, long late = 0)
    {
        var percentiles = new Percentiles(seconds, seconds, seconds, seconds, seconds, seconds);
        return new Outcome(new LoadOptions("resp", 1, 21_000, 1), 100, 100, 100, 0, 0, 0, 0, late, 0, 100, 100, 0, percentiles, percentiles, []);
    }
}
