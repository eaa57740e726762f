using Mvedsua.Follower.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>Redis with threads for its connections. They find their work by atomic words, which no log has in order: alone it is exact; what
/// follows it parts, and is told why.</summary>
public sealed class IoThreadsTests : UpdatedRedis
{
    /// <summary>7.0 wakes its threads when twice as many clients wait.</summary>
    private const int Connected = 16;

    private static string[] Threads(string pair) => ["--save", "\"\"", "--io-threads", "4", .. pair.StartsWith('7') ? new[] { "--io-threads-do-reads", "yes" } : []];

    [Theory]
    [InlineData("7.0.15 u7-u10")]
    [InlineData("8.0.2-8.0.6")]
    public void Under_the_library_alone_it_answers_as_its_twin_and_has_its_data(string pair)
    {
        string program = RedisVersions.Build(pair).Old;
        RedisUnderMvedsua server = Server(program, RedisUnderMvedsua.Mode.Solo, Threads(pair)), twin = Server(program, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]);
        using RespClient client = server.Connect(), twinClient = twin.Connect();
        string script = MixedKeys.LoadScripts(client);
        Assert.Equal(script, MixedKeys.LoadScripts(twinClient));
        using var load = new TwinLoad(server.Port, twin.Port, script, Connected, 61);
        WaitForThreads(client, load);
        load.More(20_000);
        load.Finish();
        client.Expect(twinClient.Ok("DEBUG", "DIGEST"), "DEBUG", "DIGEST");
    }

    [Fact]
    public void A_follower_of_7_0_is_ended_with_a_report_that_names_the_thread_and_the_cause_and_no_client_notices()
    {
        RedisUnderMvedsua server = Followed("7.0.15 u7-u10", [], _ => { });
        string report = server.Report();
        Tell(report);
        Assert.Matches("io_thd_|IOThreadMain|ThreadedIO", report); /* the thread by its name or its function */
        Assert.Contains("atomics", report);
    }

    /// <summary>8.0 hands its clients over by locks and event descriptors, which are followed; but when its threads are to pause (CLIENT LIST), all spin
    /// until all have come to it, which the follower's need not do. It hangs, or what its threads found shows in an answer first.</summary>
    [Fact]
    public void A_follower_of_8_0_that_hangs_or_differs_is_ended_by_name_and_no_client_notices()
    {
        RedisUnderMvedsua server = Followed("8.0.2-8.0.6", ["--lag-limit", "3s"], client => client.Ok("CLIENT", "LIST"));
        Tell(server.History);
        Assert.Matches("behind|diverged from the leader", server.History);
    }

    [Fact]
    [Trait("Length", "long")]
    public void A_follower_of_8_0_that_hangs_is_ended_after_a_minute_with_a_report_that_names_its_threads()
    {
        LongTests.OnlyThen("it lasts for more than a minute");
        RedisUnderMvedsua server = Followed("8.0.2-8.0.6", [], client => client.Ok("CLIENT", "LIST"));
        if (server.History.Contains("diverged from the leader", StringComparison.Ordinal)) Assert.Skip("it differed before it could hang");
        Assert.Contains("it hangs: it has replayed nothing for 60 s, though its leader went on", server.History);
        string report = server.Report();
        Tell(report);
        Assert.Matches("Threads that compute: .*(io_thd_|redis-server)", report);
        Assert.Contains("atomics", report);
    }

    [Fact]
    public void An_update_of_7_0_is_refused_by_name_because_its_threads_never_rest_and_the_server_is_untouched()
    {
        (RedisUnderMvedsua server, string other) = Server("7.0.15 u7-u10", Threads("7.0.15 u7-u10"));
        int leader = server.LeaderPid;
        Host.Result result = server.Mvedsua(["update", RedisUnderMvedsua.Name, .. Request(other, Description("7.0.15 u7-u10"))]);
        Assert.NotEqual(0, result.Status);
        Assert.Matches("The server's threads did not all rest .*thread [0-9]+ .*; the server is untouched", result.Errors);
        Assert.Equal((leader, 0), (server.LeaderPid, server.FollowerPid));
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING");
    }

    /// <summary>Until its follower has ended; the load goes on beyond that.</summary>
    private RedisUnderMvedsua Followed(string pair, string[] run, Action<RespClient> ask)
    {
        string program = RedisVersions.Build(pair).Old;
        RedisUnderMvedsua server = Server(program, RedisUnderMvedsua.Mode.Followed, Threads(pair), run), twin = Server(program, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]);
        int leader = server.LeaderPid;
        using RespClient client = server.Connect(), twinClient = twin.Connect();
        string script = MixedKeys.LoadScripts(client);
        Assert.Equal(script, MixedKeys.LoadScripts(twinClient));
        using var load = new TwinLoad(server.Port, twin.Port, script, Connected, 62);
        WaitForThreads(client, load);
        Host.Until(() =>
        {
            load.Check();
            ask(client);
            return server.FollowerPid == 0;
        }, "the follower has ended", 120);
        load.More(1000);
        load.Finish();
        Assert.Equal(leader, server.LeaderPid);
        client.Expect(twinClient.Ok("DEBUG", "DIGEST"), "DEBUG", "DIGEST");
        return server;
    }

    private static void WaitForThreads(RespClient client, TwinLoad load) => Host.Until(() =>
    {
        load.Check();
        return client.Ok("INFO", "server").Contains("io_threads_active:1\r\n");
    }, "its threads are active", 60);
}
