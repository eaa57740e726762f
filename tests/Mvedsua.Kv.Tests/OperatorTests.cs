using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>How the sample server is started, told and ended.</summary>
public sealed partial class OperatorTests
{
    [Fact]
    public void It_says_where_it_listens_and_that_it_ends()
    {
        foreach (int threads in (int[])[0, 2])
        {
            using var server = new NativeServer(KvPrograms.Of("1.0"), ["--threads", $"{threads}", "--log-level", "detail"]);
            Assert.Equal($"kv 1.0 listens at 127.0.0.1, port {server.Port}", server.Said);
            using (KvLine line = server.Connect()) Assert.Equal("PONG", line.Ask("PING"));
            Host.Until(() => server.Log.Contains("connection 1 of 127.0.0.1"), "the connection is in the log");
            Host.Until(() => server.Log.Contains(": ends"), "its end is in the log");
            Assert.Equal(0, server.Terminate());
            string[] lines = server.Log.TrimEnd().Split('\n');
            Assert.Matches(Stamp(), lines[0]);
            Assert.EndsWith(" notice kv 1.0 has ended", lines[^1]);
        }
    }

    [Fact]
    public void It_listens_at_the_address_that_it_is_given()
    {
        using var server = new NativeServer(KvPrograms.Of("1.0"), ["--bind", "127.0.0.2"]);
        Assert.Contains("127.0.0.2", server.Said);
        Assert.Throws<SocketException>(() => new KvLine(server.Port));
        using var client = new TcpClient();
        client.Connect(IPAddress.Parse("127.0.0.2"), server.Port);
    }

    [Fact]
    public void Its_log_can_be_moved_away()
    {
        using var server = new NativeServer(KvPrograms.Of("1.0"), ["--report-period", "10"]);
        string old = server.LogFile + ".1";
        File.Move(server.LogFile, old);
        Host.Kill(server.Pid, Host.SIGHUP);
        Host.Until(() => File.Exists(server.LogFile), "the log file is made anew");
        using (KvLine line = server.Connect()) Assert.Equal("OK", line.Ask("PUT key value"));
        Host.Until(() => Report().IsMatch(server.Log), "the report is in the new file");
        Assert.DoesNotContain(" accepted", File.ReadAllText(old));
    }

    [Theory]
    [InlineData("--port", "65536")]
    [InlineData("--port", "x")]
    [InlineData("--threads", "1000")]
    [InlineData("--nothing", "1")]
    [InlineData("--max-line", "0")]
    [InlineData("--log-level", "loud")]
    [InlineData("--port")]
    [InlineData("7007")]
    public void A_command_line_that_it_does_not_understand_is_refused(params string[] arguments)
    {
        Host.Result result = Host.Run(Host.Root, KvPrograms.Of("1.0"), arguments);
        Assert.Equal(2, result.Status);
        Assert.StartsWith($"kv: not understood: {string.Join(' ', arguments)}", result.Errors);
        Assert.Contains("usage: kv ", result.Errors);
    }

    [Fact]
    public void What_it_cannot_have_ends_it_with_the_reason()
    {
        using var other = new NativeServer(KvPrograms.Of("1.0"));
        foreach ((string reason, string[] arguments) in ((string, string[])[])
                 [("Address already in use", ["--port", $"{other.Port}"]), ("is no address", ["--bind", "localhost.invalid"]), ("can't be opened: No such file", ["--log", "/nowhere/log"])])
        {
            Host.Result result = Host.Run(other.Folder, KvPrograms.Of("1.0"), arguments);
            Assert.Equal(1, result.Status);
            Assert.Contains(reason, result.Errors);
        }
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ notice kv 1\.0 listens at ")]
    private static partial Regex Stamp();

    [GeneratedRegex(@" notice 1 keys of 8 bytes, [01] connections, 1 accepted\n")]
    private static partial Regex Report();
}
