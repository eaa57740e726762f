using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>What passes by itself, by relative times, some of it at every moment of a test: keys, and fields of hashes of either encoding. (No twin has
/// it: it would be gone at other moments there.)</summary>
internal sealed class Passing
{
    private const int Count = 40, StepMs = 300, LastingMs = 1_000_000;
    private readonly long _begin;
    private readonly string[] _keys;

    /// <param name="client">Of the server.</param>
    /// <param name="isEight">Fields may expire.</param>
    internal Passing(RespClient client, bool isEight)
    {
        for (int i = 1; i <= Count; i++) client.Expect("+OK\r\n", "SET", $"passing:{i}", "x", "PX", $"{i * StepMs}");
        string[] hashes = isEight ? ["passing:fields", "passing:fields-large"] : [];
        foreach (string hash in hashes)
        {
            string[] fields = [.. Enumerable.Range(1, Count).Select(i => hash.EndsWith("large", StringComparison.Ordinal) ? $"{i}{new string('f', 80)}" : $"{i}")];
            client.Ok(["HSET", hash, .. fields.SelectMany(field => (string[])[field, "x"])]);
            for (int i = 1; i <= Count; i++) client.Expect("*1\r\n:1\r\n", "HPEXPIRE", hash, $"{i * StepMs}", "FIELDS", "1", fields[i - 1]);
        }
        if (isEight) Assert.Equal(["listpackex", "hashtable"], hashes.Select(hash => MixedKeys.Content(client.Ok("OBJECT", "ENCODING", hash))));
        _keys = [.. Enumerable.Range(1, Count).Select(i => $"passing:{i}"), .. hashes];
        client.Expect("+OK\r\n", "SET", "lasting", "x", "PX", $"{LastingMs}");
        _begin = Environment.TickCount64;
    }

    /// <summary>All of that is gone; what lasts longer has as much time left as it should. Nothing is left then.</summary>
    internal void IsOver(RespClient client)
    {
        Host.Until(() => client.Ok(["EXISTS", .. _keys]) == ":0\r\n", "what expires has expired");
        long left = long.Parse(client.Ok("PTTL", "lasting")[1..]), expected = LastingMs - (Environment.TickCount64 - _begin);
        Assert.InRange(left, expected - 1000, expected + 1000);
        client.Expect(":1\r\n", "DEL", "lasting");
    }
}
