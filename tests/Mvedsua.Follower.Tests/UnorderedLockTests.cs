namespace Mvedsua.Follower.Tests;

/// <summary>Locks whose order is not replayed, held over calls that are: tests/native/follower/unordered.c.</summary>
public sealed class UnorderedLockTests : MomentServers
{
    /// <summary>The follower's thread that has the lock waits for a call that its dead leader's never made; the one whose leader had it waits for
    /// the lock. A debugger holds that one until the other has it.</summary>
    [Fact]
    public void Threads_that_wait_for_each_other_in_another_order_than_in_the_dead_leader_do_not_hold_up_the_takeover()
    {
        RedisUnderMvedsua server = StartServer("unordered", RedisUnderMvedsua.Mode.Followed);
        using var first = new Line(server);
        using var second = new Line(server);
        using var third = new Line(server);
        Assert.Equal("ok", first.Ask("name first"));
        Assert.Equal("ok", second.Ask("name second"));
        Assert.Equal("ok", third.Ask("name third"));
        server.InStep();
        int leader = server.LeaderPid, follower = server.FollowerPid, slow = Tracee.Named(follower, "first");
        Tracee.Stop(slow);
        Assert.Equal("held", first.Ask("hold"));
        second.Say("take"); /* its leader's thread waits for the lock; its own has it */
        Host.Until(() => IsInFutex(leader, "second"), "the leader's thread waits for the lock");
        Host.Kill(leader, Host.SIGKILL);
        Tracee.Call(Tracee.DETACH, slow, 0);
        Assert.Equal(follower, server.PromotedFrom(leader));
        Assert.Equal("taken", second.Answer());
        Assert.Null(first.Answer()); /* shut down, by name: it would be told twice */
        Assert.Contains("is shut down", server.Log);
        Assert.Contains("wait for each other", server.Log);
        Assert.Equal("taken", third.Ask("take"));
        server.Follow();
        Assert.Equal("taken", third.Ask("take"));
        server.InStep();
    }

    private static bool IsInFutex(int pid, string thread)
    {
        string call = File.ReadAllText($"/proc/{pid}/task/{Tracee.Named(pid, thread)}/syscall");
        return call.StartsWith("202 ", StringComparison.Ordinal);
    }
}
