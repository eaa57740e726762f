using Mvedsua.Drill.Redis;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>What a load's clients know to be there.</summary>
internal static class ToldKeys
{
    /// <summary>The load's clients end, and everything is there that they have been told is.</summary>
    internal static void HasAll(this RedisUnderMvedsua server, RedisLoad load)
    {
        load.Finish();
        using RespClient client = server.Connect();
        foreach ((string key, string reply) in load.Expected())
            Assert.Equal((key, reply), (key, key.EndsWith(":l", StringComparison.Ordinal) ? client.Call("LRANGE", key, "0", "-1") : client.Call("GET", key)));
        client.Expect($":{load.Expected().Count}\r\n", "DBSIZE");
    }
}
