using Mvedsua.Drill;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>The log is used up while the new version is being made: its copy reads nothing yet, and the leader waits for nobody.</summary>
public sealed class FullLogTests : UpdatedServers
{
    private const int Failed = 76;

    /// <summary>Before it has said that it is there, before its first task, and in the middle of one.</summary>
    [Theory]
    [InlineData("stop:copy-reads")]
    [InlineData("stop:copy-whole")]
    [InlineData(null)]
    public void An_update_that_takes_longer_than_the_log_holds_is_given_up_by_name_and_no_client_waits(string? stop)
    {
        using Variant? variant = stop is null ? null : Variant.WithFaults();
        RedisUnderMvedsua server = Server("1.0", variant?.Products, stop, 0, "--log-limit", "8M");
        int old = Pid(server);
        using ClientLoad<KvClient> load = KvClient.Load(server.Port, 6, 81);
        load.More(200);
        string description = stop is null ? KvPrograms.Description("entry_hangs") : Resumes(server);
        using (var update = new Updating(server, KvPrograms.Of(stop is null ? "2.0" : "1.0-crash"), description))
        {
            if (stop is not null) Host.Until(() => server.Log.Contains($"stops at {stop[5..]}, passage 1: now", StringComparison.Ordinal), "the copy stands still");
            Host.Result result = update.Outcome();
            Assert.True(result.Status == Failed, $"{result.Status}: {result.Output}{result.Errors}");
            Assert.Contains("the server goes on unchanged", result.Errors);
            Assert.Contains("the event log's memory limit was reached", result.Errors);
        }
        Assert.Contains("the event log's memory limit was reached", server.History);
        load.More(500);
        Tell($"slowest answer {load.Slowest.TotalMilliseconds:F1} ms; log {LogBytes(server)} B; {server.History}");
        Assert.InRange(load.Slowest.TotalMilliseconds, 0, 1000);
        Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        /* Three chunks of the busy thread's log, the control block, and the first pages of the other logs stay for the next follower. */
        Host.Until(() => LogBytes(server) <= 1 << 20, "the log's memory is given back");
        load.ThinkTime = TimeSpan.FromMilliseconds(5); /* the log now holds what comes about during an update */
        Updated(server, KvPrograms.Of("1.0-crash"));
        load.More(200);
        Agrees(server);
        Do(server, "rollback");
        Assert.Equal(old, Pid(server));
        HasAll(server, load);
    }

    private static long LogBytes(RedisUnderMvedsua server) => server.Status().GetProperty("log").GetProperty("bytes").GetInt64();

    private static string Resumes(RedisUnderMvedsua server)
    {
        string file = Path.Combine(server.Folder, "resumes.description");
        File.WriteAllText(file, KvVariant.Resume);
        return file;
    }
}
