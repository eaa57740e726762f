using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>What a run leaves on the machine: its report, and nothing else.</summary>
public sealed class LeftoverTests
{
    [Fact]
    public void A_run_leaves_no_session_and_no_folder()
    {
        using var bench = new RunningBench("start-up", "--repeat", "1");
        var session = AwaitSession(bench);
        var (status, output, errors) = bench.End();
        Assert.True(status == 0, output + errors);
        Assert.Empty(bench.Left());
        Assert.False(Directory.Exists(session));
    }

    [Fact]
    public void Nor_does_one_that_is_interrupted_while_a_session_lives()
    {
        using var bench = new RunningBench("idle", "--repeat", "1000");
        AwaitSession(bench);
        bench.Send(Signals.Int);
        var (status, output, errors) = bench.End();
        Assert.True(status == 130, output + errors);
        Assert.Empty(bench.Left());
    }

    /// <summary>Of a session, once it has one: the folder of its own.</summary>
    private static string AwaitSession(RunningBench bench)
    {
        var (runtime, temporary) = bench.Places;
        var end = DateTime.UtcNow + RunningBench.Patience;
        while (DateTime.UtcNow < end)
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(runtime));
            if (Directory.EnumerateDirectories(temporary, "mvedsua-bench-*").SelectMany(Sessions).FirstOrDefault() is { } session) return session;
            Thread.Sleep(5); // of a folder that is yet to be made, in one that is yet to be made, no event tells
        }

        Assert.Fail("no session has begun");
        return "";
    }

    private static IEnumerable<string> Sessions(string folder)
    {
        try
        {
            return Directory.GetDirectories(Path.Combine(folder, "mvedsua"), "bench-*");
        }
        catch (DirectoryNotFoundException)
        {
            return []; // not yet, or gone
        }
    }
}
