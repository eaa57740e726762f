using Mvedsua.Follower.Tests;
using Mvedsua.Update.Tests.Servers;
using Xunit.Sdk;

namespace Mvedsua.Redis.Tests;

/// <summary>The comparison that other tests rely on finds what DEBUG DIGEST passes over.</summary>
public sealed class KeyStateTests : UpdatedRedis
{
    private const string Wide = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";

    private static readonly string[][] s_differences =
    [
        ["HPEXPIREAT enc:hash-ttl 4102444800001 FIELDS 1 f0"], /* another time */
        ["PEXPIREAT int:0 4102444800001"],
        ["XACK enc:stream group 1-0"], /* an entry less that is pending */
        ["XCLAIM enc:stream group two 0 2-0 TIME 1000000000001 RETRYCOUNT 4"],
        ["XGROUP CREATECONSUMER enc:stream group three"],
        [$"HSET enc:hash {Wide} x", $"HDEL enc:hash {Wide}"], /* another encoding */
        [$"ZADD enc:zset 1 {Wide}", $"ZREM enc:zset {Wide}"],
    ];

    [Fact]
    public void What_a_digest_does_not_hold_is_found_where_it_is_not_the_twins()
    {
        string program = RedisVersions.Build("8.0.2-8.0.6").Old;
        RedisUnderMvedsua server = Server(program, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]), twin = Server(program, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]);
        using RespClient client = server.Connect(), twinClient = twin.Connect();
        MixedKeys.Fill(client, 100);
        MixedKeys.Fill(twinClient, 100);
        var state = new KeyState(client, twinClient);
        Assert.InRange(state.IsTheTwins(), 100, int.MaxValue);
        foreach (string[] difference in s_differences)
        {
            foreach (string command in difference) client.Ok(command.Split(' '));
            client.Expect(twinClient.Ok("DEBUG", "DIGEST"), "DEBUG", "DIGEST");
            Assert.Contains(difference[0].Split(' ').First(word => word.Contains(':')), Assert.ThrowsAny<XunitException>(() => _ = state.IsTheTwins()).Message);
            foreach (string command in difference) twinClient.Ok(command.Split(' '));
            state.IsTheTwins();
        }
    }
}
