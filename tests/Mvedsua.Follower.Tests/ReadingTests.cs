namespace Mvedsua.Follower.Tests;

/// <summary>Readings of clocks that make no system call: tests/native/follower/readings.c. What could break them: a follower is made in the middle of
/// one, by a server that publishes nothing yet; then server and follower each end it, at another time.</summary>
public sealed class ReadingTests : MomentServers
{
    [Theory]
    [InlineData("main", "gettimeofday")]
    [InlineData("thread", "gettimeofday")]
    [InlineData("main", "clock_gettime")]
    [InlineData("thread", "clock_gettime")]
    [InlineData("main", "time")]
    [InlineData("main", "getcpu")]
    public async Task A_follower_that_is_made_within_a_reading_reads_what_its_leader_does(string thread, string clock)
    {
        RedisUnderMvedsua server = StartServer("readings", RedisUnderMvedsua.Mode.Solo, thread);
        for (int round = 0; round < 10; round++)
        {
            using (var line = new Line(server))
            {
                line.Say(clock);
                string generation = server.Generation;
                Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
                Host.Until(() => server.Generation != generation || follow.IsCompleted, "a follower is made");
                line.Say("enough");
                line.Answer();
                Host.Result result = await follow;
                Assert.True(result.Status == 0, result.Errors);
            }
            server.InStep();
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
    }
}
