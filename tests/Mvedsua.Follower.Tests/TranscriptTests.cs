using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>One script of several connections, every answer recorded raw: natively twice, under the command alone, with a follower, and
/// across a failover in the middle. What the two native runs agree on is the same everywhere.</summary>
public sealed class TranscriptTests : ServerTests
{
    [Fact]
    public void Clients_cannot_tell_native_solo_followed_and_failed_over_apart()
    {
        List<string> first = Play(Start(RedisUnderMvedsua.Mode.Native), null), second = Play(Start(RedisUnderMvedsua.Mode.Native), null);
        Assert.Equal(first.Count, second.Count);
        Assert.True(first.Zip(second).Count(p => p.First == p.Second) > first.Count * 9 / 10, "the script is mostly deterministic");
        Compare("solo", first, second, Play(Start(RedisUnderMvedsua.Mode.Solo), null));
        RedisUnderMvedsua followed = Start();
        Compare("followed", first, second, Play(followed, null));
        followed.InStep();
        RedisUnderMvedsua killed = Start();
        Compare("failed over", first, second, Play(killed, () =>
        {
            int leader = killed.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
        }));
        killed.Follow();
        killed.InStep();
    }

    internal static void Compare(string run, List<string> first, List<string> second, List<string> other)
    {
        Assert.Equal(first.Count, other.Count);
        for (int i = 0; i < first.Count; i++)
            if (first[i] == second[i])
                Assert.True(first[i] == other[i], $"{run}, answer {i}: natively {RespClient.Shorten(first[i])}, here {RespClient.Shorten(other[i])}");
    }

    internal static List<string> Play(RedisUnderMvedsua server, Action? inTheMiddle)
    {
        var answers = new List<string>();
        using RespClient a = server.Connect(), b = server.Connect(), c = server.Connect();
        void Ask(RespClient client, params string[] command) => answers.Add(client.Call(command));
        for (int part = 0; part < 2; part++)
        {
            Ask(a, "HELLO", part == 0 ? "2" : "3");
            Ask(a, "FLUSHALL");
            Ask(a, "CLIENT", "SETNAME", $"a{part}");
            for (int i = 0; i < 300; i++)
            {
                Ask(a, "SET", $"k{i}", new string((char)('a' + i % 26), i * 7));
                Ask(b, "GET", $"k{i}");
                Ask(c, "INCRBY", "n", $"{i}");
                Ask(b, "HSET", "hash", $"f{i % 50}", $"{i}");
                Ask(a, "ZADD", "zset", $"{i * 1.5}", $"m{i}");
            }
            Ask(c, "SUBSCRIBE", "channel");
            Ask(a, "PUBLISH", "channel", "message");
            answers.Add(c.Read());
            Ask(c, "UNSUBSCRIBE", "channel");
            Ask(a, "MULTI");
            Ask(a, "INCR", "n");
            Ask(b, "INCR", "n");
            Ask(a, "GET", "n");
            Ask(a, "EXEC");
            Ask(a, "EVAL", "local r = {} for i = 1, 20 do r[i] = redis.call('INCRBYFLOAT', KEYS[1], '0.5') end return r", "1", "float");
            Ask(b, "ZRANGEBYSCORE", "zset", "10", "50", "WITHSCORES");
            Ask(b, "HGETALL", "hash");
            Ask(b, "OBJECT", "ENCODING", "zset");
            Ask(b, "SET", "wrong");
            Ask(b, "LPUSH", "hash", "x");
            Ask(b, "DEBUG", "DIGEST");
            Ask(a, "INFO", "server");
            Ask(a, "TIME");
            Ask(a, "CLIENT", "LIST");
            c.Send("BLPOP", "queue", "0");
            if (part == 0) inTheMiddle?.Invoke(); /* with a client that waits */
            Ask(a, "RPUSH", "queue", $"item{part}");
            answers.Add(c.Read());
            var pipeline = new StringBuilder();
            for (int i = 0; i < 500; i++) RespClient.Append(pipeline, "APPEND", "log", $"{i};");
            b.SendRaw(pipeline.ToString());
            for (int i = 0; i < 500; i++) answers.Add(b.Read());
            Ask(b, "GET", "log");
            Ask(b, "XADD", "stream", "1-1", "f", "v");
            Ask(b, "XRANGE", "stream", "-", "+");
            Ask(b, "DBSIZE");
        }
        return answers;
    }
}
