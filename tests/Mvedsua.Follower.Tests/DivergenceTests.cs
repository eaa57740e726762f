namespace Mvedsua.Follower.Tests;

/// <summary>Differences made on purpose in the follower's memory alone.</summary>
public sealed class DivergenceTests : ServerTests
{
    [Fact]
    public void Other_bytes_end_the_follower_and_the_report_shows_the_first()
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start();
            using var load = new CheckedLoad(server, 5);
            using RespClient client = server.Connect();
            string value = "the-value-that-will-be-changed-" + Guid.NewGuid().ToString("N") + new string('.', 100);
            client.Expect("+OK\r\n", "SET", "key", value);
            load.More(200);
            int leader = server.LeaderPid;
            Assert.True(OtherMemory.Poke(server.FollowerPid, value, value[..40] + "#" + value[41..]) > 0, "the value is in the follower's memory");
            client.Expect(RespClient.Bulk(value), "GET", "key"); /* the leader's answer */
            string history = server.FollowerEnded();
            Assert.Contains("diverged", history);
            load.More(500);
            load.Finish();
            Assert.Equal(leader, server.LeaderPid);
            string report = server.Report();
            Assert.Contains("with different bytes, the first at offset 46", report); /* "$163\r\n" and 40 bytes */
            Assert.Contains("Leader, thread", report);
            Assert.Contains("Follower, thread", report);
            Assert.Contains("writeToClient", report);
            Assert.Contains("[23]", report);
            server.Follow();
            server.InStep();
            client.Expect(RespClient.Bulk(value), "GET", "key");
            server.InStep();
        }
    }

    /// <summary>Nobody takes its report, and it holds the place of another follower.</summary>
    [Fact]
    public void A_follower_that_differs_goes_as_soon_as_its_coordinator_is_dead()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        string value = "the-value-that-will-be-changed-" + Guid.NewGuid().ToString("N") + new string('.', 100);
        client.Expect("+OK\r\n", "SET", "key", value);
        server.InStep();
        (int leader, int follower, int coordinator) = (server.LeaderPid, server.FollowerPid, server.CoordinatorPid);
        Host.Kill(coordinator, Host.SIGSTOP);
        Assert.True(OtherMemory.Poke(follower, value, value[..40] + "#" + value[41..]) > 0, "the value is in the follower's memory");
        client.Expect(RespClient.Bulk(value), "GET", "key");
        Host.Until(() => File.ReadAllText($"/proc/{follower}/syscall").StartsWith("202 ", StringComparison.Ordinal), "it waits for its report to be taken");
        Host.Kill(coordinator, Host.SIGKILL);
        Host.Until(() => !Host.IsAlive(follower), "it is gone", 10); /* it would have waited for 30 s */
        client.Expect(RespClient.Bulk(value), "GET", "key");
        Assert.True(Host.IsAlive(leader));
    }

    /// <summary>The session ends as its leader does; the follower stays parked until it has been looked at.</summary>
    [Fact]
    public void A_leader_that_exits_right_behind_the_point_leaves_a_report_with_the_followers_backtrace()
    {
        for (int round = 0; round < 3 * Host.Rounds; round++) ExitsBehindADifference((_, shutDown) => shutDown());
    }

    /// <summary>What could break it: a follower that differs from a leader that was killed serves from there, as the last there is.</summary>
    [Fact]
    public void A_difference_that_is_found_behind_the_leaders_exit_does_not_bring_the_server_back()
    {
        ExitsBehindADifference((server, shutDown) =>
        {
            (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
            Host.Kill(follower, Host.SIGSTOP);
            shutDown();
            Host.Until(() => !Host.IsAlive(leader), "the leader has exited");
            Host.Kill(follower, Host.SIGCONT);
        });
    }

    private void ExitsBehindADifference(Action<RedisUnderMvedsua, Action> end)
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect(), other = server.Connect();
        string value = "the-value-that-will-be-changed-" + Guid.NewGuid().ToString("N") + new string('.', 100);
        client.Expect("+OK\r\n", "SET", "key", value);
        server.InStep();
        Assert.True(OtherMemory.Poke(server.FollowerPid, value, value[..40] + "#" + value[41..]) > 0, "the value is in the follower's memory");
        end(server, () =>
        {
            client.Expect(RespClient.Bulk(value), "GET", "key");
            other.Send("SHUTDOWN", "NOSAVE");
        });
        Host.Until(() => server.HasEnded, "the server has ended");
        Assert.Equal(0, server.ExitStatus);
        string report = server.Report();
        Assert.Contains("with different bytes", report);
        Assert.Contains("writeToClient", report[report.IndexOf("Follower, thread", StringComparison.Ordinal)..]);
    }

    [Fact]
    public void Another_call_ends_the_follower_and_the_report_names_both()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        string command = "PUBLISH_" + Guid.NewGuid().ToString("N");
        /* A script in the follower's memory that goes another way: it writes nothing where the leader's logs a line. */
        string script = $"if '{command}' == KEYS[1] then redis.log(redis.LOG_WARNING, 'a line') end return 'done'";
        string sha = client.Ok("SCRIPT", "LOAD", script).Split("\r\n")[1];
        client.Expect(RespClient.Bulk("done"), "EVALSHA", sha, "1", command);
        server.InStep();
        int pokes = OtherMemory.Poke(server.FollowerPid, command, "x" + command[1..]);
        Assert.True(pokes > 0, "the script is in the follower's memory");
        client.Expect(RespClient.Bulk("done"), "EVALSHA", sha, "1", command);
        Assert.Contains("diverged", server.FollowerEnded());
        client.Expect("+PONG\r\n", "PING");
        string report = server.Report();
        Assert.Contains("Follower, thread", report);
        using var json = System.Text.Json.JsonDocument.Parse(server.Mvedsua("report", RedisUnderMvedsua.Name, "--json").Output);
        server.Follow();
        server.InStep();
    }
}
