using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>From the start of the process until redis-server says that it is ready.</summary>
internal static class StartUpRow
{
    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        Mode[] modes = [Mode.Native, Mode.Solo, Mode.Follower];
        var times = modes.ToDictionary(m => m, _ => new List<double>());
        var used = modes.ToDictionary(m => m, _ => new List<double>());
        for (var i = 0; i < effort.Rounds; i++)
        {
            foreach (var mode in modes)
            {
                using var server = new Server(paths, mode, Recipe.Redis());
                times[mode].Add(server.StartUp.TotalSeconds);
                if (mode != Mode.Follower) used[mode].Add(CpuTime.OfProcess(server.Pid));
            }
        }

        yield return new Result("start-up of redis-server, native", Sample.Of(times[Mode.Native]), Unit.Milliseconds);
        yield return new Result("start-up added to redis-server: solo", Sample.OfDifferences(times[Mode.Solo], times[Mode.Native]), Unit.Milliseconds,
            60e-3, Floor: "57–100", Published: "–");
        yield return new Result("start-up of redis-server: CPU added, solo", Sample.OfDifferences(used[Mode.Solo], used[Mode.Native]), Unit.Milliseconds,
            Note: "what a machine that is free needs");
        yield return new Result("start-up added: mvedsua run --follower", Sample.OfDifferences(times[Mode.Follower], times[Mode.Native]), Unit.Milliseconds,
            Note: "the command's own start and the follower's included");
    }
}
