using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>Differences made on purpose in the follower's memory alone.</summary>
public sealed class DivergenceTests : ServerTests
{
    [Fact]
    public void Other_bytes_end_the_follower_and_the_report_shows_the_first()
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start();
            using var load = new CheckedLoad(server, 5);
            using RespClient client = server.Connect();
            string value = "the-value-that-will-be-changed-" + Guid.NewGuid().ToString("N") + new string('.', 100);
            client.Expect("+OK\r\n", "SET", "key", value);
            load.More(200);
            int leader = server.LeaderPid;
            Assert.True(Poke(server.FollowerPid, value, value[..40] + "#" + value[41..]) > 0, "the value is in the follower's memory");
            client.Expect(RespClient.Bulk(value), "GET", "key"); /* the leader's answer */
            string history = server.FollowerEnded();
            Assert.Contains("diverged", history);
            load.More(500);
            load.Finish();
            Assert.Equal(leader, server.LeaderPid);
            string report = server.Report();
            Assert.Contains("with different bytes, the first at offset 46", report); /* "$163\r\n" and 40 bytes */
            Assert.Contains("Leader, thread", report);
            Assert.Contains("Follower, thread", report);
            Assert.Contains("writeToClient", report);
            Assert.Contains("[23]", report);
            server.Follow();
            server.InStep();
            client.Expect(RespClient.Bulk(value), "GET", "key");
            server.InStep();
        }
    }

    [Fact]
    public void Another_call_ends_the_follower_and_the_report_names_both()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        string command = "PUBLISH_" + Guid.NewGuid().ToString("N");
        /* A script in the follower's memory that goes another way: it writes nothing where the leader's logs a line. */
        string script = $"if '{command}' == KEYS[1] then redis.log(redis.LOG_WARNING, 'a line') end return 'done'";
        string sha = client.Ok("SCRIPT", "LOAD", script).Split("\r\n")[1];
        client.Expect(RespClient.Bulk("done"), "EVALSHA", sha, "1", command);
        server.InStep();
        int pokes = Poke(server.FollowerPid, command, "x" + command[1..]);
        Assert.True(pokes > 0, "the script is in the follower's memory");
        client.Expect(RespClient.Bulk("done"), "EVALSHA", sha, "1", command);
        Assert.Contains("diverged", server.FollowerEnded());
        client.Expect("+PONG\r\n", "PING");
        string report = server.Report();
        Assert.Contains("Follower, thread", report);
        using var json = System.Text.Json.JsonDocument.Parse(server.Mvedsua("report", RedisUnderMvedsua.Name, "--json").Output);
        server.Follow();
        server.InStep();
    }

    /// <summary>Replaces every occurrence of a text in the writable memory of a process that owns it privately; how many.</summary>
    private static int Poke(int pid, string text, string replacement)
    {
        byte[] wanted = Encoding.Latin1.GetBytes(text), other = Encoding.Latin1.GetBytes(replacement);
        int found = 0;
        using var memory = new FileStream($"/proc/{pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        foreach (string line in File.ReadLines($"/proc/{pid}/maps"))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!parts[1].StartsWith("rw-p", StringComparison.Ordinal)) continue;
            string[] range = parts[0].Split('-');
            long start = Convert.ToInt64(range[0], 16), end = Convert.ToInt64(range[1], 16);
            if (end - start > 256 << 20) continue;
            byte[] bytes = new byte[end - start];
            int read;
            try
            {
                memory.Position = start;
                read = memory.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            }
            catch (IOException) { continue; }
            for (int at = 0; (at = bytes.AsSpan(0, read).IndexOf(wanted, at)) >= 0; at += wanted.Length)
            {
                memory.Position = start + at;
                memory.Write(other);
                found++;
            }
        }
        return found;
    }
}

internal static class Spans
{
    internal static int IndexOf(this Span<byte> bytes, byte[] wanted, int from)
    {
        int at = bytes[from..].IndexOf(wanted);
        return at < 0 ? -1 : at + from;
    }
}
