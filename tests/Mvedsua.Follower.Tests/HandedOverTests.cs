namespace Mvedsua.Follower.Tests;

/// <summary>What a promoted process knows of descriptors, and hands over to its former leader.</summary>
public sealed class HandedOverTests : MomentServers
{
    private static void Promote(RedisUnderMvedsua server)
    {
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.True(result.Status == 0, $"promote: {result.Output}{result.Errors}\n{server.Log}\n{server.History}");
        Assert.Equal((follower, leader), (server.LeaderPid, server.FollowerPid));
    }

    /// <summary>The follower was made when the number was a pipe's, and made none of the calls that changed it. (What is written to a pipe
    /// has no position: a file was overwritten at its end.)</summary>
    [Fact]
    public void A_number_that_was_a_pipes_and_is_a_files_is_written_to_as_a_file_after_a_promotion()
    {
        RedisUnderMvedsua server = StartServer("numbers", RedisUnderMvedsua.Mode.Solo);
        using var line = new Line(server);
        string pipe = line.Ask("pipe")!;
        server.Follow();
        string path = Path.Combine(server.Folder, "file");
        Assert.Contains(line.Ask($"file {path}")!, pipe.Split(' '));
        Assert.Equal("3 3", line.Ask("put one"));
        Promote(server);
        Assert.Equal("3 6", line.Ask("put two"));
        Promote(server);
        Assert.Equal("5 11", line.Ask("put three"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Equal("4 15", line.Ask("put four"));
        Assert.Equal("onetwothreefour", File.ReadAllText(path));
    }

    /// <summary>The accounts by which it is settled what the dead leader did last are those that were handed over.</summary>
    [Theory]
    [InlineData("call == 1", false)] /* written, not published */
    [InlineData("call == 0", false)]
    [InlineData("call == 1", true)] /* a child has written to the connection, which no record tells */
    [InlineData("call == 0", true)]
    public void After_a_promotion_the_former_leader_settles_the_death_of_the_new_one(string place, bool child)
    {
        RedisUnderMvedsua server = StartServer("numbers", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal("one", line.Ask("one"));
        if (child)
        {
            Assert.Equal("of the child", line.Ask("child of the child"));
            Assert.Equal("done", line.Answer());
        }
        Promote(server);
        for (int i = 0; i < 3; i++) Assert.Equal($"two {i}", line.Ask($"two {i}"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, $"mv_leader_complete if {place}");
        line.Say("three");
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("three", line.Answer());
        for (int i = 0; i < 3; i++) Assert.Equal($"four {i}", line.Ask($"four {i}"));
        server.Follow();
        Promote(server);
        Assert.Equal("five", line.Ask("five"));
        server.InStep();
    }

    /// <summary>Both know their own pointers, and the former leader those of the new one: back and forth, then after a death.</summary>
    [Theory]
    [InlineData("level", false)]
    [InlineData("edge", false)]
    [InlineData("shot", false)]
    [InlineData("shared", false)]
    [InlineData("exclusive", false)]
    [InlineData("level", true)]
    [InlineData("edge", true)]
    [InlineData("shot", true)]
    public void Both_sides_of_a_promotion_are_told_of_events_by_their_own_pointers(string mode, bool attachedLater)
    {
        RedisUnderMvedsua server = StartServer("edges", attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed, mode);
        var lines = Enumerable.Range(0, 6).Select(_ => new Line(server)).ToList();
        foreach (Line line in lines) Assert.Equal("one", line.Ask("one"));
        if (attachedLater) server.Follow();
        for (int round = 0; round < 3; round++)
        {
            lines[2].Dispose(); /* its number and its memory are the next one's */
            lines[2] = new Line(server);
            foreach (Line line in lines) Assert.Equal($"two {round}", line.Ask($"two {round}"));
            Promote(server);
            foreach (Line line in lines) Assert.Equal($"three {round}", line.Ask($"three {round}"));
            server.InStep();
        }
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        foreach (Line line in lines) Assert.Equal("four", line.Ask("four"));
        lines.ForEach(line => line.Dispose());
    }

    /// <summary>Some of its registrations may be the dead one's by then.</summary>
    [Theory]
    [InlineData("promotion-claimed", "level")]
    [InlineData("promotion-claimed", "shot")]
    [InlineData("promotion-publishes", "level")]
    [InlineData("promotion-publishes", "edge")]
    [InlineData("promotion-publishes", "shot")]
    [InlineData("promotion-publishes", "exclusive")]
    public void A_leader_whose_promoted_follower_dies_is_told_of_events_by_its_own_pointers_again(string point, string mode)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: OwnServer.Command("edges", mode), prepare: OwnServer.Compile("edges"), products: variant.Products, faults: point);
        server.Answers();
        var lines = Enumerable.Range(0, 4).Select(_ => new Line(server)).ToList();
        foreach (Line line in lines) Assert.Equal("one", line.Ask("one"));
        int leader = server.LeaderPid;
        server.Mvedsua("promote", RedisUnderMvedsua.Name);
        foreach (Line line in lines) Assert.Equal("two", line.Ask("two"));
        Assert.Equal(leader, server.LeaderPid);
        lines.ForEach(line => line.Dispose());
    }
}
