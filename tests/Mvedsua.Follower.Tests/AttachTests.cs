using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mvedsua.Follower.Tests;

/// <summary>A follower that is attached while threads wait, or are about to end: tests/native/follower/waiters.c.</summary>
public sealed partial class AttachTests : ServerTests
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
        Trace(PTRACE_SEIZE, leaver, PTRACE_O_TRACEEXIT);
        client.Write("l");
        Assert.Equal(leaver, Wait(leaver, out _, __WALL, 0));
        Host.Result? followed = null;
        var follow = new Thread(() => followed = server.Mvedsua("follow", RedisUnderMvedsua.Name));
        follow.Start();
        Host.Until(() => followed is not null || Stage(memory) == Attaching, "the follower is being made");
        Trace(PTRACE_DETACH, leaver, 0);
        client.Read();
        follow.Join();
        Assert.True(followed!.Status == 0, followed.Errors);
        server.InStep();
        client.Say("b 2");
        server.InStep();
    }

    private Client StartWaiters(int count, out RedisUnderMvedsua server)
    {
        server = Start(RedisUnderMvedsua.Mode.Solo, server: ["{folder}/waiters", $"{count}", "{port}"], prepare: OwnServer.Compile("waiters"));
        server.Answers();
        return new Client(server.Port);
    }

    private const int Attaching = 2; /* enum mv_stage */

    private static int Stage(FileStream memory)
    {
        byte[] stage = new byte[4];
        memory.Position = 132; /* mv_control.stage */
        memory.ReadExactly(stage);
        return BitConverter.ToInt32(stage);
    }

    private const int PTRACE_DETACH = 17, PTRACE_SEIZE = 0x4206, PTRACE_O_TRACEEXIT = 0x40, __WALL = 0x40000000;

    /// <summary>All calls for one tracee must come from one thread: the test's own.</summary>
    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint TraceCall(nint request, int tid, nint address, nint data);

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int Wait(int tid, out int status, int options, nint usage);

    private static void Trace(nint request, int tid, nint data) =>
        Assert.True(TraceCall(request, tid, 0, data) == 0, $"ptrace({request:x}): errno {Marshal.GetLastPInvokeError()}");

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
