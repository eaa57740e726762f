using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>The harness itself: of servers whose cost is known (bench/native/spin-server.c) it must measure that cost.</summary>
public sealed class KnownSlowdownTests
{
    private const int Microseconds = 1_000, Slowdown = 10, Clients = 4;
    private static readonly Effort _effort = Effort.Quick with { Rounds = 15, Requests = 100 };

    /// <summary>Processor time, so that a busy machine doesn't matter. What surrounds the work of 1 ms (reading, writing: some 5 µs) differs between two
    /// processes of one program by where they lie in memory: a part in 1,000 at the most. And an interval of 95 % misses in one of twenty runs by its
    /// definition: this one, of the same bootstrap, in one of 1,000.</summary>
    [Fact]
    public void A_known_slowdown_is_measured_within_two_per_cent_and_none_is_none()
    {
        var paths = Built.Paths;
        Arm first = Spin("baseline", 100), same = Spin("the same", 100), slower = Spin("slower", 100 + Slowdown);
        using var rounds = new Rounds(paths, [first, same, slower]);
        var ratios = rounds.Measure(rounds.Checked(Clients), _effort);

        // With what surrounds the work; on a busy machine also what it costs to be interrupted again and again.
        Assert.InRange(ratios.Native.Median, Microseconds / 1e6, Microseconds * 1.05 / 1e6);
        var slowdown = ratios.Cpu(slower, r => r.Server);
        Assert.InRange(slowdown.Median, 1 + Slowdown / 100.0 - 0.02, 1 + Slowdown / 100.0 + 0.02);
        var none = ratios.Cpu(same, r => r.Server);
        var interval = Bootstrap.OfMedian(none, 0.999)!.Value;
        Assert.True(interval.Low <= 1.001 && interval.High >= 0.999, $"{interval}, of {string.Join(' ', none.Values)}");
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"slowdown {slowdown.Median:0.0000} [{slowdown.Min:0.0000}–{slowdown.Max:0.0000}] {Bootstrap.OfMedian(slowdown)}, the same {none.Median:0.00000} {Bootstrap.OfMedian(none)}"));

        Arm Spin(string name, int percent) => new(name, Mode.Native, new Recipe(name, "http", (port, _) => [paths.Bench("spin-server"), $"{port}", $"{Microseconds * percent / 100}"]));
    }
}
