using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>A keeper that stands still. What it could break: two generations later its log is another leader's, of which it would give back
/// pages; and while its own leader lives it holds that one's locks.</summary>
public sealed class KeeperTests : MomentServers
{
    [Theory]
    [InlineData("keeper-comes")] /* before its first instruction of its own */
    [InlineData("keeper-collects")] /* in the middle of a step */
    [InlineData("keeper-kept")]
    public void A_keeper_that_outlives_its_leader_is_ended_before_its_logs_are_another_leaders(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: $"stop:{point}");
        using var load = new CheckedLoad(server, 5);
        int old = Stopped(server);
        Succeed(server, load); /* the other version's logs: the old keeper is in nobody's way */
        Assert.True(Host.IsAlive(old));
        Succeed(server, load); /* its own: it has been ended, or will go without a step as soon as it runs */
        if (point == "keeper-comes") Host.Kill(old, Host.SIGCONT);
        Host.Until(() => !Host.IsAlive(old), "the old keeper is gone");
        load.More(2000);
        Succeed(server, load);
        load.Finish();
        server.InStep();
    }

    /// <summary>EBUSY, until it lets go of the logs or dies.</summary>
    [Theory]
    [InlineData(Host.SIGCONT)]
    [InlineData(Host.SIGKILL)]
    public async Task A_follower_is_made_as_soon_as_the_keeper_lets_go_of_the_logs(int signal)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "stop:keeper-collects");
        int keeper = Stopped(server);
        Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        /* Stage ATTACHING: it waits for the keeper, for at most a second. */
        using (FileStream memory = server.Memory())
            Host.Until(() => Stage(memory) == 3 || follow.IsCompleted, "the leader is at it");
        Host.KillIfThere(keeper, signal);
        Host.Result result = await follow;
        if (result.Status != 0)
        {
            Assert.Contains("a keeper of the event log does not let go", result.Errors); /* a machine that took longer than the second */
            server.Follow();
        }
        server.InStep();
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING");
    }

    [Fact]
    public void A_follower_is_refused_by_name_while_the_keeper_stands_still()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "stop:keeper-collects");
        int keeper = Stopped(server);
        Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        Host.Result follow = server.Mvedsua("follow", RedisUnderMvedsua.Name);
        Assert.Equal(72, follow.Status);
        Assert.Contains("a keeper of the event log does not let go of it", follow.Errors);
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING");
        Host.Kill(keeper, Host.SIGCONT);
        server.Follow();
        server.InStep();
    }

    /// <summary>What could break it: the keeper looks at who follows, the leader makes a copy and dies before it has linked its words, the keeper looks
    /// at the leader: nobody there who would need it. Then nobody tells the copy of the death.</summary>
    [Fact]
    public async Task A_leader_that_dies_with_a_copy_made_since_the_keepers_look_is_succeeded()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, products: variant.Products, faults: "attach-copied");
        int leader = server.LeaderPid;
        Task<Host.Result> follow;
        using (var gdb = new StoppedThread(leader, "mv_family_copy"))
        {
            follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
            gdb.Reached();
            gdb.AlsoAt("look_at if version == 3"); /* the keeper, which shares the leader's memory: the last of its looks */
            gdb.Reached(2);
            gdb.MainGoesOn();
            Host.Until(() => !Host.IsAlive(leader), "the leader dies with its copy made");
        }
        foreach (int pid in server.Processes) Host.KillIfThere(pid, Host.SIGCONT); /* gdb has stopped the copy, too */
        Assert.NotEqual(leader, server.PromotedFrom(leader));
        await follow;
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING");
    }

    /// <summary>tests/native/follower/leaves.c. What could break it: a process without its main thread has no memory that could be looked at.</summary>
    [Fact]
    public void Processes_whose_main_thread_has_ended_are_not_taken_for_dead()
    {
        RedisUnderMvedsua server = StartServer("leaves", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        (int leader, int follower, int keeper) = (server.LeaderPid, server.FollowerPid, Keeper(server));
        Assert.Equal("ok", line.Ask("leave"));
        foreach (int pid in (int[])[leader, follower])
            Host.Until(() => File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0] == 'Z', $"the main thread of {pid} has ended");
        long before = Sleeps(keeper);
        Host.Until(() => Sleeps(keeper) > before + 50, "the keeper has looked");
        Assert.Equal("ok", line.Ask("still there"));
        Assert.Equal((leader, follower), (server.LeaderPid, server.FollowerPid));
        Host.Kill(leader, Host.SIGKILL);
        Assert.Equal("ok", line.Ask("and now"));
        Assert.Equal(follower, server.LeaderPid);
    }

    /// <summary>Its leader, which looks every 256 records, makes no call.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)] /* by a coordinator that is not its parent */
    public void A_killed_keeper_of_an_idle_server_is_replaced(bool adopted)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: ["/usr/bin/beanstalkd", "-l", "127.0.0.1", "-p", "{port}"]);
        server.Answers();
        server.Follow();
        server.InStep();
        if (adopted)
        {
            Host.Kill(server.CoordinatorPid, Host.SIGKILL);
            Assert.NotEqual(0, server.LeaderPid); /* whose status a new one tells */
        }
        for (int round = 0; round < 3; round++)
        {
            int keeper = Keeper(server);
            Host.Kill(keeper, Host.SIGKILL);
            Host.Until(() => Keeper(server) is var now && now != 0 && now != keeper, "another keeper comes");
        }
        server.InStep();
    }

    private static int Keeper(RedisUnderMvedsua server) => int.Parse(Regex.Match(server.Control(), "keeper ([0-9]+)").Groups[1].Value);

    /// <summary>What could break it: while no word of the leader's is linked, nothing wakes a keeper that went to sleep on one. A leader that died in
    /// the midst of an attachment was succeeded when the keeper's second was over; beside another follower, never.</summary>
    [Fact]
    public async Task A_keeper_looks_for_itself_while_no_word_tells_of_the_leaders_death()
    {
        RedisUnderMvedsua server = Start();
        server.InStep();
        Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        Task<Host.Result> follow;
        using (var gdb = new StoppedThread(server.LeaderPid, "mv_keeper_bury"))
        {
            follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
            gdb.Reached();
            int keeper = server.KeeperPid;
            long before = Sleeps(keeper);
            Host.Until(() => Sleeps(keeper) > before + 500, "the keeper looks every few ms");
        }
        await follow; /* refused, where that took longer than the pause may */
        using RespClient client = server.Connect();
        client.Expect("+PONG\r\n", "PING");
    }

    /// <summary>A server that has given up its privileges may not end a keeper that was made before.</summary>
    [Fact]
    public void A_keeper_that_may_not_be_ended_is_waited_for()
    {
        Assert.SkipWhen(Environment.UserName != "root", "only root can give up privileges");
        using Variant variant = Variant.WithFaults();
        Host.Run("/", "chmod", "-R", "a+rX", variant.Products);
        RedisUnderMvedsua server = Start(server: ["/usr/bin/beanstalkd", "-u", "nobody", "-l", "127.0.0.1", "-p", "{port}"], products: variant.Products, faults: "stop:keeper-collects");
        int old = Stopped(server);
        server.InStep();
        for (int generation = 0; generation < 2; generation++)
        {
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            if (generation == 0) server.Follow();
        }
        Host.Result follow = server.Mvedsua("follow", RedisUnderMvedsua.Name);
        Assert.Equal(72, follow.Status);
        Assert.Contains("a keeper of the event log does not let go of it", follow.Errors);
        Host.Kill(old, Host.SIGCONT);
        Host.Until(() => !Host.IsAlive(old), "the old keeper goes by itself");
        server.Follow();
        server.InStep();
    }

    private static void Succeed(RedisUnderMvedsua server, CheckedLoad load)
    {
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        load.More(500);
        server.Follow();
        load.More(500);
        server.InStepUnderLoad();
    }

    /// <summary>The keeper that stands still at the fault point.</summary>
    private static int Stopped(RedisUnderMvedsua server)
    {
        Match match = Match.Empty;
        Host.Until(() => (match = Regex.Match(server.Log, @"\[([0-9]+)\] fault: generation [0-9]+: the keeper stops at .*: now")).Success, "the keeper stands still");
        int keeper = int.Parse(match.Groups[1].Value);
        Host.Until(() => File.ReadAllText($"/proc/{keeper}/stat").Split(") ")[1][0] == 'T', "it is stopped");
        return keeper;
    }

    private static long Sleeps(int pid) =>
        long.Parse(Regex.Match(File.ReadAllText($"/proc/{pid}/status"), @"\nvoluntary_ctxt_switches:\s*(\d+)").Groups[1].Value);

    private static uint Stage(FileStream memory)
    {
        byte[] word = new byte[4];
        memory.Position = 132; /* struct mv_control */
        memory.ReadExactly(word);
        return BitConverter.ToUInt32(word);
    }
}
