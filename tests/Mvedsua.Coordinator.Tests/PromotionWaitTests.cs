using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>When a follower that is behind is asked to lead, and when it is given up.</summary>
public sealed class PromotionWaitTests
{
    private static TimeSpan Seconds(double count) => TimeSpan.FromSeconds(count);

    private static PromotionWait Waiting(double seconds) => new(Seconds(seconds));

    [Theory]
    [InlineData(0)]
    [InlineData(PromotionWait.NearlyInStep)]
    public void One_that_is_nearly_in_step_is_asked_at_once(long behind) =>
        Assert.Equal(PromotionVerdict.Ask, Waiting(0).Look(Seconds(0), behind, 0));

    [Fact]
    public void One_that_is_behind_is_waited_for_as_long_as_was_said_and_then_given_up()
    {
        PromotionWait wait = Waiting(60);
        for (double now = 0; now < 60; now += 0.5) Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(now), 5000, (ulong)now));
        Assert.Equal(PromotionVerdict.GiveUp, wait.Look(Seconds(60), 5000, 60));
    }

    [Fact]
    public void It_is_asked_as_soon_as_it_has_come_close()
    {
        PromotionWait wait = Waiting(60);
        ulong replayed = 0;
        for (double now = 0; now < 40; now += 0.5) Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(now), 100_000 - (long)replayed, replayed += 1000));
        Assert.Equal(PromotionVerdict.Ask, wait.Look(Seconds(40), 900, 99_100));
    }

    /// <summary>Under a load that leaves it always behind: 5,000 events are little for one that does 60,000 a second.</summary>
    [Theory]
    [InlineData(60_000, PromotionVerdict.Ask)]
    [InlineData(40_000, PromotionVerdict.GiveUp)]
    public void A_fast_one_is_asked_when_what_is_left_takes_it_but_a_moment(int pace, object verdict)
    {
        PromotionWait wait = Waiting(PromotionPatience.Usual.TotalSeconds);
        Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(1), 5000, (ulong)pace));
        Assert.Equal(verdict, wait.Look(Seconds(3), 5000, 3ul * (ulong)pace));
    }

    /// <summary>It stood still for most of its time (a debugger), and does its best now.</summary>
    [Fact]
    public void Its_pace_is_that_of_the_last_seconds()
    {
        PromotionWait wait = Waiting(60);
        for (double now = 0; now < 30; now += 1) Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(now), 500_000, 0));
        Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(30), 500_000, 0));
        Assert.Equal(PromotionVerdict.Ask, wait.Look(Seconds(33), 5000, 495_000));
    }

    [Fact]
    public void One_that_is_not_waited_for_is_asked_only_if_it_is_close() => Assert.Equal(PromotionVerdict.GiveUp, Waiting(0).Look(Seconds(0), 5000, 0));

    /// <summary>Its time is over just after a window was: the burst of a moment is no pace.</summary>
    [Fact]
    public void Also_the_last_look_judges_by_the_pace_of_seconds()
    {
        PromotionWait wait = Waiting(6.02);
        for (double now = 0; now < 6.01; now += 1) Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(now), 5000, (ulong)now));
        Assert.Equal(PromotionVerdict.GiveUp, wait.Look(Seconds(6.02), 5000, 2006));
    }

    /// <summary>Each offer stops the server for a second.</summary>
    [Fact]
    public void One_that_let_an_offer_pass_is_asked_again_only_after_a_while_and_if_it_has_moved()
    {
        PromotionWait wait = Waiting(60);
        Assert.Equal(PromotionVerdict.Ask, wait.Look(Seconds(0), 0, 0));
        wait.LetPass(Seconds(1), 0);
        for (double now = 1; now < 30; now += 0.5) Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(now), 1, 0));
        Assert.Equal(PromotionVerdict.Ask, wait.Look(Seconds(30), 0, 1));
        wait.LetPass(Seconds(31), 1);
        Assert.Equal(PromotionVerdict.Later, wait.Look(Seconds(31) + PromotionWait.Respite - Seconds(0.1), 0, 900));
        Assert.Equal(PromotionVerdict.Ask, wait.Look(Seconds(31) + PromotionWait.Respite, 0, 900));
        wait.LetPass(Seconds(50), 900);
        Assert.Equal(PromotionVerdict.GiveUp, wait.Look(Seconds(60), 1, 900));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(0.5, true)]
    [InlineData(86_400.0, true)]
    [InlineData(86_401.0, false)]
    [InlineData(-1.0, false)]
    public void Nobody_is_waited_for_for_days(double? seconds, bool may) =>
        Assert.Equal(may, PromotionPatience.Contradiction(seconds is { } time ? Seconds(time) : null) is null);
}
