namespace Mvedsua.Follower.Tests;

/// <summary>Memory that a server shares with its children: tests/native/follower/shared.c.</summary>
public sealed class SharedMemoryTests : MomentServers
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_follower_has_shared_memory_of_its_own(bool attachedLater)
    {
        RedisUnderMvedsua server = StartServer("shared", attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal("1", line.Ask("count"));
        if (attachedLater) server.Follow();
        for (int i = 2; i < 20; i++)
        {
            Assert.Equal($"{i}", line.Ask("count"));
            server.InStep(); /* what it has counted, too, nobody else sees */
        }
        Assert.Equal("1", line.Ask("map"));
        for (int generation = 0, count = 1; generation < 2; generation++)
        {
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            Assert.Equal($"{++count}", line.Ask("count"));
            server.Follow();
            Assert.Equal($"{++count}", line.Ask("count"));
        }
    }
}
