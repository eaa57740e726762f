using System.Globalization;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>A key of each type in each encoding that the version has, twice: enc:… lie idle, touched:… are changed by <see cref="Touch"/> all the time
/// (and stay in their encodings, or go through them).</summary>
internal static class EncodedKeys
{
    /// <summary>The year 2100, in milliseconds.</summary>
    private const long FarAway = 4_102_444_800_000;

    private const int Few = 20, Many = 700;

    /// <summary>Name, encoding in 7.0 (null: it has no such type), encoding in 8.0.</summary>
    private static readonly (string Name, string? In7, string In8)[] s_keys =
    [
        ("int", "int", "int"), ("embstr", "embstr", "embstr"), ("raw", "raw", "raw"), ("hll", "raw", "raw"), ("hll-dense", "raw", "raw"),
        ("list", "quicklist", "listpack"), ("list-long", "quicklist", "quicklist"),
        ("intset", "intset", "intset"), ("set", "hashtable", "listpack"), ("set-large", "hashtable", "hashtable"),
        ("hash", "listpack", "listpack"), ("hash-large", "hashtable", "hashtable"), ("hash-ttl", null, "listpackex"), ("hash-ttl-large", null, "hashtable"),
        ("zset", "listpack", "listpack"), ("zset-large", "skiplist", "skiplist"), ("stream", "stream", "stream"), ("vset", null, "raw"),
    ];

    /// <summary>Fields of hashes may expire, and there are vector sets.</summary>
    internal static bool IsEight(RespClient client) => client.Ok("COMMAND", "INFO", "HPEXPIREAT").Contains("hpexpireat", StringComparison.OrdinalIgnoreCase)
        && client.Ok("COMMAND", "INFO", "VADD").Contains("vadd", StringComparison.OrdinalIgnoreCase);

    /// <summary>Which encoding each of the idle ones must have.</summary>
    internal static string Expected(bool isEight) => Text(isEight, key => (isEight ? key.In8 : key.In7)!);

    /// <summary>Which it has.</summary>
    internal static string Encodings(RespClient client, bool isEight, string prefix = "enc") => Text(isEight, key => MixedKeys.Content(client.Ok("OBJECT", "ENCODING", $"{prefix}:{key.Name}")));

    private static string Text(bool isEight, Func<(string Name, string? In7, string In8), string> encoding) =>
        string.Join(' ', s_keys.Where(key => isEight || key.In7 is not null).Select(key => $"{key.Name}={encoding(key)}"));

    internal static IEnumerable<string[]> Commands(bool isEight) => ((string[])["enc", "touched"]).SelectMany(prefix => Commands(prefix, isEight));

    private static IEnumerable<string[]> Commands(string prefix, bool isEight)
    {
        string At(string name) => $"{prefix}:{name}";
        yield return ["SET", At("int"), "12345"];
        yield return ["SET", At("embstr"), "short"];
        yield return ["SET", At("raw"), new string('x', 3000)];
        for (int i = 0; i < Many; i++)
        {
            string wide = Wide(i), number = $"{i}";
            if (i < Few)
            {
                yield return ["PFADD", At("hll"), number];
                yield return ["PFADD", At("hll-dense"), number];
                yield return ["RPUSH", At("list"), number];
                yield return ["SADD", At("intset"), number];
                yield return ["SADD", At("set"), $"m{i}"];
                yield return ["HSET", At("hash"), $"f{i}", number];
                yield return ["ZADD", At("zset"), number, $"m{i}"];
            }
            yield return ["RPUSH", At("list-long"), wide];
            yield return ["SADD", At("set-large"), wide];
            yield return ["HSET", At("hash-large"), wide, number];
            yield return ["ZADD", At("zset-large"), $"{i}.5", wide];
            yield return ["XADD", At("stream"), $"{i + 1}-0", "field", wide];
            if (!isEight) continue;
            if (i < Few)
            {
                yield return ["HSET", At("hash-ttl"), $"f{i}", number];
                if (i % 2 == 0) yield return ["HPEXPIREAT", At("hash-ttl"), Later(i), "FIELDS", "1", $"f{i}"];
                yield return ["VADD", At("vset"), "VALUES", "3", number, "1.5", "-2", $"e{i}"];
            }
            yield return ["HSET", At("hash-ttl-large"), wide, number];
            if (i % 3 == 0) yield return ["HPEXPIREAT", At("hash-ttl-large"), Later(i), "FIELDS", "1", wide];
        }
        yield return ["PFDEBUG", "TODENSE", At("hll-dense")];
        yield return ["XGROUP", "CREATE", At("stream"), "group", "0"];
        yield return ["XREADGROUP", "GROUP", "group", "one", "COUNT", "3", "STREAMS", At("stream"), ">"];
        /* Delivered at a time that is the same for the twin. */
        yield return ["XCLAIM", At("stream"), "group", "two", "0", "2-0", "TIME", "1000000000000", "RETRYCOUNT", "4"];
    }

    /// <summary>What VEMB can be asked for.</summary>
    internal static IEnumerable<string> Elements => Enumerable.Range(0, Few).Select(i => $"e{i}");

    /// <summary>A command on one of the keys touched:…, which has the same answer and leaves the same for a twin. (Not HINCRBYFLOAT: 8.0.6 tells its files and its
    /// replicas of it in other words than 8.0.2.)</summary>
    /// <param name="random">The same seed brings the same commands.</param>
    /// <param name="number">Of the command: it rises.</param>
    /// <param name="isEight">See <see cref="IsEight"/>.</param>
    internal static string[] Touch(Random random, int number, bool isEight)
    {
        string few = $"{random.Next(Few)}", n = number.ToString(CultureInfo.InvariantCulture), wide = Wide(random.Next(Many));
        static string At(string name) => $"touched:{name}";
        return random.Next(isEight ? 38 : 26) switch
        {
            0 => ["INCRBY", At("int"), "7"],
            1 => ["SET", At("embstr"), $"short {few}"],
            2 => ["SETRANGE", At("raw"), $"{random.Next(2900)}", n],
            3 => ["LMOVE", At("list"), At("list"), "LEFT", "RIGHT"],
            4 => ["LSET", At("list"), few, n],
            5 => ["LMOVE", At("list-long"), At("list-long"), "LEFT", "RIGHT"],
            6 => ["LSET", At("list-long"), $"{random.Next(Many)}", wide],
            7 => ["SADD", At("intset"), few],
            8 => ["SREM", At("intset"), few],
            9 => ["SADD", At("set"), $"m{few}"],
            10 => ["SREM", At("set"), $"m{few}"],
            11 => ["SADD", At("set-large"), wide],
            12 => ["SREM", At("set-large"), wide],
            13 => ["HSET", At("hash"), $"f{few}", n],
            14 => ["HDEL", At("hash"), $"f{few}"],
            15 => ["HSET", At("hash-large"), wide, n],
            16 => ["HINCRBY", At("hash-large"), wide, "3"],
            17 => ["ZADD", At("zset"), n, $"m{few}"],
            18 => ["ZINCRBY", At("zset-large"), "1.5", wide],
            19 => ["XADD", At("stream"), "MAXLEN", $"{Many}", $"{100_000 + number}-0", "field", wide],
            20 => ["XREADGROUP", "GROUP", "group", "one", "COUNT", "2", "STREAMS", At("stream"), ">"],
            21 => ["XACK", At("stream"), "group", $"{random.Next(Many)}-0"],
            22 => ["XCLAIM", At("stream"), "group", "two", "0", $"{random.Next(Many)}-0", "TIME", $"{1_000_000_000_000 + number}", "RETRYCOUNT", "7"],
            23 => ["XAUTOCLAIM", At("stream"), "group", "one", "0", "0", "COUNT", "1"],
            24 => ["PFADD", At(random.Next(2) == 0 ? "hll" : "hll-dense"), n],
            25 => ["PFCOUNT", At("hll"), At("hll-dense")],
            26 => ["HSETEX", At("hash-ttl"), "PXAT", Later(number), "FIELDS", "1", $"f{few}", n],
            27 => ["HPEXPIREAT", At("hash-ttl"), Later(number), "FIELDS", "1", $"f{few}"],
            28 => ["HPERSIST", At("hash-ttl"), "FIELDS", "1", $"f{few}"],
            29 => ["HGETDEL", At("hash-ttl"), "FIELDS", "1", $"f{few}"],
            30 => ["HSET", At("hash-ttl-large"), wide, n],
            31 => ["HEXPIREAT", At("hash-ttl-large"), $"{FarAway / 1000 + number}", "FIELDS", "1", wide],
            32 => ["HGETEX", At("hash-ttl-large"), "PXAT", Later(number), "FIELDS", "1", wide],
            33 => ["HPEXPIRETIME", At("hash-ttl-large"), "FIELDS", "1", wide],
            34 => ["VADD", At("vset"), "VALUES", "3", few, n, "0.5", $"e{few}"],
            35 => ["VREM", At("vset"), $"e{few}"],
            36 => ["VSETATTR", At("vset"), $"e{few}", $"{{\"n\":{n}}}"],
            _ => ["VEMB", At("vset"), $"e{few}"],
        };
    }

    private static string Wide(int i) => $"{i}:{new string((char)('a' + i % 26), 70)}";

    private static string Later(int number) => (FarAway + number).ToString(CultureInfo.InvariantCulture);
}
