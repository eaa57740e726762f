using Mvedsua.Follower.Tests;
using Mvedsua.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>A server that was not written for this: Redis, unmodified, is updated between versions of Debian.</summary>
public sealed class RedisUpdateTests : UpdatedServers
{
    [Theory]
    [InlineData("7.0.15-1~deb12u7", "7.0.15-1~deb12u10", "7.0.15-u7-u10")]
    [InlineData("7.0.15-1~deb12u10", "7.0.15-1~deb12u7", "7.0.15-u7-u10")]
    [InlineData("8.0.2-3+deb13u2", "8.0.6-3", "8.0.2-8.0.6")]
    public void Both_versions_of_Redis_agree_under_clients_that_ask_for_all_that_differs_until_the_new_one_serves_alone(string from, string to, string pair)
    {
        var (old, @new) = DebianServer.Build("redis", from, to);
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: [old, "{folder}/redis.conf", "--save", ""]);
        server.Answers();
        using RespClient client = server.Connect(), subscriber = server.Connect();
        subscriber.Ok("SUBSCRIBE", "news");
        client.Expect("+OK\r\n", "SET", "key", "value");
        string build = Build(client);

        string folder = Path.Combine(DebianServer.Rules("redis"), pair);
        Host.Result update = server.Mvedsua("update", RedisUnderMvedsua.Name, "--to", @new, "--description", Path.Combine(folder, "update.description"), "--rules", folder);
        Assert.SkipWhen(update.Errors.Contains("only one can be updated yet", StringComparison.Ordinal), update.Errors);
        Assert.True(update.Status == 0, $"{update.Output}{update.Errors}\n{server.Log}");
        Work(client, subscriber);
        Assert.Equal(build, Build(client));
        Agrees(server);
        server.InStep();

        Do(server, "promote");
        Work(client, subscriber);
        Assert.NotEqual(build, Build(client));
        Agrees(server);
        server.InStep();

        Do(server, "commit");
        Work(client, subscriber);
        client.Expect(RespClient.Bulk("value"), "GET", "key");
    }

    private static void Work(RespClient client, RespClient subscriber)
    {
        for (int i = 0; i < 200; i++)
        {
            client.Ok("INCR", "number");
            client.Ok("RPUSH", "list", $"{i}");
            client.Ok("HSET", "hash", $"field {i}", "value");
            client.Ok("ZADD", "set", $"{i}", $"member {i}");
        }
        client.Expect(":1\r\n", "PUBLISH", "news", "item");
        Assert.Equal("*3\r\n" + RespClient.Bulk("message") + RespClient.Bulk("news") + RespClient.Bulk("item"), subscriber.Read());
        foreach (string[] command in (string[][])[["INFO"], ["INFO", "everything"], ["LOLWUT"], ["HELLO", "3"], ["INFO", "server"], ["HELLO", "2"], ["MEMORY", "STATS"], ["COMMAND", "DOCS"], ["CONFIG", "GET", "*"], ["HINCRBYFLOAT", "hash", "float", "2.5"]])
            client.Ok(command);
    }

    private static string Build(RespClient client) =>
        client.Ok("INFO", "server").Split("\r\n").Single(line => line.StartsWith("redis_build_id:", StringComparison.Ordinal));
}
