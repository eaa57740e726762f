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
}
