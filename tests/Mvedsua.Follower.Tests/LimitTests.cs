namespace Mvedsua.Follower.Tests;

public sealed class LimitTests : ServerTests
{
    [Theory]
    [InlineData("--log-limit", "4M", "log limit")]
    [InlineData("--lag-limit", "2M", "lag")]
    [InlineData("--lag-limit", "500ms", "lag")]
    public void A_follower_that_stands_still_is_ended_by_name_and_the_leader_never_waits(string option, string limit, string reason)
    {
        RedisUnderMvedsua server = Start(run: [option, limit]);
        int follower = server.FollowerPid;
        Host.Kill(follower, Host.SIGSTOP); /* before the load: on a busy machine 4 MB are soon used up */
        using var load = new CheckedLoad(server, 5);
        string history = server.FollowerEnded(60);
        Assert.Contains(reason, history);
        load.More(500);
        Tell($"slowest request {load.Slowest.TotalMilliseconds:F1} ms; {history}");
        Assert.InRange(load.Slowest.TotalMilliseconds, 0, 1000);
        load.Finish();
        Host.Until(() => !Host.IsAlive(follower), "a stopped follower is ended, too");
        server.Follow();
        server.InStep();
    }

    [Fact]
    public void One_event_larger_than_the_log_limit_ends_the_follower_by_name()
    {
        RedisUnderMvedsua server = Start(run: ["--log-limit", "2M"]);
        using RespClient client = server.Connect();
        string large = new('x', 8 << 20);
        client.Expect("+OK\r\n", "SET", "large", large);
        client.Expect(RespClient.Bulk(large), "GET", "large");
        client.Expect("+PONG\r\n", "PING");
        if (server.FollowerPid != 0) server.InStep();
        else Assert.Contains("limit", server.History);
    }
}
