namespace Mvedsua.Follower.Tests;

/// <summary>Programs that a server starts by vfork: tests/native/follower/spawns.c.</summary>
public sealed class SpawnTests : ServerTests
{
    [Fact]
    public void A_program_that_is_found_at_last_keeps_the_follower_in_step_and_one_that_is_not_ends_it_by_name()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("spawns"), prepare: OwnServer.Compile("spawns"));
        server.Answers();
        using var client = new Line(server);
        void Load()
        {
            for (int i = 0; i < 20; i++)
            {
                Assert.Equal("0 0", client.Ask("true"));
                Assert.Equal("0 1", client.Ask("false"));
            }
        }
        Load();
        server.InStep();
        Assert.Equal("2 -1", client.Ask("no-such-program")); /* ENOENT */
        string history = server.FollowerEnded();
        Assert.Contains("a child of vfork whose exec failed", history);
        Assert.DoesNotContain("diverged", history);
        Load();
        server.Follow();
        Load();
        server.InStep();
    }

    [Theory]
    [InlineData("mv_fork_call")] /* before it is made */
    [InlineData("mv_leader_publish if row->name[0] == 'c' && row->name[1] == 'l' && row->name[2] == 'o' && row->name[3] == 'n'")] /* after */
    public void A_child_that_a_killed_leader_was_forking_is_made_once(string moment)
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("spawns"), prepare: OwnServer.Compile("spawns"));
        server.Answers();
        using var client = new Line(server);
        Assert.Equal("7", client.Ask("fork"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, moment);
        client.Say("fork");
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("7", client.Answer()); /* and its end is known to the server */
        Assert.Equal(2, File.ReadLines(Path.Combine(server.Folder, "children")).Count());
        Assert.Equal("7", client.Ask("fork"));
        server.Follow();
        Assert.Equal("7", client.Ask("fork"));
        server.InStep();
    }
}
