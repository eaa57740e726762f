using Mvedsua.Follower.Tests;

namespace Mvedsua.Update.Tests.Servers;

/// <summary>What Redis holds for its clients: keys of every encoding, scripts, and connections in the middle of something.</summary>
internal sealed class RedisState : IDisposable
{
    private readonly RespClient _client, _subscriber, _blocked, _multi, _half;
    private string _digest = "";
    private int _round;

    internal RedisState(Func<RespClient> connect)
    {
        (_client, _subscriber, _blocked, _multi, _half) = (connect(), connect(), connect(), connect(), connect());
        _client.Expect("+OK\r\n", "SET", "text", "words");
        _client.Expect(":1\r\n", "INCR", "number");
        _client.Expect("+OK\r\n", "SET", "later", "gone", "EX", "1000");
        for (var i = 0; i < 600; i++)
        {
            var wide = new string((char)('a' + i % 26), 70) + i;
            if (i < 20)
            {
                _client.Ok("RPUSH", "list-packed", $"{i}");
                _client.Ok("HSET", "hash-packed", $"f{i}", $"v{i}");
                _client.Ok("ZADD", "zset-packed", $"{i}", $"m{i}");
                _client.Ok("SADD", "set-numbers", $"{i}");
                _client.Ok("XADD", "stream", $"{i + 1}-0", "field", $"value {i}");
            }
            _client.Ok("RPUSH", "list", wide);
            _client.Ok("HSET", "hash", wide, $"{i}");
            _client.Ok("ZADD", "zset", $"{i}.5", wide);
            _client.Ok("SADD", "set", wide);
        }
        _client.Ok("PFADD", "registers", "a", "b", "c");
        _client.Ok("GEOADD", "places", "13.36", "38.11", "Palermo");
        _client.Ok("SETBIT", "bits", "1000", "1");
        _client.Ok("XGROUP", "CREATE", "stream", "group", "0");
        _client.Ok("XREADGROUP", "GROUP", "group", "one", "COUNT", "3", "STREAMS", "stream", ">");
        Sha = Content(_client.Ok("SCRIPT", "LOAD", "return {redis.call('GET', KEYS[1]), ARGV[1]}"));
        _client.Ok("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('double', function(keys, args) return args[1] * 2 end)");
        _client.Ok("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+get");
        _client.Ok("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
    }

    /// <summary>The script's name.</summary>
    private string Sha { get; }

    /// <summary>Clients begin what is not finished before the update.</summary>
    internal void Begin()
    {
        _round++;
        _digest = _client.Ok("DEBUG", "DIGEST");
        _subscriber.Ok("SUBSCRIBE", $"news-{_round}");
        _subscriber.Ok("PSUBSCRIBE", $"w*-{_round}");
        _blocked.Send("BLPOP", $"queue-{_round}", "0");
        _multi.Expect("+OK\r\n", "MULTI");
        _multi.Expect("+QUEUED\r\n", "INCR", "number");
        _multi.Expect("+QUEUED\r\n", "LLEN", "list");
        _half.SendRaw("*2\r\n$3\r\nGET\r\n$4\r\nte");
        /* The half command has been read as well: what was sent before it to the same server was answered. */
        _client.Expect("+PONG\r\n", "PING");
    }

    /// <summary>They go on with it, and all data and settings are there.</summary>
    internal void Finish()
    {
        _client.Expect(_digest, "DEBUG", "DIGEST");
        _half.SendRaw("xt\r\n");
        Assert.Equal(RespClient.Bulk("words"), _half.Read());
        Assert.Equal($"*2\r\n:{_round + 1}\r\n:600\r\n", _multi.Call("EXEC"));
        _client.Expect(":1\r\n", "PUBLISH", $"w-{_round}", "matched");
        Assert.Equal(Array("pmessage", $"w*-{_round}", $"w-{_round}", "matched"), _subscriber.Read());
        _client.Expect(":1\r\n", "PUBLISH", $"news-{_round}", "first");
        Assert.Equal(Array("message", $"news-{_round}", "first"), _subscriber.Read());
        _client.Expect(":1\r\n", "RPUSH", $"queue-{_round}", "job");
        Assert.Equal(Array($"queue-{_round}", "job"), _blocked.Read());
        _client.Expect(Array("words", "argument"), "EVALSHA", Sha, "1", "text", "argument");
        _client.Expect(":42\r\n", "FCALL", "double", "0", "21");
        _client.Expect(Array("maxmemory-policy", "allkeys-lfu"), "CONFIG", "GET", "maxmemory-policy");
        _client.Expect(":19\r\n", "ZRANK", "zset-packed", "m19");
        foreach (var key in (string[])["list", "list-packed", "hash", "hash-packed", "zset", "zset-packed", "set", "set-numbers", "stream", "text", "registers", "places", "bits"])
        {
            _client.Expect("+OK\r\n", "RESTORE", "copy", "0", Content(_client.Ok("DUMP", key)), "REPLACE");
            Assert.Equal(_client.Ok("TYPE", key), _client.Ok("TYPE", "copy"));
            _client.Expect(":1\r\n", "DEL", "copy");
        }
        foreach (var command in (string[][])[["INFO", "everything"], ["COMMAND", "DOCS"], ["ACL", "LIST"], ["CLIENT", "LIST"], ["MEMORY", "STATS"], ["XPENDING", "stream", "group"], ["LOLWUT"], ["HELLO", "3"], ["HELLO", "2"]])
            _client.Ok(command);
    }

    /// <summary>What INFO says.</summary>
    internal string Info(string field) => _client.Ok("INFO", "everything").Split("\r\n").Single(l => l.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 1)..];

    private static string Array(params string[] elements) => $"*{elements.Length}\r\n{string.Concat(elements.Select(RespClient.Bulk))}";

    private static string Content(string bulk) => bulk[(bulk.IndexOf('\n', StringComparison.Ordinal) + 1)..^2];

    public void Dispose()
    {
        foreach (var one in (RespClient[])[_client, _subscriber, _blocked, _multi, _half]) one.Dispose();
    }
}
