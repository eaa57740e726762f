namespace Mvedsua.Follower.Tests;

/// <summary>A server that changes its user, groups, capabilities, session or process group: tests/native/follower/identity.c.
/// Its follower becomes the same, and what it needs of the dead leader it gets also without privileges.</summary>
public sealed class IdentityTests : MomentServers
{
    private const string User = "user 65534";

    [Theory]
    [InlineData("groups 12", "personality 262144", "umask 18", User)]
    [InlineData("effective 65534", "effective 0", "groups 5", "capabilities 0")]
    [InlineData("session", "signal 0", User, "signal 0")]
    [InlineData("group", "signal 0", User, "signal 0")]
    public void What_a_server_becomes_its_follower_becomes_too(params string[] commands)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become somebody else");
        List<string> Told(RedisUnderMvedsua.Mode mode, Action<RedisUnderMvedsua> between)
        {
            RedisUnderMvedsua server = StartServer("identity", mode);
            using var line = new Line(server);
            List<string> told = [line.Ask("tell")!];
            foreach (string command in commands) told.Add(line.Ask(command)!);
            between(server);
            told.Add(line.Ask("signal 0")!);
            told.Add(line.Ask("tell")!);
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native, _ => { });
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo, _ => { }));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed, server =>
        {
            server.InStep();
            Assert.Equal(Kernel(server.LeaderPid), Kernel(server.FollowerPid));
            for (int generation = 0; generation < 2; generation++)
            {
                int leader = server.LeaderPid;
                string before = Kernel(leader);
                Host.Kill(leader, Host.SIGKILL);
                Assert.Equal(before, Kernel(server.PromotedFrom(leader)));
                server.Follow();
            }
        }));
    }

    [Fact]
    public void Threads_are_told_of_a_new_user_in_the_follower_too()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become somebody else");
        RedisUnderMvedsua server = StartServer("identity", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        line.Ask("threads 3");
        server.InStep();
        string told = line.Ask(User)!;
        Assert.StartsWith("0 uid 65534", told);
        server.InStep();
        foreach (int pid in (int[])[server.LeaderPid, server.FollowerPid])
            Assert.All(Directory.EnumerateDirectories($"/proc/{pid}/task"), task => Assert.Contains("Uid:\t65534\t65534\t65534\t65534", File.ReadAllText($"{task}/status")));
        server.Mvedsua("unfollow", RedisUnderMvedsua.Name);
        server.Follow();
        int leader = server.LeaderPid;
        Assert.All(Directory.EnumerateDirectories($"/proc/{server.FollowerPid}/task"), task => Assert.Contains("Uid:\t65534\t65534\t65534\t65534", File.ReadAllText($"{task}/status")));
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Equal(told, line.Ask("tell"));
    }

    /* libc's handler asks whether its own process sent the signal. */
    [Fact]
    public void Threads_are_told_of_a_new_user_in_a_promoted_process()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become somebody else");
        RedisUnderMvedsua server = StartServer("identity", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        line.Ask("threads 3");
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        leader = server.PromotedFrom(leader);
        Assert.StartsWith("0 uid 65534", line.Ask(User));
        Assert.All(Directory.EnumerateDirectories($"/proc/{leader}/task"), task => Assert.Contains("Uid:\t65534\t65534\t65534\t65534", File.ReadAllText($"{task}/status")));
        server.Follow();
        Assert.StartsWith("0 uid 65534", line.Ask("tell"));
        server.InStep();
    }

    /* What the dead leader had read lies in memory that a follower without privileges may not read: its keeper does. */
    [Fact]
    public void A_request_that_was_read_and_not_published_is_not_lost_by_a_server_without_privileges()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become somebody else");
        RedisUnderMvedsua server = StartServer("identity", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        string told = line.Ask(User)!;
        for (int generation = 0; generation < 2; generation++)
        {
            server.InStep();
            int leader = server.LeaderPid;
            using var stopped = new StoppedThread(leader, "mv_leader_complete if call == 0");
            line.Say("tell");
            stopped.Reached();
            stopped.Kill(leader);
            server.PromotedFrom(leader);
            Assert.Equal(told, line.Answer());
            Assert.Equal(told, line.Ask("tell"));
            Assert.DoesNotContain("can't be settled", server.Log);
            server.Follow(); /* now with a keeper that has no privileges either */
        }
    }

    /// <summary>User, groups, capabilities and the like, as the kernel has them.</summary>
    private static string Kernel(int pid) => string.Join('\n', File.ReadLines($"/proc/{pid}/status")
        .Where(l => l.StartsWith("Uid", StringComparison.Ordinal) || l.StartsWith("Gid", StringComparison.Ordinal) || l.StartsWith("Groups", StringComparison.Ordinal)
            || l.StartsWith("Cap", StringComparison.Ordinal) || l.StartsWith("Umask", StringComparison.Ordinal))
        .Append(File.ReadAllText($"/proc/{pid}/personality")));
}
