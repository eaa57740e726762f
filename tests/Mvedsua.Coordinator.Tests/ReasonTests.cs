using Mvedsua.Abi;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>What operators are told is what has happened.</summary>
public sealed class ReasonTests
{
    [Fact]
    public void One_that_keeps_the_server_waiting_is_not_told_as_one_that_replays_nothing()
    {
        string waited = Reasons.Explain(MvReason.Stalled, 2, "it took the offer of the lead and did not lead");
        Assert.Equal("it did not come within 2 s, for which the server stood still: it took the offer of the lead and did not lead", waited);
        Assert.Equal("it hangs: it has replayed nothing for 183 s, though its leader went on", Reasons.Explain(MvReason.Stalled, 183, ""));
    }

    /// <summary>One that is stopped in step: the offer is all that it has not read, or it has read even that.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void One_that_is_in_step_and_does_not_come_is_not_told_to_be_behind(int events)
    {
        string told = Reasons.Explain(MvReason.Behind, events, "the lead was offered to it for 1 s");
        Assert.Equal("the follower had nothing to catch up with, but did not take the lead (is it stopped?): the lead was offered to it for 1 s", told);
    }

    [Fact]
    public void One_that_is_behind_is_told_by_how_much() =>
        Assert.StartsWith("the follower is 2 events behind", Reasons.Explain(MvReason.Behind, 2, ""), StringComparison.Ordinal);
}
