using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Instructions;

/// <summary>Counts the shim's instructions on its hot paths, one by one: what else the machine does changes nothing.
///
/// What would make counts differ is kept out: each path is warm; the follower stands still while the leader is counted, so that it is never asleep and woken; and everything
/// that the follower is counted for stands in the log before it goes on, so that it never waits. What happens now and then (the log's next chunk, a look at who still reads)
/// is not in the median.</summary>
internal static class InstructionCounts
{
    private const int WarmUp = 1_000, Passes = 7;

    /// <summary>Of all hot paths.</summary>
    internal static Dictionary<string, Sample> Count(Paths paths)
    {
        var counts = new Dictionary<string, Sample>();
        foreach (var process in HotPath.All.GroupBy(p => (p.Mode, p.Threads)))
        {
            using var bench = new CallBench(paths, process.Key.Mode, threads: process.Key.Threads);
            foreach (var call in process.GroupBy(p => p.Call))
            {
                var found = CountCall(paths, bench, call.Key);
                foreach (var path in call) counts.Add(path.Name, Sample.Of(found[path.Role == Role.Follower ? 1 : 0].Select(c => (double)c)));
            }
        }

        return counts;
    }

    /// <summary>Of who makes the call, and of the follower if there is one.</summary>
    private static List<int[]> CountCall(Paths paths, CallBench bench, string call)
    {
        bench.Make(call, WarmUp);
        if (bench.Server.IsSession) Rounds.AwaitInStep(bench.Server);
        var address = bench.AddressOf(call);
        var roles = bench.Server.Roles();
        var counters = new List<StepCounter>();
        try
        {
            // The follower first: it is not to read what the leader's stop makes.
            if (roles.Follower is { } follower) counters.Add(new StepCounter(paths, follower, address, Passes));
            counters.Insert(0, new StepCounter(paths, roles.Server, address, Passes));
            counters[0].LetGo();
            bench.Make(call, Passes + 1);
            counters.Skip(1).ToList().ForEach(c => c.LetGo());
            return [.. counters.Select(c => c.Counts())];
        }
        finally
        {
            counters.ForEach(c => c.Dispose());
        }
    }
}
