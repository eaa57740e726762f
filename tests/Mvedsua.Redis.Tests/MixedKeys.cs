using System.Globalization;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>Keys of all types, and commands that change such keys: the same for a server and its twin. What depends on the time
/// or on chance is not among them, so that both have the same digest.</summary>
internal static class MixedKeys
{
    /// <summary>The year 2100, as EXPIREAT has it.</summary>
    private const string FarAway = "4102444800";
    /// <summary>So many keys, and <see cref="EncodedKeys"/>.</summary>
    internal static void Fill(RespClient client, int keys)
    {
        Pipeline.Ok(client, Enumerable.Range(0, keys).SelectMany(Key));
        Pipeline.Ok(client, EncodedKeys.Commands(EncodedKeys.IsEight(client)));
    }

    private static IEnumerable<string[]> Key(int i)
    {
        string number = i.ToString(CultureInfo.InvariantCulture);
        string[] command = (i % 8) switch
        {
            0 => ["SET", $"int:{i}", number],
            1 => ["SET", $"text:{i}", $"value {i}"],
            2 => ["SET", $"raw:{i}", new string('r', 50 + i % 50) + number],
            3 => ["RPUSH", $"list:{i}", "a", number, "c"],
            4 => ["SADD", $"set:{i}", "red", number],
            5 => ["HSET", $"hash:{i}", "field", number, "other", "value"],
            6 => ["ZADD", $"zset:{i}", number, "one", "-1.5", "two"],
            _ => ["XADD", $"stream:{i}", $"1-{i}", "field", number],
        };
        yield return command;
        if (i % 5 == 0) yield return ["EXPIREAT", command[1], FarAway];
    }

    /// <summary>The text in a bulk reply.</summary>
    internal static string Content(string bulk) => bulk[(bulk.IndexOf('\n', StringComparison.Ordinal) + 1)..^2];

    /// <summary>The scripts that <see cref="Change"/> calls.</summary>
    internal static string LoadScripts(RespClient client)
    {
        client.Ok("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('grow', function(keys, args) return redis.call('APPEND', keys[1], args[1]) end)");
        return Content(client.Ok("SCRIPT", "LOAD", "redis.call('HINCRBY', KEYS[1], ARGV[1], 2) return redis.call('HLEN', KEYS[1])"));
    }

    /// <summary>A command on one of few keys, which so become large, small again, and go through their encodings.</summary>
    /// <param name="random">The same seed brings the same commands.</param>
    /// <param name="name">What the keys' names begin with: each connection has keys of its own.</param>
    /// <param name="number">Of the command, counted from 1.</param>
    /// <param name="script">What <see cref="LoadScripts"/> has returned.</param>
    internal static string[] Change(Random random, string name, int number, string script)
    {
        string At(string type) => $"{name}:{type}:{random.Next(4)}";
        string member = random.Next(20) == 0 ? $"{random.Next(300)}{new string('w', 80)}" : $"{random.Next(300)}", small = $"{random.Next(100)}";
        return random.Next(28) switch
        {
            0 => ["SET", At("s"), member],
            1 => ["INCRBY", $"{name}:n", small],
            2 => ["APPEND", At("a"), member],
            3 => ["SETRANGE", At("a"), small, "range"],
            4 => ["GETDEL", At("s")],
            5 => ["LPUSH", At("l"), member, small],
            6 => ["RPOP", At("l")],
            7 => ["LTRIM", At("l"), "0", "200"],
            8 => ["LRANGE", At("l"), "0", "9"],
            9 or 10 => ["SADD", At("t"), small, member],
            11 => ["SREM", At("t"), small],
            12 or 13 => ["HSET", At("h"), small, member],
            14 => ["HDEL", At("h"), small],
            15 => ["HGET", At("h"), small],
            16 or 17 => ["ZADD", At("z"), small, member],
            18 => ["ZRANGE", At("z"), "0", "5", "WITHSCORES"],
            19 => ["ZREMRANGEBYRANK", At("z"), "0", "1"],
            20 => ["XADD", $"{name}:x", $"{number}-1", "field", member],
            21 => ["XTRIM", $"{name}:x", "MAXLEN", "200"],
            22 => ["EXPIREAT", At("h"), FarAway],
            23 => ["PERSIST", At("h")],
            24 => ["EVALSHA", script, "1", At("h2"), small],
            25 => ["FCALL", "grow", "1", At("a"), small],
            26 => ["COPY", At("z"), At("z2"), "REPLACE"],
            _ => ["DEL", At(random.Next(2) == 0 ? "a" : "t")],
        };
    }
}
