using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>Fault points: somebody dies exactly there, says so, and the server serves on.</summary>
public sealed class FaultTests : ServerTests
{
    [Theory]
    [InlineData("before-intent:300")]
    [InlineData("before-call:300")]
    [InlineData("after-call:300")]
    [InlineData("in-record:300")]
    [InlineData("record-written:300")]
    [InlineData("published:300")]
    [InlineData("log-full")]
    [InlineData("log-grown")]
    [InlineData("log-jump")]
    [InlineData("before-fork")]
    [InlineData("after-fork")]
    [InlineData("attach-copied")]
    [InlineData("attach-staged")]
    [InlineData("attach-linked")]
    [InlineData("attach-released")]
    [InlineData("attach-answered")]
    public void A_leader_that_dies_at_a_point_is_succeeded(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: point);
        using var load = new CheckedLoad(server, 5);
        using RespClient client = server.Connect();
        client.Ok("BGSAVE");
        Host.Until(() => Deaths(server).Length > 0 || load.Wrong is not null, "the leader dies");
        Assert.True(load.Wrong is null, load.Wrong);
        Assert.Equal([$"the leader dies at {Name(point)}, passage {Count(point)}"], Deaths(server));
        server.PromotedFrom(int.Parse(Regex.Match(server.Log, "server started, pid ([0-9]+)").Groups[1].Value));
        load.More(1000);
        load.Finish();
        server.Follow();
        server.InStep();
        client.Ok("SET", "served", "on");
        Assert.Single(Deaths(server));
    }

    [Theory]
    [InlineData("copy-begun", "follower")]
    [InlineData("copy-reads", "follower")]
    [InlineData("copy-threads:2", "follower")]
    [InlineData("copy-whole", "follower")]
    [InlineData("replay-matched:300", "follower")]
    [InlineData("replay-filled:300", "follower")]
    [InlineData("replay-consumed:300", "follower")]
    [InlineData("keeper-wakes", "keeper")]
    [InlineData("keeper-kept", "keeper")]
    public void A_follower_or_keeper_that_dies_at_a_point_is_replaced(string point, string role)
    {
        using Variant variant = Variant.WithFaults();
        bool attached = point == "copy-threads:2"; /* later there are threads that must be made again */
        RedisUnderMvedsua server = attached
            ? Start(RedisUnderMvedsua.Mode.Solo, products: variant.Products, faults: point)
            : Start(products: variant.Products, faults: point);
        using var load = new CheckedLoad(server, 5);
        if (attached) server.Mvedsua("follow", RedisUnderMvedsua.Name);
        Host.Until(() => Deaths(server).Length > 0 || load.Wrong is not null, "it dies");
        Assert.Equal([$"the {role} dies at {Name(point)}, passage {Count(point)}"], Deaths(server));
        load.More(1000);
        if (role == "follower")
        {
            server.FollowerEnded();
            server.Follow();
        }
        load.Finish();
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        using RespClient client = server.Connect();
        client.Ok("SET", "served", "on");
    }

    /// <summary>It dies holding the locks of a log, and is not replaced before the follower goes: the leader looks after it every 4,096 events.</summary>
    [Fact]
    public void A_follower_is_made_though_the_last_keeper_died_in_the_middle_of_a_step()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "keeper-collects");
        Host.Until(() => Deaths(server).Length > 0, "the keeper dies");
        server.Mvedsua("unfollow", RedisUnderMvedsua.Name);
        server.Follow();
        server.InStep();
    }

    [Fact]
    public void The_seed_alone_says_who_dies_where_in_each_generation()
    {
        using Variant variant = Variant.WithFaults();
        string Drawn(string seed)
        {
            RedisUnderMvedsua server = Start(products: variant.Products, faults: seed);
            Host.Until(() => server.Log.Contains("fault: generation 1 of seed"), "a death is drawn");
            return Regex.Match(server.Log, "fault: generation 1 .*").Value;
        }
        string[] drawn = [.. Enumerable.Range(1, 6).Select(seed => Drawn($"{seed}"))];
        Assert.Equal(drawn[0], Drawn("1"));
        Assert.True(drawn.Select(line => line[line.IndexOf("dies")..]).Distinct().Count() > 3, string.Join('\n', drawn));
    }

    [Theory]
    [InlineData("nowhere")]
    [InlineData("after-call:0")]
    [InlineData("after-call:1:keeper")]
    [InlineData("after-call:1:leader:x")]
    [InlineData("12x")]
    public void What_names_no_point_is_refused(string faults)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: ["/bin/true"], products: variant.Products, faults: faults);
        Host.Until(() => server.HasEnded, "it ends");
        Assert.Equal(70, server.ExitStatus);
        Assert.Contains("MVEDSUA_FAULTS is neither a seed nor", server.Log);
    }

    private static string Name(string point) => point.Split(':')[0];
    private static string Count(string point) => point.Contains(':') ? point.Split(':')[1] : "1";

    private static string[] Deaths(RedisUnderMvedsua server) =>
        [.. Regex.Matches(server.Log, "fault: generation [0-9]+: (the .*): now").Select(match => match.Groups[1].Value)];
}
