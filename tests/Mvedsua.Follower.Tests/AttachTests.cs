using System.Net.Sockets;

namespace Mvedsua.Follower.Tests;

/// <summary>A follower that is attached while threads wait, or are about to end: tests/native/follower/waiters.c.</summary>
public sealed class AttachTests : ServerTests
{
    /// <summary>Which of several waiters a signal reaches is the kernel's choice, in the leader and in a copy of it.</summary>
    [Fact]
    public void Condition_waits_begun_before_the_follower_end_in_it_as_in_the_leader()
    {
        using Line client = StartWaiters(16, out RedisUnderMvedsua server);
        for (int round = 0; round < 12 * Host.Rounds; round++)
        {
            server.Follow();
            Assert.NotNull(client.Ask("s 1"));
            server.InStep();
            Assert.NotNull(client.Ask("b 8"));
            Assert.NotNull(client.Ask("s 8"));
            server.InStep();
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
    }

    [Fact]
    public void Condition_waits_begun_before_the_follower_go_on_after_a_failover()
    {
        using Line client = StartWaiters(16, out RedisUnderMvedsua server);
        server.Follow();
        Assert.NotNull(client.Ask("s 1"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.NotNull(client.Ask("s 16"));
        Assert.NotNull(client.Ask("b 16"));
        server.Follow();
        Assert.NotNull(client.Ask("b 16"));
        server.InStep();
    }

    /// <summary>The more threads, the more of them are kicked again while they park.</summary>
    [Fact]
    public void No_thread_parks_in_the_follower()
    {
        using Line client = StartWaiters(60, out RedisUnderMvedsua server);
        for (int round = 0; round < 12 * Host.Rounds; round++)
        {
            server.Follow();
            Assert.NotNull(client.Ask("b 60"));
            server.InStep();
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
    }

    /// <summary>A thread that is ending is not copied, so its end must be over before the copy is made: who joins it in the copy
    /// would wait for good. A debugger holds the thread where the kernel has begun to end it.</summary>
    [Fact]
    public void A_thread_that_is_ending_is_gone_before_the_follower_is_made()
    {
        using Line client = StartWaiters(2, out RedisUnderMvedsua server);
        int leaver = Leaver(server);
        using FileStream memory = server.Memory();
        Tracee.Call(Tracee.SEIZE, leaver, Tracee.O_TRACEEXIT);
        client.Say("l");
        Tracee.Wait(leaver);
        FollowWhile(server, () => Stage(memory) == Attaching, () => Tracee.Call(Tracee.DETACH, leaver, 0));
        Assert.NotNull(client.Answer());
        server.InStep();
        Assert.NotNull(client.Ask("b 2"));
        server.InStep();
    }

    /// <summary>What libc still has to do for a new thread must not be done for it in the follower: a second time is an error. A
    /// debugger holds the thread where libc's code begins.</summary>
    [Fact]
    public void A_thread_that_has_only_begun_begins_in_the_follower_too()
    {
        using Line client = StartWaiters(2, out RedisUnderMvedsua server);
        int leader = server.LeaderPid;
        Tracee.Call(Tracee.SEIZE, leader, Tracee.O_TRACECLONE);
        client.Say("n");
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
        FollowWhile(server, () => Tracee.HasPendingKick(leader, begun), () => Tracee.Call(Tracee.DETACH, begun, 0));
        Assert.NotNull(client.Answer());
        server.InStep();
        Assert.NotNull(client.Ask("b 2"));
        server.InStep();
    }

    /// <summary>The kernel keeps one SIGSYS for a thread: what a second one was sent for must be done by the first. A debugger
    /// holds the thread with a kick to park pending as it is to be armed against code that can't be scanned.</summary>
    [Fact]
    public void A_kick_that_finds_another_one_pending_is_not_lost()
    {
        using Line client = StartWaiters(2, out RedisUnderMvedsua server);
        int leader = server.LeaderPid, leaver = Leaver(server);
        Tracee.Stop(leaver);
        Tracee.Kick(leader, leaver, KickPark);
        Assert.NotNull(client.Ask("x"));
        Assert.True(Tracee.HasPendingKick(leader, leaver));
        Tracee.Call(Tracee.DETACH, leaver, 0);
        Host.Until(() => !Tracee.HasPendingKick(leader, leaver), "the kick is delivered");
        Tracee.Stop(leaver);
        Assert.True(Tracee.IsDispatched(leaver), "Syscall User Dispatch watches the thread");
        Tracee.Call(Tracee.DETACH, leaver, 0);
    }

    private static int Leaver(RedisUnderMvedsua server) => Tracee.Named(server.LeaderPid, "leaver");

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

    private static (ulong Start, ulong End) ExecutableRange(int pid, string file)
    {
        string line = File.ReadLines($"/proc/{pid}/maps").First(line => line.EndsWith(file, StringComparison.Ordinal) && line.Contains(" r-xp "));
        string[] ends = line.Split(' ')[0].Split('-');
        return (Convert.ToUInt64(ends[0], 16), Convert.ToUInt64(ends[1], 16));
    }

    private Line StartWaiters(int count, out RedisUnderMvedsua server)
    {
        server = Start(RedisUnderMvedsua.Mode.Solo, server: ["{folder}/waiters", $"{count}", "{port}"], prepare: OwnServer.Compile("waiters"));
        server.Answers();
        return new Line(server);
    }

    /// <summary>A leader that has died, and been waited for, before anybody knows: the kick reaches nobody, and whoever leads next finds
    /// the request all the same. Refused to whoever asked, it would be carried out behind his back.</summary>
    [Fact]
    public void A_follower_that_is_asked_for_as_the_leader_dies_is_made_once()
    {
        RedisUnderMvedsua server = Start();
        server.Answers();
        for (int round = 0; round < 10 * Host.Rounds; round++)
        {
            server.InStep();
            int leader = server.LeaderPid, follower = server.FollowerPid;
            using var control = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            control.Connect(new UnixDomainSocketEndPoint(Path.Combine(server.Folder, "mvedsua", RedisUnderMvedsua.Name, "control.sock")));
            Host.Kill(server.CoordinatorPid, Host.SIGSTOP); /* the request and the death find it at once … */
            Host.Kill(follower, Host.SIGSTOP); /* … and nobody leads yet */
            try
            {
                control.Send("{\"verb\":\"follow\",\"protocol\":2}\n"u8);
                Host.Kill(leader, Host.SIGKILL);
                Host.Until(() => !Host.IsAlive(leader), "it is dead");
                Host.Kill(server.CoordinatorPid, Host.SIGCONT);
                Host.Until(() => !Directory.Exists($"/proc/{leader}"), "it has been waited for");
            }
            finally
            {
                Host.Kill(server.CoordinatorPid, Host.SIGCONT);
                Host.Kill(follower, Host.SIGCONT);
            }
            using var reader = new StreamReader(new NetworkStream(control));
            string reply = reader.ReadLine()!;
            server.PromotedFrom(leader);
            if (!reply.Contains("\"ok\":true", StringComparison.Ordinal)) server.Follow();
            Assert.True(server.Status().GetProperty("followers").GetArrayLength() == 1, $"round {round}: {server.Status()}\nafter {reply}");
        }
    }

    private static int Word(FileStream memory, int offset)
    {
        byte[] word = new byte[4];
        memory.Position = offset;
        memory.ReadExactly(word);
        return BitConverter.ToInt32(word);
    }

    private const int Attaching = 2; /* enum mv_stage */
    private const int KickPark = 0x4d764b50; /* MV_KICK_PARK */

    private static int Stage(FileStream memory) => Word(memory, 132); /* mv_control.stage */
}
