using System.Net.Sockets;
using System.Text;
using Mvedsua.Abi.Calls;

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

    /// <summary>An operation of tests/native/follower/operations.h, and the call in it at which the leader dies.</summary>
    public static TheoryData<string, string, string> Operations()
    {
        var data = new TheoryData<string, string, string>();
        foreach (string word in (string[])["socket", "dup", "fcntl", "eventfd2", "timerfd_create", "epoll_create1", "memfd_create", "inotify_init1", "pipe2", "socketpair"])
            Add($"make {word}", word);
        foreach (string word in (string[])["rename", "link", "symlink", "unlink", "unlinkat", "mkdir", "mknod", "rmdir"])
            Add($"name {word}", word);
        foreach (string word in (string[])["bind", "connect", "shutdown"])
            Add($"state {word}", word);
        foreach (string word in (string[])["lseek", "copy_file_range", "chdir", "umask", "ftruncate", "pwrite64"])
            Add($"move {word}", word);
        foreach (string word in (string[])["inotify_rm_watch", "inotify_add_watch"])
            Add($"repeat {word}", word);
        foreach (string kind in (string[])["stream", "datagram"])
        {
            Watched($"send {kind} vector", "writev", "sendmmsg");
            Watched($"send {kind} vector", "readv", "recvmmsg");
            Watched($"send {kind} message", "sendmsg", "sendmmsg");
            Watched($"send {kind} message", "recvmsg", "recvmmsg");
            Watched($"send {kind} flat", "sendto", "sendmmsg");
            Watched($"send {kind} flat", "recvfrom", "recvmmsg");
        }
        foreach (string word in (string[])["readv", "recvmsg", "recvfrom"]) Add($"pieces {word}", word);
        Add("new", "openat");
        Add("list", "getdents64");
        Add("close", "close", "mv_close_call");
        return data;

        void Watched(string command, string call, string made) => Add(command, call, Before.Replace("{0}", $"{CallTable.ByName(made)!.Number}"));

        void Add(string command, string call, string before = Before)
        {
            data.Add(command, call, before);
            data.Add(command, call, Made);
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void An_operation_that_a_kill_cut_short_is_done_once(string command, string call, string moment)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        string expected = line.Ask(command)!, open = line.Ask("open")!;
        Assert.NotEqual("ok", expected);
        using StoppedThread stopped = Killing(server, moment, CallTable.ByName(call)!.Number);
        line.Say(command);
        Die(server, stopped);
        Assert.Equal(expected, line.Answer());
        Assert.Equal(open, line.Ask("open"));
        Assert.Equal(expected, line.Ask(command));
        Assert.DoesNotContain("dead leader", server.Log);
    }

    /// <summary>Reads and writes are many: stopped at the one on the descriptor that the operation makes first.</summary>
    [Theory]
    [InlineData("send stream plain", 0)]
    [InlineData("send stream plain", 1)]
    [InlineData("send datagram plain", 0)]
    [InlineData("send datagram plain", 1)]
    [InlineData("count eventfd", 0)]
    [InlineData("count timerfd", 0)]
    public void A_read_or_write_that_no_counter_tells_of_is_done_once(string command, int call)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        string expected = line.Ask(command)!, open = line.Ask("open")!;
        int descriptor = int.Parse(line.Ask("make dup")!.Split(' ')[0]);
        if (call == 0 && command.StartsWith("send", StringComparison.Ordinal)) descriptor++; /* the receiving end */
        server.InStep();
        using var stopped = new StoppedThread(server.LeaderPid, $"mv_leader_complete if call == {call} && args[0] == {descriptor}");
        line.Say(command);
        Die(server, stopped);
        Assert.Equal(expected, line.Answer());
        Assert.Equal(open, line.Ask("open"));
        Assert.DoesNotContain("dead leader", server.Log);
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
