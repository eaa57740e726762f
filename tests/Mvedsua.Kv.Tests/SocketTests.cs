using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>How the releases read and write, and what they do by their timer.</summary>
public sealed class SocketTests
{
    public static TheoryData<string> Releases => ["1.0", "1.1", "2.0"];

    [Theory]
    [MemberData(nameof(Releases))]
    public void A_request_may_come_byte_by_byte(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release));
        using KvLine line = server.Connect(), other = server.Connect();
        foreach (char one in "PUT key some value\r\nGET key\r\n")
        {
            line.Send($"{one}");
            Assert.Equal("PONG", other.Ask("PING")); /* the byte has been read by itself */
        }
        Assert.Equal("OK", line.Read());
        Assert.Equal("VALUE some value", line.Read());
    }

    /// <summary>The answers are far more than sockets hold; meanwhile others are served.</summary>
    [Theory]
    [MemberData(nameof(Releases))]
    public async Task A_client_that_reads_late_gets_every_answer(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release));
        using KvLine late = server.Connect(), other = server.Connect();
        string value = new('v', 1_000_000);
        Assert.Equal("OK", late.Ask($"PUT key {value}"));
        var sending = Task.Run(() =>
        {
            for (int i = 0; i < 60; i++) late.Send($"GET key\nAPPEND n {i % 10}\n");
            late.EndSending();
        });
        Assert.Equal("OK", other.Ask("PUT other value"));
        Host.Until(() => other.Ask("CALLS APPEND").Split(' ')[2] is not "0", "the first requests are answered");
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal($"VALUE {value}", late.Read());
            Assert.Equal($"SIZE {i + 1}", late.Read());
            if (i % 10 == 0) Assert.Equal("VALUE value", other.Ask("GET other"));
        }
        await sending;
        Assert.True(late.IsAtEnd());
    }

    /// <summary>Its memory would be the client's to fill, otherwise.</summary>
    [Theory]
    [MemberData(nameof(Releases))]
    public void A_client_that_does_not_read_is_not_listened_to(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release));
        using KvLine deaf = server.Connect(), other = server.Connect();
        Assert.Equal("OK", deaf.Ask($"PUT key {new string('v', 1_000_000)}"));
        deaf.Socket.Blocking = false;
        byte[] request = "GET key\n"u8.ToArray();
        long sent = 0;
        Host.Until(() =>
        {
            try
            {
                while (sent < 1 << 26) sent += deaf.Socket.Send(request);
                return false;
            }
            catch (System.Net.Sockets.SocketException e) when (e.SocketErrorCode == System.Net.Sockets.SocketError.WouldBlock)
            {
                return !deaf.Socket.Poll(500_000, System.Net.Sockets.SelectMode.SelectWrite);
            }
        }, "the socket takes nothing more", 60);
        Assert.Equal("PONG", other.Ask("PING"));
        long memory = long.Parse(File.ReadAllText($"/proc/{server.Pid}/statm").Split(' ')[1]) * 4096;
        Assert.True(memory < 64 << 20, $"{memory >> 20} MiB");
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void A_line_that_is_too_long_costs_only_itself(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release), ["--max-line", "1000"]);
        using KvLine line = server.Connect();
        foreach (int length in (int[])[990, 1000, 100_000, 3_000_000])
            Assert.Equal(length < 1000 ? "OK" : "ERROR line too long", line.Ask($"PUT k {new string('x', length - 5)}"));
        Assert.Equal($"VALUE {new string('x', 985)}", line.Ask("GET k"));
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void Keys_expire_by_the_timer_though_nobody_asks_for_them(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release));
        using KvLine line = server.Connect();
        for (int i = 0; i < 5000; i++) line.Send($"PUT key{i} v\n{(i % 2 == 0 ? $"EXPIRE key{i} 50\n" : "")}");
        for (int i = 0; i < 7500; i++) Assert.Equal("OK", line.Read());
        Host.Until(() => line.Ask("COUNT") == "COUNT 2500", "half of the keys are gone");
        Assert.Contains("STAT expired 2500", line.AskAll("STATS"));
        Assert.Equal("NONE", line.Ask("GET key0"));
        Assert.Equal("VALUE v", line.Ask("GET key1"));
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void Without_descriptors_new_connections_are_closed_and_the_others_served(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release), descriptors: 40);
        var lines = new List<KvLine>();
        try
        {
            while (lines.Count <= 40)
            {
                lines.Add(server.Connect());
                if (lines[^1].Ask("PING") != "PONG") Assert.Fail("no answer");
            }
        }
        catch (Exception e) when (e is EndOfStreamException or System.Net.Sockets.SocketException) { /* refused */ }
        Assert.InRange(lines.Count, 20, 40);
        Assert.Equal("PONG", lines[0].Ask("PING"));
        Assert.Contains("a connection is refused: too many are open", server.Log);
        foreach (KvLine line in lines) line.Dispose();
        Host.Until(() => KvClient.Answers(server.Port), "there is room again");
    }
}
