using Mvedsua.Abi;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The state machine by itself: events in, actions out.</summary>
public sealed class SessionStateTests
{
    private const int Server = 100, Follower = 200, Keeper = 300, Stranger = 400;
    private static readonly WaitStatus Killed = new(9), Exited3 = new(3 << 8);
    private static readonly byte[] Usage = new byte[144];

    private static readonly ControlView Solo = new(MvStage.SingleLeader, Server, 0, Server, 0, 0, FollowerState.None,
        MvReason.None, 0, "", 0, 0, TimeSpan.Zero, TimeSpan.Zero, 900, false);

    private static readonly ControlView Followed = Solo with
    {
        Stage = MvStage.Followed, FollowerPid = Follower, KeeperPid = Keeper, Follower = FollowerState.Replaying, Generation = 1,
    };

    private static readonly ControlView Promoted = Followed with
    {
        Stage = MvStage.SingleLeader, LeaderPid = Follower, LeaderVersion = 1, FollowerPid = 0, Follower = FollowerState.Promoted,
        Reason = MvReason.LeaderDied, Failovers = 1,
    };

    private static SessionState In(params ControlView[] views)
    {
        var state = new SessionState(Server);
        foreach (ControlView view in views) state.Observe(view);
        return state;
    }

    [Fact]
    public void A_follower_that_replays_is_told_once()
    {
        SessionState state = In(Solo);
        Assert.Contains(state.Observe(Followed), a => a is SessionAction.FollowerAttached { Pid: Follower });
        Assert.Equal(Phase.Followed, state.Phase);
        Assert.DoesNotContain(state.Observe(Followed), a => a is SessionAction.FollowerAttached);
    }

    [Fact]
    public void A_follower_that_ended_before_anybody_looked_is_told_once()
    {
        ControlView ended = Solo with { Generation = 1, Follower = FollowerState.Ended, Reason = MvReason.Unsupported };
        SessionState state = In();
        Assert.Contains(new SessionAction.FollowerEnded(0), state.Observe(ended));
        Assert.DoesNotContain(state.Observe(ended), a => a is SessionAction.FollowerEnded);
        Assert.DoesNotContain(In(Followed).Observe(ended), a => a is SessionAction.FollowerEnded { Pid: 0 });
        Assert.DoesNotContain(In().Observe(Solo with { Generation = 1 }), a => a is SessionAction.FollowerEnded);
    }

    [Fact]
    public void A_copy_that_dies_before_it_follows_is_told_to_its_leader()
    {
        ControlView attaching = Solo with { Stage = MvStage.Attaching, FollowerPid = Follower, Generation = 1, Publishing = true };
        SessionState state = In(Solo, attaching);
        IReadOnlyList<SessionAction> actions = state.ProcessEnded(Follower, Killed, Usage, attaching);
        Assert.Contains(new SessionAction.FollowerDied(Follower, Killed), actions);
        Assert.DoesNotContain(actions, a => a is SessionAction.SessionEnded or SessionAction.StrangerEnded);
        Assert.Single(In(Solo, Followed with { Publishing = true }).ProcessEnded(Follower, Killed, Usage, Followed with { Publishing = true }),
            a => a is SessionAction.FollowerDied);
    }

    [Fact]
    public void The_servers_end_without_a_follower_ends_the_session_with_its_status()
    {
        IReadOnlyList<SessionAction> actions = In(Solo).ProcessEnded(Server, Exited3, Usage, Solo);
        Assert.Contains(new SessionAction.SessionEnded(Exited3), actions);
    }

    [Fact]
    public void A_leader_that_dies_with_a_follower_leaves_the_session_in_failover()
    {
        SessionState state = In(Solo, Followed);
        IReadOnlyList<SessionAction> actions = state.ProcessEnded(Server, Killed, Usage, Followed);
        Assert.Equal(Phase.Failover, state.Phase);
        Assert.DoesNotContain(actions, a => a is SessionAction.SessionEnded);
        actions = state.Observe(Promoted);
        Assert.Contains(new SessionAction.LeaderChanged(Server, Follower, Killed), actions);
        Assert.DoesNotContain(actions, a => a is SessionAction.FollowerEnded);
        Assert.Equal((Phase.SingleLeader, Follower, 0), (state.Phase, state.LeaderPid, state.FollowerPid));
    }

    [Fact]
    public void A_promotion_that_is_seen_before_the_death_tells_the_status_afterwards()
    {
        SessionState state = In(Solo, Followed);
        Assert.Contains(new SessionAction.LeaderChanged(Server, Follower, null), state.Observe(Promoted));
        Assert.Equal([new SessionAction.FormerLeaderEnded(Server, Killed)], state.ProcessEnded(Server, Killed, Usage, Promoted));
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    /// <summary>Pids are given out again.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void A_follower_with_the_pid_of_an_ended_one_takes_over_like_any_other(bool seenBefore)
    {
        SessionState state = In(Solo, Followed);
        state.ProcessEnded(Follower, Killed, Usage, Followed);
        state.Observe(Solo with { Generation = 1 });
        if (seenBefore) state.Observe(Followed with { Generation = 2 });
        IReadOnlyList<SessionAction> actions = [.. state.Observe(Promoted with { Generation = 2 }),
            .. state.ProcessEnded(Server, Killed, Usage, Promoted with { Generation = 2 })];
        Assert.DoesNotContain(actions, a => a is SessionAction.SessionEnded);
        Assert.Equal((Phase.SingleLeader, Follower), (state.Phase, state.LeaderPid));
        Assert.Contains(new SessionAction.SessionEnded(Exited3), state.ProcessEnded(Follower, Exited3, Usage, Promoted with { Generation = 2 }));
    }

    [Fact]
    public void The_session_ends_with_the_status_of_its_last_leader()
    {
        SessionState state = In(Solo, Followed, Promoted);
        state.ProcessEnded(Server, Killed, Usage, Promoted);
        Assert.Contains(new SessionAction.SessionEnded(Exited3), state.ProcessEnded(Follower, Exited3, Usage, Promoted));
    }

    [Fact]
    public void A_follower_that_dies_without_the_shims_doing_is_told_to_the_leader()
    {
        SessionState state = In(Solo, Followed);
        IReadOnlyList<SessionAction> actions = state.ProcessEnded(Follower, Killed, Usage, Followed);
        Assert.Contains(new SessionAction.FollowerDied(Follower, Killed), actions);
        Assert.Contains(new SessionAction.FollowerEnded(Follower), actions);
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    [Fact]
    public void A_follower_whose_end_the_shim_has_told_is_not_told_again_when_it_is_waited_for()
    {
        SessionState state = In(Solo, Followed);
        ControlView ended = Followed with { Follower = FollowerState.Ended, FollowerPid = 0, Stage = MvStage.SingleLeader };
        Assert.Contains(new SessionAction.FollowerEnded(Follower), state.Observe(ended));
        Assert.Empty(state.ProcessEnded(Follower, Killed, Usage, ended));
    }

    [Fact]
    public void A_parked_follower_has_its_report_taken_once()
    {
        SessionState state = In(Solo, Followed);
        ControlView parked = Followed with { Follower = FollowerState.Parked };
        Assert.Contains(new SessionAction.TakeReport(Follower), state.Observe(parked));
        Assert.Empty(state.Observe(parked));
    }

    [Fact]
    public void A_follower_that_got_the_pid_of_an_ended_one_is_another_follower()
    {
        SessionState state = In(Solo, Followed);
        state.ProcessEnded(Follower, Killed, Usage, Followed);
        IReadOnlyList<SessionAction> actions = state.Observe(Followed with { Generation = 2 });
        Assert.Contains(actions, a => a is SessionAction.FollowerAttached { Pid: Follower });
        Assert.Equal(Phase.Followed, state.Phase);
    }

    [Fact]
    public void The_end_of_a_process_that_is_no_member_is_told_and_changes_nothing()
    {
        SessionState state = In(Solo, Followed, Promoted);
        Assert.Equal([new SessionAction.StrangerEnded(Stranger, Exited3, Usage)], state.ProcessEnded(Stranger, Exited3, Usage, Promoted));
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    [Fact]
    public void A_follower_that_has_not_come_to_its_first_call_is_a_follower_already()
    {
        SessionState state = In(Solo);
        ControlView fresh = Followed with { Follower = FollowerState.Ended, Publishing = true };
        Assert.Contains(state.Observe(fresh), a => a is SessionAction.FollowerAttached { Pid: Follower });
        Assert.Contains(new SessionAction.FollowerEnded(Follower), state.Observe(fresh with { Publishing = false }));
    }

    [Fact]
    public void A_keepers_end_is_no_orphans()
    {
        Assert.Empty(In(Solo, Followed, Promoted).ProcessEnded(Keeper, Exited3, Usage, Promoted));
    }

    [Fact]
    public void When_leader_and_follower_both_die_the_leaders_status_counts()
    {
        SessionState state = In(Solo, Followed);
        state.ProcessEnded(Server, Killed, Usage, Followed);
        Assert.Contains(new SessionAction.SessionEnded(Killed), state.ProcessEnded(Follower, Exited3, Usage, Followed));
        Assert.Equal(Phase.Ended, state.Phase);
    }

    [Fact]
    public void Nothing_happens_after_the_end()
    {
        SessionState state = In(Solo);
        state.ProcessEnded(Server, Exited3, Usage, Solo);
        Assert.Empty(state.Observe(Followed));
        Assert.Empty(state.ProcessEnded(Follower, Killed, Usage, Followed));
        Assert.Empty(state.NoChildLeft());
    }
}
