namespace Mvedsua.Follower.Tests;

/// <summary>A server that does with threads what is hard to repeat (tests/native/follower/hard), under clients that know each answer.</summary>
public sealed class HardServerTests : ServerTests
{
    public static TheoryData<string> ComeAndGo => [.. HardServer.ComeAndGo.Select(f => f.Name)];

    public static TheoryData<string> Features => [.. HardServer.Repeated.Select(f => f.Name)];

    private RedisUnderMvedsua Begin(RedisUnderMvedsua.Mode mode = RedisUnderMvedsua.Mode.Followed)
    {
        RedisUnderMvedsua server = Start(mode, server: OwnServer.Command("hard"), prepare: HardServer.Compile);
        server.Answers();
        return server;
    }

    [Theory]
    [MemberData(nameof(Features))]
    public void Each_feature_stays_in_step_and_survives_a_failover(string name)
    {
        HardServer.Feature[] feature = [HardServer.Named(name)];
        RedisUnderMvedsua server = Begin();
        using var load = new HardServer.Load(server, feature, 3);
        load.More(200);
        server.InStepUnderLoad();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        load.More(50);
        server.Follow();
        load.More(50);
        load.Finish();
        server.InStep();
    }

    [Theory]
    [MemberData(nameof(ComeAndGo))]
    public void Threads_that_come_and_go_stay_in_step_and_survive_failovers(string name)
    {
        HardServer.Feature feature = HardServer.Named(name);
        RedisUnderMvedsua server = Begin();
        HardServer.Client[] clients = [new(server), new(server), new(server)];
        for (int round = 0; round < 3 * Host.Rounds; round++)
        {
            for (int i = 0; i < 8; i++)
            {
                Parallel.ForEach(clients, client => client.Ask(feature));
                server.InStep();
            }
            Parallel.ForEach(clients, client => client.Ask(feature)); /* and with some of it unread */
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            Parallel.ForEach(clients, client => client.Ask(feature));
            server.Follow();
        }
        server.InStep();
        foreach (HardServer.Client client in clients) client.Dispose();
    }

    [Fact]
    public void Clients_cannot_tell_native_solo_and_followed_apart()
    {
        List<string> native = Play(Begin(RedisUnderMvedsua.Mode.Native));
        Assert.Equal(native, Play(Begin(RedisUnderMvedsua.Mode.Solo)));
        RedisUnderMvedsua followed = Begin();
        Assert.Equal(native, Play(followed, followed.InStep));
    }

    [Fact]
    public void A_mixed_load_of_eight_connections_stays_in_step()
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Begin();
            using var load = new HardServer.Load(server, HardServer.Repeated, 8, round + 1);
            load.More(3000, 120);
            server.InStepUnderLoad();
            load.Finish();
            server.InStep();
        }
    }

    [Fact]
    public void A_follower_is_attached_and_ended_under_a_mixed_load()
    {
        RedisUnderMvedsua server = Begin(RedisUnderMvedsua.Mode.Solo);
        using var load = new HardServer.Load(server, HardServer.Repeated, 8);
        for (int i = 0; i < 10 * Host.Rounds; i++)
        {
            load.More(50);
            server.Follow();
            load.More(100);
            server.InStepUnderLoad();
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
        server.Follow();
        load.More(100);
        load.Finish();
        server.InStep();
    }

    [Fact]
    public void Fifty_leaders_are_killed_under_a_mixed_load_and_nothing_is_lost_or_repeated()
    {
        RedisUnderMvedsua server = Begin();
        var random = new Random(1);
        using var load = new HardServer.Load(server, HardServer.Repeated, 8);
        for (int kill = 0; kill < 50 * Host.Rounds; kill++)
        {
            load.More(random.Next(40));
            Thread.Sleep(random.Next(10)); /* the instant is the machine's */
            server.InStepUnderLoad();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader, 60); /* the follower may be far behind */
            load.More(20);
            server.Follow();
        }
        load.Finish();
        server.InStep();
    }

    [Fact]
    public void Threads_that_end_faster_than_a_follower_reads_end_it_by_name()
    {
        RedisUnderMvedsua server = Begin();
        Host.Kill(server.FollowerPid, Host.SIGSTOP);
        using (var client = new HardServer.Client(server)) client.Ask(new("detach", 200, 1));
        Assert.Contains("no event log was left for a new thread: threads ended faster than it read what they had done, and with those that run they " +
            "are more than 128", server.FollowerEnded());
        server.Follow();
        server.InStep();
    }

    [Fact]
    public void More_than_128_threads_at_once_end_the_follower_by_name()
    {
        RedisUnderMvedsua server = Begin();
        using var client = new HardServer.Client(server);
        client.Ask(new("crowd", 60, 1));
        server.InStep();
        client.Ask(new("crowd", 150, 1));
        Assert.Contains("no event log was left for a new thread: the server has more than 128 threads at once", server.FollowerEnded());
        server.Follow();
        client.Ask(new("crowd", 60, 1));
        server.InStep();
    }

    private static List<string> Play(RedisUnderMvedsua server, Action<string>? afterEach = null)
    {
        List<string> answers = [];
        HardServer.Client[] clients = [new(server), new(server), new(server)];
        for (int round = 0; round < 5; round++)
            foreach (HardServer.Feature feature in HardServer.Repeated.Concat(HardServer.ComeAndGo))
            {
                foreach (HardServer.Client client in clients) answers.Add(client.Ask(feature));
                afterEach?.Invoke(feature.Name);
            }
        foreach (HardServer.Client client in clients) client.Dispose();
        return answers;
    }
}
