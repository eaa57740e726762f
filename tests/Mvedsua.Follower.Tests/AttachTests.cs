using System.Net.Sockets;

namespace Mvedsua.Follower.Tests;

/// <summary>A follower that is attached while threads wait, or are about to end: tests/native/follower/waiters.c.</summary>
public sealed class AttachTests : ServerTests
{
    /// <summary>Which of several waiters a signal reaches is the kernel's choice, in the leader and in a copy of it.</summary>
    [Fact]
    public void Condition_waits_begun_before_the_follower_end_in_it_as_in_the_leader()
    {
        using Client client = StartWaiters(16, out RedisUnderMvedsua server);
        for (int round = 0; round < 12 * Host.Rounds; round++)
        {
            server.Follow();
            client.Say("s 1");
            server.InStep();
            client.Say("b 8");
            client.Say("s 8");
            server.InStep();
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
    }

    [Fact]
    public void Condition_waits_begun_before_the_follower_go_on_after_a_failover()
    {
        using Client client = StartWaiters(16, out RedisUnderMvedsua server);
        server.Follow();
        client.Say("s 1");
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        client.Say("s 16");
        client.Say("b 16");
        server.Follow();
        client.Say("b 16");
        server.InStep();
    }

    /// <summary>The more threads, the more of them are kicked again while they park.</summary>
    [Fact]
    public void No_thread_parks_in_the_follower()
    {
        using Client client = StartWaiters(60, out RedisUnderMvedsua server);
        for (int round = 0; round < 12 * Host.Rounds; round++)
        {
            server.Follow();
            client.Say("b 60");
            server.InStep();
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
    }

    /// <summary>A thread that is ending is not copied, so its end must be over before the copy is made: who joins it in the copy
    /// would wait for good. A debugger holds the thread where the kernel has begun to end it.</summary>
    [Fact]
    public void A_thread_that_is_ending_is_gone_before_the_follower_is_made()
    {
        using Client client = StartWaiters(2, out RedisUnderMvedsua server);
        int leaver = Directory.EnumerateDirectories($"/proc/{server.LeaderPid}/task")
            .Where(task => File.ReadAllText(Path.Combine(task, "comm")) == "leaver\n").Select(task => int.Parse(Path.GetFileName(task))).Single();
        using FileStream memory = server.Memory();
        Tracee.Call(Tracee.SEIZE, leaver, Tracee.O_TRACEEXIT);
        client.Write("l");
        Tracee.Wait(leaver);
        FollowWhile(server, () => Stage(memory) == Attaching, () => Tracee.Call(Tracee.DETACH, leaver, 0));
        client.Read();
        server.InStep();
        client.Say("b 2");
        server.InStep();
    }

    /// <summary>What libc still has to do for a new thread must not be done for it in the follower: a second time is an error. A
    /// debugger holds the thread where libc's code begins.</summary>
    [Fact]
    public void A_thread_that_has_only_begun_begins_in_the_follower_too()
    {
        using Client client = StartWaiters(2, out RedisUnderMvedsua server);
        int leader = server.LeaderPid;
        Tracee.Call(Tracee.SEIZE, leader, Tracee.O_TRACECLONE);
        client.Write("n");
        Tracee.Wait(leader);
        int begun = Tracee.NewThread(leader);
        Tracee.Wait(begun);
        Tracee.Call(Tracee.DETACH, leader, 0);
        (ulong Start, ulong End) libc = ExecutableRange(leader, "libc.so.6"), shim = ExecutableRange(leader, "libmvedsua.so");
        ulong at = 0;
        for (bool shimSeen = false; !shimSeen || at < libc.Start || at >= libc.End; shimSeen |= at >= shim.Start && at < shim.End)
        {
            Tracee.Call(Tracee.SINGLESTEP, begun, 0);
            Tracee.Wait(begun);
            at = Tracee.InstructionPointer(begun);
        }
        FollowWhile(server, () => HasPendingKick(leader, begun), () => Tracee.Call(Tracee.DETACH, begun, 0));
        client.Read();
        server.InStep();
        client.Say("b 2");
        server.InStep();
    }

    /// <summary>Asks for a follower, and lets the thread that is held go on when the request has come as far as that.</summary>
    private static void FollowWhile(RedisUnderMvedsua server, Func<bool> far, Action release)
    {
        Host.Result? followed = null;
        var follow = new Thread(() => followed = server.Mvedsua("follow", RedisUnderMvedsua.Name));
        follow.Start();
        Host.Until(() => followed is not null || far(), "the follower is being made");
        release();
        follow.Join();
        Assert.True(followed!.Status == 0, followed.Errors);
    }

    private static bool HasPendingKick(int pid, int tid) =>
        File.ReadLines($"/proc/{pid}/task/{tid}/status").First(line => line.StartsWith("SigPnd:", StringComparison.Ordinal)) is var line
        && (Convert.ToUInt64(line[7..].Trim(), 16) >> (SIGSYS - 1) & 1) != 0;

    private static (ulong Start, ulong End) ExecutableRange(int pid, string file)
    {
        string line = File.ReadLines($"/proc/{pid}/maps").First(line => line.EndsWith(file, StringComparison.Ordinal) && line.Contains(" r-xp "));
        string[] ends = line.Split(' ')[0].Split('-');
        return (Convert.ToUInt64(ends[0], 16), Convert.ToUInt64(ends[1], 16));
    }

    private Client StartWaiters(int count, out RedisUnderMvedsua server)
    {
        server = Start(RedisUnderMvedsua.Mode.Solo, server: ["{folder}/waiters", $"{count}", "{port}"], prepare: OwnServer.Compile("waiters"));
        server.Answers();
        return new Client(server.Port);
    }

    private const int Attaching = 2; /* enum mv_stage */
    private const int SIGSYS = 31;

    private static int Stage(FileStream memory)
    {
        byte[] stage = new byte[4];
        memory.Position = 132; /* mv_control.stage */
        memory.ReadExactly(stage);
        return BitConverter.ToInt32(stage);
    }

    private sealed class Client : IDisposable
    {
        private readonly TcpClient _client;
        private readonly StreamReader _reader;
        private readonly StreamWriter _writer;

        internal Client(int port)
        {
            _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = 20_000 };
            _reader = new StreamReader(_client.GetStream());
            _writer = new StreamWriter(_client.GetStream()) { AutoFlush = true };
        }

        internal void Write(string line) => _writer.Write(line + "\n");
        internal void Read() => Assert.NotNull(_reader.ReadLine());

        internal void Say(string line)
        {
            Write(line);
            Read();
        }

        public void Dispose() => _client.Dispose();
    }
}
