using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>Followers that join logs which a tracer has begun.</summary>
public sealed class TracedTests : MomentServers
{
    [Fact]
    public void A_lock_taken_but_not_published_holds_up_nobody_where_a_thread_had_ended_before_the_follower_came()
    {
        RedisUnderMvedsua server = StartServer("moments", RedisUnderMvedsua.Mode.Solo);
        int leader = server.LeaderPid;
        using Process tracer = Trace(server);
        try
        {
            Task<string?> traced = tracer.StandardOutput.ReadLineAsync();
            using var one = new Line(server);
            using var other = new Line(server);
            Assert.Equal("ok", other.Ask("read"));
            using (var ending = new Line(server))
            {
                Host.Until(() => ending.Ask("read") == "ok" && traced.IsCompleted, "the trace is on");
                Assert.Equal("ok", one.Ask("read"));
            }
            Host.Until(() => Directory.GetDirectories($"/proc/{leader}/task").Length == 3, "the thread has ended");
            server.Follow();
            server.InStep();
            using var stopped = new StoppedThread(leader, "mv_leader_publish_order");
            one.Say("read");
            stopped.Reached();
            Assert.Equal("ok", other.Ask("read")); /* the next turn of the same clock */
            stopped.Kill(leader);
            server.PromotedFrom(leader);
            Assert.Equal("ok", one.Answer());
            Assert.Equal("ok", other.Ask("read"));
        }
        finally
        {
            tracer.Kill();
        }
    }

    private static Process Trace(RedisUnderMvedsua server)
    {
        var start = new ProcessStartInfo(Path.Combine(Host.Products, "mvedsua"), ["trace", RedisUnderMvedsua.Name]) { RedirectStandardOutput = true };
        start.Environment["XDG_RUNTIME_DIR"] = server.Folder;
        return Process.Start(start)!;
    }
}
