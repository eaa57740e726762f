using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>The broken releases break as they are named, and not before: natively.</summary>
public sealed class BrokenTests
{
    private const string Request = "TTL key";

    private static NativeServer Start(string broken, out KvLine line)
    {
        var server = new NativeServer(KvPrograms.Of(broken));
        line = server.Connect();
        Assert.Equal("OK", line.Ask("PUT key value"));
        Assert.Equal("VALUE value", line.Ask("GET key"));
        return server;
    }

    [Theory]
    [InlineData("crash", 128 + Host.SIGSEGV)]
    [InlineData("overflow", 128 + Host.SIGSEGV)]
    [InlineData("heap", 128 + Host.SIGABRT)]
    [InlineData("exit", 3)]
    public void It_ends_at_the_request(string fault, int status)
    {
        foreach (string release in (string[])["1.1", "2.0"])
        {
            using NativeServer server = Start($"{release}-{fault}", out KvLine line);
            using (line) line.Send(Request + "\n");
            Assert.Equal(status, server.Status());
        }
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void One_that_hangs_computes_and_answers_nobody(string release)
    {
        using NativeServer server = Start($"{release}-hang", out KvLine line);
        using KvLine other = server.Connect();
        Assert.Equal("PONG", other.Ask("PING"));
        TimeSpan Time() => System.Diagnostics.Process.GetProcessById(server.Pid).TotalProcessorTime;
        TimeSpan before = Time();
        line.Send(Request + "\n");
        Host.Until(() => Time() - before > TimeSpan.FromMilliseconds(200), "it computes");
        other.Send("PING\n");
        Host.Until(() => Time() - before > TimeSpan.FromMilliseconds(400), "it still does");
        Assert.Equal(0, line.Socket.Available);
        Assert.Equal(0, other.Socket.Available);
        line.Dispose();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void One_byte_is_wrong_once(string release)
    {
        using NativeServer server = Start($"{release}-byte", out KvLine line);
        var wrong = new List<(int Number, string Answer)>();
        for (int number = 3; number <= 300; number++)
            if (line.Ask("GET key") is var answer && answer != "VALUE value") wrong.Add((number, answer));
        Assert.Equal([(100, "VALUE valud")], wrong.Select(one => (one.Number, one.Answer)));
        line.Dispose();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void It_writes_its_requests_to_a_file_on_the_side(string release)
    {
        using NativeServer server = Start($"{release}-file", out KvLine line);
        Assert.Equal("PUT key valueGET key", File.ReadAllText(Path.Combine(server.Folder, "side.txt")));
        line.Dispose();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void It_writes_to_memory_that_is_freed(string release)
    {
        using var server = new NativeServer(KvPrograms.Sanitized($"kv-{release}-freed"));
        using KvLine line = server.Connect();
        Assert.Equal("NONE", line.Ask(Request));
        line.Send(Request + "\n");
        Assert.NotEqual(0, server.Status());
        Assert.Contains("heap-use-after-free", server.Errors);
        Assert.Contains("in command_run", server.Errors);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void One_that_forgets_halves_of_requests_is_sound_when_there_are_none(string release)
    {
        using NativeServer server = Start($"{release}-half", out KvLine line);
        line.Send("GET k");
        using KvLine other = server.Connect();
        Assert.Equal("PONG", other.Ask("PING"));
        line.Send("ey\n");
        Assert.Equal("VALUE value", line.Read());
        line.Dispose();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void It_never_comes_to_its_loop(string release)
    {
        using var server = new NativeServer(KvPrograms.Of($"{release}-ignore"));
        using KvLine line = server.Connect(); /* by the kernel alone */
        line.Send("PING\n");
        Host.Until(() => File.ReadAllText($"/proc/{server.Pid}/syscall").StartsWith("34 ", StringComparison.Ordinal), "it waits in pause()");
        Assert.Equal(0, line.Socket.Available);
    }
}
