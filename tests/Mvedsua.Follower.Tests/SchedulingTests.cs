using System.Globalization;

namespace Mvedsua.Follower.Tests;

/// <summary>Threads with names, processors, policies and priorities of their own: tests/native/follower/scheduling.c. Whoever serves has
/// those that the program has chosen, and the program is told of them as by the first process; a follower gives way meanwhile.</summary>
public sealed class SchedulingTests : MomentServers
{
    private static readonly string[] s_commands = ["tell", "worker 0", "worker 1", "worker 2", "change 1", "worker 1", "change 5", "worker 2", "own 2", "tell", "change 3", "worker 0", "tell"];
    private const int Other = 0, Batch = 3;

    [Fact]
    public void Threads_have_name_processors_and_priority_in_whoever_leads()
    {
        List<string> Told(RedisUnderMvedsua.Mode mode, Action<RedisUnderMvedsua> between)
        {
            RedisUnderMvedsua server = StartServer("scheduling", mode);
            using var line = new Line(server);
            List<string> told = [];
            foreach (string command in s_commands)
            {
                told.Add(line.Ask(command)!);
                between(server);
            }
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native, _ => { });
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo, _ => { }));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed, Succeeded));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed, server =>
        {
            server.InStep();
            List<Scheduled> before = Kernel(server.LeaderPid);
            Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
            Assert.True(result.Status == 0, result.Output + result.Errors);
            Assert.Equal(before, Kernel(server.LeaderPid));
            GivesWay(server, before);
        }));
    }

    /// <summary>The copy's third thread is late: the leader's main thread has changed it by then, and the follower's has that to replay.</summary>
    [Fact]
    public async Task What_is_changed_of_a_thread_that_is_being_made_again_is_not_put_back()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: OwnServer.Command("scheduling"), prepare: OwnServer.Compile("scheduling"),
            products: variant.Products, faults: "nap:thread-again:3");
        server.Answers();
        using var line = new Line(server);
        Task follow = Task.Run(server.Follow);
        Host.Until(() => server.Log.Contains("naps at thread-again, passage 3: now", StringComparison.Ordinal), "a thread is late");
        foreach (string command in (string[])["change 3", "change 4", "change 5"]) line.Ask(command); /* of each worker */
        await follow;
        server.InStep();
        GivesWay(server, Kernel(server.LeaderPid));
    }

    /// <summary>What the leader's threads have, the follower's have too, but that they give way; and the successor's.</summary>
    private static void Succeeded(RedisUnderMvedsua server)
    {
        server.InStep();
        int leader = server.LeaderPid;
        List<Scheduled> before = Kernel(leader);
        GivesWay(server, before);
        Host.Kill(leader, Host.SIGKILL);
        Assert.Equal(before, Kernel(server.PromotedFrom(leader)));
        server.Follow(); /* now its threads are made again */
    }

    /// <summary>Each thread of a follower does it for itself, as it begins or goes on: one that has nothing to replay may be later than the others.</summary>
    private static void GivesWay(RedisUnderMvedsua server, List<Scheduled> leaders)
    {
        List<Scheduled> expected = [.. leaders.Select(GivingWay)], seen = [];
        for (long begin = Environment.TickCount64; !expected.SequenceEqual(seen) && Environment.TickCount64 - begin < 20_000; Thread.Yield()) seen = Kernel(server.FollowerPid);
        Assert.Equal(expected, seen);
    }

    private sealed record Scheduled(string Name, string Processors, int Policy, int Nice);

    private static Scheduled GivingWay(Scheduled thread) => thread with { Policy = thread.Policy == Other ? Batch : thread.Policy };

    /// <summary>All threads, as the kernel has them (proc_pid_stat(5): niceness and policy are fields 19 and 41).</summary>
    private static List<Scheduled> Kernel(int pid) => [.. Directory.EnumerateDirectories($"/proc/{pid}/task").Select(task =>
    {
        string stat = File.ReadAllText($"{task}/stat");
        string[] behindName = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        string processors = File.ReadLines($"{task}/status").First(l => l.StartsWith("Cpus_allowed_list", StringComparison.Ordinal));
        return new Scheduled(File.ReadAllText($"{task}/comm"), processors, int.Parse(behindName[41 - 3], CultureInfo.InvariantCulture), int.Parse(behindName[19 - 3], CultureInfo.InvariantCulture));
    }).OrderBy(t => t.Name, StringComparer.Ordinal)];
}
