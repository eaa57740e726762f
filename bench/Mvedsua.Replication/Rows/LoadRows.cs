using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Redis under redis-benchmark: CPU per request of every role, throughput and log memory, from the same
/// interleaved rounds. The three servers live all the time; each round loads one after the other.</summary>
internal static class LoadRows
{
    private const int Clients = 50;
    private static readonly string[] _tests = ["get", "set"];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        using var native = new RedisServer(paths, Mode.Native);
        using var solo = new RedisServer(paths, Mode.Solo);
        using var followed = new RedisServer(paths, Mode.Follower);
        RedisServer[] servers = [native, solo, followed];
        using var memory = new LogMemory(followed.FirstLeader);
        foreach (var test in _tests)
        {
            foreach (var server in servers) RedisBenchmark.Run(server.Port, test, Clients, effort.Requests / 5); // warm up
            var rounds = servers.ToDictionary(s => s.Mode, _ => new List<Round>());
            for (var i = 0; i < effort.Rounds; i++)
            {
                foreach (var server in servers) rounds[server.Mode].Add(MeasureRound(server, test, effort.Requests, memory));
            }

            foreach (var result in Results(test.ToUpperInvariant(), rounds)) yield return result;
        }

        yield return new Result("log memory when the follower keeps up", Sample.Of(memory.Peaks), Unit.MebiBytes, 1 << 20,
            Note: "highest st_blocks of the session memory in a round, control block included");
    }

    private static IEnumerable<Result> Results(string test, Dictionary<Mode, List<Round>> rounds)
    {
        double[] Of(Mode mode, Func<Round, double> value) => [.. rounds[mode].Select(value)];
        Sample Against(Mode mode, Func<Round, double> value) => Sample.OfRatios(Of(mode, value), Of(Mode.Native, r => r.Server));

        yield return new Result($"{test}: native server CPU a request", Sample.Of(Of(Mode.Native, r => r.Server)), Unit.Microseconds);
        yield return new Result($"{test}: solo, server CPU a request", Against(Mode.Solo, r => r.Server), Unit.Ratio, 1.01, Floor: "1.01",
            Published: "1.03 SaBRe, 1.08 Varan");
        yield return new Result($"{test}: leader's CPU a request", Against(Mode.Follower, r => r.Server), Unit.Ratio, 1.05, Floor: "1.01 no reader",
            Published: "1.06–1.39 Varan, 1.7 Mvedsua");
        yield return new Result($"{test}: follower's CPU a request", Against(Mode.Follower, r => r.Follower), Unit.Ratio, 0.5,
            Published: "0.2–1.3 by call");
        yield return new Result($"{test}: keeper's CPU a request", Against(Mode.Follower, r => r.Keeper), Unit.Ratio);
        yield return new Result($"{test}: coordinator's CPU a request", Against(Mode.Follower, r => r.Coordinator), Unit.Ratio);
        yield return new Result($"{test}: throughput with one follower",
            Sample.OfRatios(Of(Mode.Follower, r => r.Rate), Of(Mode.Native, r => r.Rate)), Unit.Percent, 0.75, AtLeast: true,
            Published: "56–58 %, a core each", Note: string.Create(CultureInfo.InvariantCulture,
                $"native {Sample.Of(Of(Mode.Native, r => r.Rate)).Median / 1e3:0} k/s, solo {Sample.Of(Of(Mode.Solo, r => r.Rate)).Median / 1e3:0} k/s"));
    }

    private static Round MeasureRound(RedisServer server, string test, int requests, LogMemory memory)
    {
        var roles = server.Roles();
        var watching = server.Mode == Mode.Follower ? memory : null;
        watching?.Begin();
        double[] Read() => [CpuTime.OfProcess(roles.Server), .. new[] { roles.Follower, roles.Keeper, roles.Coordinator }.Select(p => p is { } pid ? CpuTime.OfProcess(pid) : 0)];
        var before = Read();
        var rate = RedisBenchmark.Run(server.Port, test, Clients, requests);
        if (server.Mode == Mode.Follower) AwaitInStep(server);
        var used = Read().Zip(before, (after, b) => (after - b) / requests).ToArray();
        watching?.End();
        return new Round(rate, used[0], used[1], used[2], used[3]);
    }

    /// <summary>What the follower still has to replay belongs to the round.</summary>
    private static void AwaitInStep(RedisServer server)
    {
        var begin = DateTime.UtcNow;
        while (server.Status().LagEvents > 0)
        {
            if (DateTime.UtcNow - begin > TimeSpan.FromSeconds(30)) throw new BenchException("the follower lags for more than 30 s after the load");
        }
    }

    private sealed record Round(double Rate, double Server, double Follower, double Keeper, double Coordinator);
}
