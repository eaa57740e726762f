using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Looks of the session's thread. What could break them: it is busy for longer than whoever asked waits.</summary>
public sealed class LookTests
{
    [Fact]
    public async Task A_look_that_was_given_up_is_not_made_later()
    {
        int made = 0;
        var look = new Look<int>(() => ++made);
        await Assert.ThrowsAsync<TimeoutException>(() => look.WaitAsync(TimeSpan.Zero));
        look.Make();
        Assert.Equal(0, made);
    }

    [Fact]
    public async Task A_look_under_way_is_waited_for_beyond_the_limit()
    {
        using ManualResetEventSlim begun = new(), goOn = new();
        var look = new Look<int>(() =>
        {
            begun.Set();
            goOn.Wait();
            return 7;
        });
        Task making = Task.Run(look.Make);
        begun.Wait(TestContext.Current.CancellationToken);
        Task<int> seen = look.WaitAsync(TimeSpan.Zero);
        Assert.False(seen.IsCompleted);
        goOn.Set();
        Assert.Equal(7, await seen);
        await making;
    }

    /// <summary>Which may itself be that a time limit was not kept: it is no look that was given up.</summary>
    [Fact]
    public async Task What_a_look_throws_is_thrown_to_who_asked()
    {
        var look = new Look<int>(() => throw new TimeoutException("the leader did not answer"));
        look.Make();
        var thrown = await Assert.ThrowsAsync<TimeoutException>(() => look.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal("the leader did not answer", thrown.Message);
    }

    [Fact]
    public async Task Of_a_look_and_its_time_limit_at_once_one_wins()
    {
        for (int round = 0; round < 2000; round++)
        {
            int made = 0;
            var look = new Look<int>(() => Interlocked.Increment(ref made));
            Task making = Task.Run(look.Make);
            int seen;
            try { seen = await look.WaitAsync(TimeSpan.Zero); }
            catch (TimeoutException) { seen = 0; }
            await making;
            Assert.Equal(seen, made);
        }
    }
}
