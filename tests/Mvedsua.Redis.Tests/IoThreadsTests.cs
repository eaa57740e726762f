using Mvedsua.Follower.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>Redis with threads for its connections. They find their work by atomic words, which no log has in order: alone it is exact;
/// what would follow it is refused.</summary>
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
        load.Begin();
        WaitForThreads(client, load);
        load.More(20_000);
        load.Finish();
        client.Expect(twinClient.Ok("DEBUG", "DIGEST"), "DEBUG", "DIGEST");
    }

    /// <summary>Also if it was asked for with the start, when the threads had not been there yet.</summary>
    [Theory]
    [InlineData("7.0.15 u7-u10")]
    [InlineData("8.0.2-8.0.6")]
    public void A_follower_and_an_update_are_refused_by_name_with_the_cure_and_the_server_is_untouched(string pair)
    {
        (string program, string other) = RedisVersions.Build(pair);
        RedisUnderMvedsua server = Server(program, RedisUnderMvedsua.Mode.Solo, Threads(pair), "--follower");
        server.FollowerEnded();
        int leader = server.LeaderPid;
        Host.Result follow = server.Mvedsua("follow", RedisUnderMvedsua.Name);
        Host.Result update = server.Mvedsua(["update", RedisUnderMvedsua.Name, .. Request(other, Description(pair))]);
        foreach (string told in (string[])[server.History, follow.Errors, update.Errors])
            Assert.Matches("io-threads of Redis or Valkey, which spin .*Start it with 'io-threads 1'", told);
        Assert.Equal((69, 69), (follow.Status, update.Status));
        Assert.Equal((leader, 0), (server.LeaderPid, server.FollowerPid));
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING");
    }

    private static void WaitForThreads(RespClient client, TwinLoad load) => Host.Until(() =>
    {
        load.Check();
        return client.Ok("INFO", "server").Contains("io_threads_active:1\r\n");
    }, "its threads are active", 60);
}
