using System.Globalization;
using System.Text.RegularExpressions;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>What DEBUG DIGEST does not hold of keys, compared with a twin's: encodings, times of expiry of keys and of fields, groups of streams with their
/// pending entries, vectors.</summary>
/// <param name="client">Of the server.</param>
/// <param name="twin">Of the twin.</param>
internal sealed partial class KeyState(RespClient client, RespClient twin)
{
    /// <summary>For two servers that have had the same commands.</summary>
    /// <returns>How many keys were compared.</returns>
    internal int IsTheTwins()
    {
        string[] keys = Times();
        Compare(keys.Select(key => (string[])["OBJECT", "ENCODING", key]));
        ILookup<string, string> types = Types(keys);
        Compare(types["stream"].Select(key => (string[])["XINFO", "STREAM", key, "FULL", "COUNT", "0"]));
        Compare(types["vectorset"].SelectMany(key => EncodedKeys.Elements.SelectMany(element => (string[][])[["VEMB", key, element], ["VGETATTR", key, element]])
            .Prepend(["VCARD", key])));
        return keys.Length;
    }

    /// <summary>Names, types and times of expiry: also of a server that has its keys from a file or as a replica.</summary>
    /// <returns>The keys.</returns>
    internal string[] Times()
    {
        string[] keys = [.. Keys(twin).Order(StringComparer.Ordinal)];
        Assert.Equal(keys, Keys(client).Order(StringComparer.Ordinal));
        Compare(keys.Select(key => (string[])["TYPE", key]));
        Compare(keys.Select(key => (string[])["PEXPIRETIME", key]));
        if (!EncodedKeys.IsEight(twin)) return keys;
        string[] hashes = [.. Types(keys)["hash"]];
        List<string> fields = Pipeline.Ok(twin, hashes.Select(key => (string[])["HKEYS", key])); /* (the digests tell whether the other one has others) */
        Compare(hashes.Zip(fields).Select(hash => (string[])["HPEXPIRETIME", hash.First, "FIELDS", $"{Elements(hash.Second).Length}", .. Elements(hash.Second)]));
        return keys;
    }

    /// <summary>All there are.</summary>
    internal static string[] Keys(RespClient client) => Elements(client.Ok("KEYS", "*"));

    private ILookup<string, string> Types(string[] keys) => keys.Zip(Pipeline.Ok(twin, keys.Select(key => (string[])["TYPE", key])))
        .ToLookup(key => key.Second[1..^2], key => key.First);

    private void Compare(IEnumerable<string[]> commands)
    {
        string[][] asked = [.. commands];
        foreach ((string[] command, (string got, string expected)) in asked.Zip(Pipeline.Ok(client, asked).Zip(Pipeline.Ok(twin, asked))))
        {
            if (got == expected || Timeless(got) == Timeless(expected)) continue;
            Assert.Fail($"{RespClient.Shorten(string.Join(' ', command))}: the twin says {Difference(expected, got)}, the server {Difference(got, expected)}");
        }
    }

    /// <summary>When a consumer was seen, and an entry delivered, can't be the same moment for both.</summary>
    private static string Timeless(string reply)
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return Milliseconds().Replace(reply, time => Math.Abs(long.Parse(time.ValueSpan[1..^2], CultureInfo.InvariantCulture) - now) < 3_600_000 ? ":now\r\n" : time.Value);
    }

    [GeneratedRegex(":[0-9]{13}\r\n")]
    private static partial Regex Milliseconds();

    private static string Difference(string text, string other)
    {
        int same = text.Zip(other).TakeWhile(pair => pair.First == pair.Second).Count();
        return RespClient.Shorten(text[Math.Max(0, same - 30)..]);
    }

    /// <summary>Of an array of bulk strings.</summary>
    private static string[] Elements(string array)
    {
        var elements = new List<string>();
        for (int at = array.IndexOf('\n', StringComparison.Ordinal) + 1; at < array.Length;)
        {
            int line = array.IndexOf('\r', at), length = int.Parse(array.AsSpan(at + 1, line - at - 1), NumberStyles.None, CultureInfo.InvariantCulture);
            elements.Add(array.Substring(line + 2, length));
            at = line + 2 + length + 2;
        }
        return [.. elements];
    }
}
