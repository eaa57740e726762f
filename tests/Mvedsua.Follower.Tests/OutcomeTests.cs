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
        foreach (string word in (string[])["lseek", "splice", "copy_file_range", "chdir", "umask", "ftruncate", "pwrite64"])
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
        Watched("send pipe vector", "writev", "io_submit");
        Watched("send pipe vector", "readv", "io_submit");
        foreach (string word in (string[])["readv", "recvmsg", "recvfrom", "sendfile"]) Add($"pieces {word}", word);
        foreach (string kind in (string[])["stream", "datagram"])
            foreach (string word in (string[])["sendmmsg", "recvmmsg"])
                Add($"batch {kind}", word);
        foreach (string word in (string[])["wait4", "waitid"])
            Watched($"wait {word}", word, "waitid");
        Add("make unnamed", "openat");
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
    [InlineData("send pipe plain", 0)]
    [InlineData("send pipe plain", 1)]
    [InlineData("count eventfd", 0)]
    [InlineData("count eventfd", 1)]
    [InlineData("count timerfd", 0)]
    [InlineData("events", 0)]
    public void A_read_or_write_that_no_counter_tells_of_is_done_once(string command, int call)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        string expected = line.Ask(command)!, open = line.Ask("open")!;
        int descriptor = int.Parse(line.Ask("make dup")!.Split(' ')[0]);
        if (call == (command.Contains("pipe", StringComparison.Ordinal) ? 1 : 0) && command.StartsWith("send", StringComparison.Ordinal))
            descriptor++; /* of a pair of sockets the receiving end, of a pipe the other */
        server.InStep();
        using var stopped = new StoppedThread(server.LeaderPid, $"mv_leader_complete if call == {call} && args[0] == {descriptor}");
        line.Say(command);
        Die(server, stopped);
        Assert.Equal(expected, line.Answer());
        Assert.Equal(open, line.Ask("open"));
        Assert.DoesNotContain("dead leader", server.Log);
    }

    /// <summary>Two numbers for the connection, from before there was a follower.</summary>
    [Theory]
    [InlineData(Before)]
    [InlineData(Made)]
    public void An_answer_by_a_duplicate_older_than_the_follower_is_sent_once(string moment)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Solo);
        using var line = new Line(server);
        Assert.Equal("1", line.Ask("twin"));
        server.Follow();
        Assert.Equal("ok", line.Ask("read"));
        using StoppedThread stopped = Killing(server, moment, 1);
        line.Say("read");
        Die(server, stopped);
        Assert.Equal("ok", line.Answer());
        Assert.Equal("1", line.Ask("twin"));
        Assert.DoesNotContain("can't be settled", server.Log);
    }

    /// <summary>A forked child wrote to the same connection: the kernel's counters are no account of the leader's any more.</summary>
    [Theory]
    [InlineData("mv_interruptible_check if $rax == 307")]
    [InlineData("mv_leader_complete if call == 1")]
    public void An_answer_on_a_connection_that_a_child_writes_to_is_sent_once(string moment)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("child", line.Ask("child"));
            Assert.Equal("parent 1", line.Answer());
        }

        server.InStep();
        using var stopped = new StoppedThread(server.LeaderPid, moment);
        line.Say("child");
        Die(server, stopped);
        Assert.Equal("child", line.Answer());
        Assert.Equal("parent 1", line.Answer());
        Assert.Equal("ok", line.Ask("read"));
        Assert.DoesNotContain("dead leader", server.Log);
    }

    [Fact]
    public void A_write_of_which_a_kill_left_a_part_goes_on_with_the_rest()
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        line.Say("much send");
        DieInCall(server, 1);
        const int Size = 40 * 400_000;
        Assert.Equal(Much(Size) + $"{Size} 0", line.Answer());
        Assert.Equal("ok", line.Ask("read"));
        Assert.DoesNotContain("dead leader", server.Log);
    }

    [Fact]
    public void A_read_of_all_of_which_a_kill_left_a_part_goes_on_with_the_rest()
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        string bytes = Much(400_000);
        line.Say("much receive");
        line.Put(bytes[..100_000]);
        DieInCall(server, 45);
        line.Put(bytes[100_000..]);
        line.Say("read");
        Assert.Equal("400000 0", line.Answer());
        Assert.Equal("ok", line.Answer());
        Assert.DoesNotContain("dead leader", server.Log);
    }

    [Fact]
    public void A_write_to_a_pipe_of_which_a_kill_left_a_part_goes_on_with_the_rest()
    {
        using var collector = new Collector();
        RedisUnderMvedsua server = StartCollected(collector);
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        collector.Pauses();
        line.Say("much pipe");
        DieInCall(server, 1);
        collector.GoesOn();
        Assert.Equal("400000 0", line.Answer());
        Host.Until(() => collector.Text.Length == 400_000, "all is collected");
        Assert.Equal(Much(400_000), collector.Text);
        Assert.DoesNotContain("dead leader", server.Log);
    }

    /// <summary>The kernel ends a killed thread's call on a file between two pages.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_read_or_write_of_a_file_of_which_a_kill_left_a_part_goes_on_with_the_rest(int call)
    {
        const int Size = 40 * 400_000;
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal($"{Size} {Size} 0", line.Ask("much file"));
        server.InStep();
        using var stopped = new StoppedThread(server.LeaderPid, $"mv_interruptible_check if $rax == {call} && $rdx == {Size}");
        line.Say("much file");
        stopped.Reached();
        stopped.Sets("rdx", 1234 * 4096);
        stopped.GoesOnTo($"mv_leader_complete if call == {call}");
        Die(server, stopped);
        Assert.Equal($"{Size} {Size} 0", line.Answer());
        Assert.Equal(Much(Size), File.ReadAllText(Path.Combine(server.Folder, "much")));
        Assert.DoesNotContain("dead leader", server.Log);
    }

    [Fact]
    public void A_write_of_a_file_that_a_kill_finds_half_done_is_whole()
    {
        const int Size = 40 * 400_000;
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        var file = new FileInfo(Path.Combine(server.Folder, "much"));
        for (int i = 0; i < 5; i++)
        {
            file.Delete();
            server.InStep();
            line.Say("much file");
            Host.Until(() => { file.Refresh(); return file is { Exists: true, Length: > 0 }; }, "the leader writes");
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            Assert.Equal($"{Size} {Size} 0", line.Answer());
            Assert.Equal(Much(Size), File.ReadAllText(file.FullName));
            server.Follow();
        }
    }

    [Fact]
    public void Two_threads_that_a_kill_finds_in_calls_are_both_settled()
    {
        using var collector = new Collector();
        RedisUnderMvedsua server = StartCollected(collector);
        using var line = new Line(server);
        string[] numbers = line.Ask("numbers")!.Split(' ');
        Assert.Equal("5 5", line.Ask("both"));
        server.InStep();
        using var stopped = new StoppedThread(server.LeaderPid, $"mv_leader_complete if call == 1 && args[0] == {numbers[0]}");
        stopped.AlsoAt($"mv_leader_complete if call == 1 && args[0] == {numbers[1]}");
        line.Say("both");
        stopped.Reached(2);
        Die(server, stopped);
        Assert.Equal("5 5", line.Answer());
        Assert.Equal("both\nboth\n", File.ReadAllText(Path.Combine(server.Folder, "journal")));
        Host.Until(() => collector.Text == "both\nboth\n", "both lines are collected");
        Assert.DoesNotContain("dead leader", server.Log);
    }

    [Theory]
    [InlineData("mv_attend if ((struct mv_thread *)(frame + 1))->attention & 1")]
    [InlineData("mv_leader_signal")]
    public void A_signal_that_had_arrived_in_a_killed_leader_is_handled_by_the_next(string moment)
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal("0", line.Ask("signals"));
        server.InStep();
        using var stopped = new StoppedThread(server.LeaderPid, moment);
        Host.Kill(server.CoordinatorPid, Host.SIGUSR1);
        Die(server, stopped);
        Host.Until(() => line.Ask("signals") == "1", "the signal is handled");
        Assert.Equal("1", line.Ask("signals"));
    }

    [Fact]
    public void A_signal_that_waited_blocked_in_a_killed_leader_is_sent_to_the_next()
    {
        RedisUnderMvedsua server = StartServer("outcomes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal("0", line.Ask("hold"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(server.CoordinatorPid, Host.SIGUSR1);
        Host.Until(() => File.ReadLines($"/proc/{leader}/status").Any(l => l == "ShdPnd:\t0000000000000200"), "the signal is pending");
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Equal("0", line.Ask("signals"));
        Assert.Equal("0", line.Ask("let"));
        Host.Until(() => line.Ask("signals") == "1", "the signal is handled");
        Assert.Equal("1", line.Ask("signals"));
    }

    private static string Much(int size) => string.Create(size, 0, (text, _) => { for (int i = 0; i < size; i++) text[i] = (char)('a' + i % 23); });

    private RedisUnderMvedsua StartCollected(Collector collector)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Followed, server: OwnServer.Command("outcomes"), prepare: collector.Prepare);
        server.Answers();
        return server;
    }

    /// <summary>Kills the leader once its main thread waits in that call.</summary>
    private static void DieInCall(RedisUnderMvedsua server, int call)
    {
        int leader = server.LeaderPid;
        Host.Until(() => File.ReadAllText($"/proc/{leader}/stat").Split(' ')[2] == "S" && File.ReadAllText($"/proc/{leader}/syscall").Split(' ')[0] is var number &&
            (number == $"{call}" || number == "209"), "the call waits");
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
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
