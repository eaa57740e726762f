using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>CPU of an idle server with a follower: server, follower, keeper and coordinator.</summary>
internal static class IdleRow
{
    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        using var native = new Server(paths, Mode.Native, Recipe.Redis());
        using var followed = new Server(paths, Mode.Follower, Recipe.Redis());
        var alone = native.Roles();
        var roles = followed.Roles();
        var slice = TimeSpan.FromSeconds((double)effort.IdleSeconds / effort.Rounds);
        int?[] pids = [roles.Server, roles.Follower, roles.Keeper, roles.Coordinator];
        Thread.Sleep(1000); // what start-up left to do
        // Of a core: leader, follower, keeper, coordinator, and the native server.
        var rounds = paths.Log.Repeat("idle", effort.Rounds, () =>
        {
            double[] Read() => [.. pids.Select(p => p is { } pid ? CpuTime.OfProcess(pid) : 0), CpuTime.OfProcess(alone.Server)];
            var before = Read();
            var begin = System.Diagnostics.Stopwatch.GetTimestamp();
            Thread.Sleep(slice);
            var seconds = System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalSeconds;
            return Read().Zip(before, (after, b) => (after - b) / seconds).ToArray();
        });
        double[] parts = [.. Enumerable.Range(0, pids.Length).Select(p => rounds.Average(r => r[p]))];

        yield return new Result("idle with a follower: CPU of all processes", Sample.Of(rounds.Select(r => r[..^1].Sum())), Unit.Percent, 0.005,
            Note: string.Create(CultureInfo.InvariantCulture,
                $"of a core, over {effort.IdleSeconds} s; leader {parts[0]:0.00 %}, follower {parts[1]:0.00 %}, keeper {parts[2]:0.00 %}, coordinator {parts[3]:0.00 %}; native {Sample.Of(rounds.Select(r => r[^1])).Median:0.00 %}"));
    }
}
