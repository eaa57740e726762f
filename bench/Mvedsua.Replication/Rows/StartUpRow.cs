using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>From the start of the process until redis-server says that it is ready.</summary>
internal static class StartUpRow
{
    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        Mode[] modes = [Mode.Native, Mode.Solo, Mode.Follower];
        var rounds = paths.Log.Repeat("start-up", effort.Rounds, () => modes.ToDictionary(m => m, Start));
        double[] Times(Mode mode) => [.. rounds.Select(r => r[mode].Seconds)];
        double[] Used(Mode mode) => [.. rounds.Select(r => r[mode].Cpu)];
        yield return new Result("start-up of redis-server, native", Sample.Of(Times(Mode.Native)), Unit.Milliseconds);
        yield return new Result("start-up added to redis-server: solo", Sample.OfDifferences(Times(Mode.Solo), Times(Mode.Native)), Unit.Milliseconds,
            60e-3, Floor: "57–100", Published: "–");
        yield return new Result("start-up of redis-server: CPU added, solo", Sample.OfDifferences(Used(Mode.Solo), Used(Mode.Native)), Unit.Milliseconds,
            Note: "what a machine that is free needs");
        yield return new Result("start-up added: mvedsua run --follower", Sample.OfDifferences(Times(Mode.Follower), Times(Mode.Native)), Unit.Milliseconds,
            Note: "the command's own start and the follower's included");

        (double Seconds, double Cpu) Start(Mode mode)
        {
            using var server = new Server(paths, mode, Recipe.Redis());
            return (server.StartUp.TotalSeconds, CpuTime.OfProcess(server.Pid));
        }
    }
}
