namespace Mvedsua.Follower.Tests;

public sealed class EndedProcessTests : ServerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_leader_serves_on_when_the_follower_dies(bool crash)
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start();
            using var load = new CheckedLoad(server, 10);
            load.More(500);
            int leader = server.LeaderPid, follower = server.FollowerPid;
            if (crash) Host.Run(server.Folder, "gdb", "-q", "-batch", "-p", $"{follower}", "-ex", "set $rip = 16");
            else Host.Kill(follower, Host.SIGKILL);
            Assert.Contains(crash ? "signal 11" : "killed", server.FollowerEnded());
            load.More(1000);
            Assert.Equal(leader, server.LeaderPid);
            server.Follow();
            load.More(500);
            load.Finish();
            server.InStep();
        }
    }

    /// <summary>What could break it: the session's file does not know yet of the follower that leads now.</summary>
    [Fact]
    public void A_session_is_found_whose_coordinator_died_before_it_noted_the_follower_and_its_leader_with_it()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo);
        string file = Path.Combine(server.Folder, "mvedsua", RedisUnderMvedsua.Name, "session.json");
        byte[] before = File.ReadAllBytes(file);
        server.Follow();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        try
        {
            int coordinator = server.CoordinatorPid;
            Host.Kill(coordinator, Host.SIGKILL);
            Host.Until(() => !Host.IsAlive(coordinator), "the coordinator is gone");
            File.WriteAllBytes(file, before);
            Host.Kill(leader, Host.SIGKILL);
            Host.Until(() => !Host.IsAlive(leader), "the leader is gone");
            Host.Result second = server.Mvedsua("run", "--name", RedisUnderMvedsua.Name, "--", "/bin/true");
            Assert.True(second.Status == 64, $"{second}"); /* the name is in use */
            Assert.Equal(follower, server.PromotedFrom(leader));
            using RespClient client = server.Connect();
            client.Expect("+PONG\r\n", "PING");
        }
        finally
        {
            Host.KillIfThere(follower, Host.SIGKILL);
        }
    }

    [Fact]
    public void Signals_from_outside_do_not_concern_the_follower()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 3);
        int leader = server.LeaderPid, follower = server.FollowerPid;
        foreach (int signal in (int[])[Host.SIGTERM, Host.SIGUSR1, Host.SIGHUP, Host.SIGSEGV, Host.SIGABRT])
        {
            Host.Kill(follower, signal);
            load.More(200);
        }
        load.Finish();
        server.InStep();
        Assert.Equal(follower, server.FollowerPid);
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING"); /* what was sent to the follower was for nobody */
    }

    [Fact]
    public void The_leader_serves_on_when_the_keeper_dies()
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start();
            using var load = new CheckedLoad(server, 10);
            load.More(500);
            int leader = server.LeaderPid;
            Host.Kill(server.KeeperPid, Host.SIGKILL);
            load.More(2000);
            server.InStepUnderLoad();
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            load.More(1000);
            load.Finish();
            Assert.InRange(load.Ambiguous + load.Closed, 0, 1);
            server.Follow();
            server.InStep();
        }
    }

    [Fact]
    public void Server_and_follower_go_on_when_the_coordinator_dies()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 10);
        load.More(500);
        int leader = server.LeaderPid, follower = server.FollowerPid;
        Host.Kill(server.CoordinatorPid, Host.SIGKILL);
        load.More(1000);
        Assert.Equal(leader, server.LeaderPid); /* a new one attaches */
        Assert.Equal(follower, server.FollowerPid);
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        load.More(1000);
        server.Follow();
        load.More(500);
        load.Finish();
        server.InStep();
    }

    [Fact]
    public void A_follower_that_stood_still_while_it_was_replaced_disturbs_nobody()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 5);
        int old = server.FollowerPid;
        Host.Kill(old, Host.SIGSTOP);
        load.More(200);
        Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        Host.Result again = server.Mvedsua("follow", RedisUnderMvedsua.Name);
        load.More(500);
        Host.KillIfThere(old, Host.SIGCONT);
        load.More(500);
        if (again.Status != 0) server.Follow(); /* refused while the old one is there */
        load.More(500);
        load.Finish();
        Assert.False(Host.IsAlive(old));
        server.InStep();
    }
}
