namespace Mvedsua.Follower.Tests;

/// <summary>A server that execs itself (Redis's DEBUG RESTART): the session goes on, with a leader that is another program.</summary>
public sealed class ReplacedServerTests : ServerTests
{
    [Fact]
    public void It_goes_on_alone_and_can_be_followed_again()
    {
        RedisUnderMvedsua server = StartByPath(RedisUnderMvedsua.Mode.Followed);
        int leader = server.LeaderPid;
        for (int round = 0; round < 5 * Host.Rounds; round++)
        {
            int keeper = server.KeeperPid;
            Restart(server);
            Host.Until(() => server.History.EndsWith("goes on alone", StringComparison.Ordinal), "the follower is ended by name");
            Assert.Contains("execve", server.LastHistory);
            UntilItAnswers(server);
            Assert.Equal((leader, 0), (server.LeaderPid, server.FollowerPid));
            Assert.False(Host.IsAlive(keeper), "the keeper of the program before is still there");
            server.Follow();
            using RespClient client = server.Connect();
            for (int i = 0; i < 1000; i++) client.Ok("SET", $"k{i}", $"{round}");
            server.InStep();
        }
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        using RespClient after = server.Connect();
        after.Expect(RespClient.Bulk($"{5 * Host.Rounds - 1}"), "GET", "k999");
    }

    /// <summary>The request may find the server between two programs, or the next one before it is ready.</summary>
    [Fact]
    public void A_request_in_the_middle_of_the_exec_is_answered_or_refused_and_harms_nobody()
    {
        RedisUnderMvedsua server = StartByPath(RedisUnderMvedsua.Mode.Solo);
        int leader = server.LeaderPid;
        for (int round = 0; round < 10 * Host.Rounds; round++)
        {
            Restart(server);
            Host.Result follow;
            do follow = server.Mvedsua("follow", RedisUnderMvedsua.Name);
            while (follow.Status != 0);
            Assert.DoesNotContain("allocate", follow.Errors);
            UntilItAnswers(server);
            Assert.Equal(leader, server.LeaderPid);
            if (server.FollowerPid != 0) server.Mvedsua("unfollow", RedisUnderMvedsua.Name);
        }
    }

    private RedisUnderMvedsua StartByPath(RedisUnderMvedsua.Mode mode)
    {
        RedisUnderMvedsua server = Start(mode, server: ["/usr/bin/redis-server", "{folder}/redis.conf", "--save", ""]);
        UntilItAnswers(server);
        return server;
    }

    /// <summary>Comes back when the server has closed its descriptors, and is about to exec.</summary>
    private static void Restart(RedisUnderMvedsua server)
    {
        using RespClient client = server.Connect();
        client.SendRaw("DEBUG RESTART\r\n");
        Assert.Throws<EndOfStreamException>(client.Read);
    }

    private static void UntilItAnswers(RedisUnderMvedsua server) => Host.Until(() =>
    {
        try
        {
            using var client = new RespClient(server.Port, 2000);
            return client.Call("PING") == "+PONG\r\n";
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            return false;
        }
    }, "the next program answers");
}
