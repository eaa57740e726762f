using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>A leader that is killed in the middle of a call: whether it was made or not, to the outside it is made once
/// (tests/native/follower/outcomes.c; how each call is settled: docs/failover.md).</summary>
public sealed class OutcomeTests : MomentServers
{
    private const string Before = "mv_interruptible_check if $rax == {0}", Made = "mv_leader_complete if call == {0}";

    [Theory]
    [InlineData(Before)]
    [InlineData(Made)]
    public void A_connection_that_a_killed_leader_was_accepting_is_served(string moment)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var first = new Line(server);
        string open = first.Ask("open")!;
        using StoppedThread stopped = Killing(server, moment, 288);
        using var line = new Line(server);
        line.Say("who");
        Die(server, stopped);
        Assert.Equal($"{line.Port}", line.Answer());
        Assert.Equal("ok", first.Ask("read"));
        Assert.Equal($"{int.Parse(open) + 1}", line.Ask("open"));
        using var next = new Line(server);
        Assert.Equal($"{next.Port}", next.Ask("who"));
        Assert.DoesNotContain("can't be settled", server.Log);
    }

    [Theory]
    [InlineData(Before)]
    [InlineData(Made)]
    public void A_connection_to_a_unix_socket_that_a_killed_leader_was_accepting_is_served(string moment)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var first = new Line(server);
        Assert.Equal("ok", first.Ask("read"));
        using StoppedThread stopped = Killing(server, moment, 288);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        client.Connect(new UnixDomainSocketEndPoint(Path.Combine(server.Folder, "socket")));
        Die(server, stopped);
        client.Send("read\n"u8);
        byte[] answer = new byte[8];
        Assert.Equal("ok\n", Encoding.ASCII.GetString(answer, 0, client.Receive(answer)));
    }

    [Fact]
    public void A_connection_that_was_reset_before_its_settlement_disturbs_nobody()
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var first = new Line(server);
        string open = first.Ask("open")!;
        using StoppedThread stopped = Killing(server, Made, 288);
        using (var client = new TcpClient("127.0.0.1", server.Port) { LingerState = new LingerOption(true, 0) }) stopped.Reached();
        Die(server, stopped);
        Host.Until(() => first.Ask("open") == open, "the connection is closed");
    }

    private static StoppedThread Killing(RedisUnderMvedsua server, string moment, int call)
    {
        server.InStep();
        return new StoppedThread(server.LeaderPid, string.Format(System.Globalization.CultureInfo.InvariantCulture, moment, call));
    }

    private static void Die(RedisUnderMvedsua server, StoppedThread stopped)
    {
        int leader = server.LeaderPid;
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
    }
}
