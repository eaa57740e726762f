using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Redis under redis-benchmark: CPU per request of every role, throughput and log memory, from the same
/// interleaved rounds.</summary>
internal static class LoadRows
{
    private const int Clients = 50;
    private static readonly string[] _tests = ["set", "get"]; // (so that what is asked for is there)

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        using var rounds = new Rounds(paths, Recipe.Redis());
        using var memory = new LogMemory(rounds.Followed.FirstLeader);
        foreach (var test in _tests)
        {
            var ratios = rounds.Measure((port, requests) => RedisBenchmark.Run(port, test, Clients, requests), effort, $"redis {test.ToUpperInvariant()}", memory, instructions: true);
            foreach (var result in Results(test.ToUpperInvariant(), ratios)) yield return result;
        }

        foreach (var result in Ratios.NoInstructions()) yield return result;
        yield return new Result("log memory when the follower keeps up", Sample.Of(memory.Peaks), Unit.MebiBytes, 1 << 20,
            Note: "highest st_blocks of the session memory in a round, control block included");
    }

    private static IEnumerable<Result> Results(string test, Ratios ratios) =>
    [
        new($"{test}: native server CPU a request", ratios.Native, Unit.Microseconds),
        new($"{test}: solo, server CPU a request", ratios.Cpu(Mode.Solo, r => r.Server), Unit.Ratio, 1.01, Floor: "1.01",
            Published: "throughput: 1.03 SaBRe, 1.08 Varan"),
        new($"{test}: leader's CPU a request", ratios.Cpu(Mode.Follower, r => r.Server), Unit.Ratio, 1.05, Floor: "1.01 no reader",
            Published: "throughput: 1.06–1.39 Varan, 1.7 Mvedsua"),
        new($"{test}: follower's CPU a request", ratios.Cpu(Mode.Follower, r => r.Follower), Unit.Ratio, 0.5, Published: "Varan 0.2–3.9 by call"),
        .. ratios.Instructions(test, (Mode.Solo, "solo, server's"), (Mode.Follower, "leader's")),
        new($"{test}: keeper's CPU a request", ratios.Cpu(Mode.Follower, r => r.Keeper), Unit.Ratio),
        new($"{test}: coordinator's CPU a request", ratios.Cpu(Mode.Follower, r => r.Coordinator), Unit.Ratio),
        new($"{test}: load generator's CPU a request, of the native server's", ratios.Cpu(Mode.Follower, r => r.Load), Unit.Ratio, Note: "redis-benchmark, one thread"),
        new($"{test}: throughput with one follower", ratios.Throughput, Unit.Percent, 0.75, AtLeast: true, Published: "56–58 %, a core each",
            Note: string.Create(CultureInfo.InvariantCulture,
                $"native {ratios.Thousands(Mode.Native):0} k/s, solo {ratios.Thousands(Mode.Solo):0} k/s{ratios.Behind(Mode.Follower)}")),
    ];
}
