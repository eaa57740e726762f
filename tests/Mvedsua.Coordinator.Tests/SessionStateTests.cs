using Mvedsua.Abi;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The state machine by itself: events in, actions out.</summary>
public sealed class SessionStateTests
{
    private const int Server = 100, Follower = 200, Keeper = 300, Stranger = 400, Second = 500;
    private static readonly WaitStatus Killed = new(9), Exited3 = new(3 << 8);
    private static readonly byte[] Usage = new byte[144];

    private static readonly Member Leads = new(0, Server, MvMemberState.Leads, 0, MvReason.None, 0, "", false);
    private static readonly Member Replays = new(1, Follower, MvMemberState.Replaying, 1, MvReason.None, 0, "", true);
    private static readonly Member Other = new(2, Second, MvMemberState.Replaying, 2, MvReason.None, 0, "", true);

    private static readonly ControlView Solo = new(MvStage.SingleLeader, Server, 0, Server, 0,
        MvReason.None, 0, "", 0, 0, TimeSpan.Zero, TimeSpan.Zero, 900, [Leads, default, default, default]);

    private static readonly ControlView Followed = With(Replays);

    private static readonly ControlView Both = With(Replays, Other);

    private static readonly ControlView Promoted = Followed with
    {
        Stage = MvStage.SingleLeader, LeaderPid = Follower, LeaderVersion = 1, Reason = MvReason.LeaderDied, Failovers = 1,
        Members = [Leads with { State = MvMemberState.Ended }, Replays with { State = MvMemberState.Leads, Publishing = false }, default, default],
    };

    private static ControlView With(params Member[] followers) => Solo with
    {
        Stage = MvStage.Followed, KeeperPid = Keeper, Generation = followers.Max(f => f.Generation),
        Members = [Leads, .. Enumerable.Range(1, 3).Select(i => followers.FirstOrDefault(f => f.Version == i))],
    };

    /// <summary>The same follower as it was in that generation.</summary>
    private static ControlView Again(ControlView view, ulong generation) => view with
    {
        Generation = generation, Members = [.. view.Members.Select(m => m.Pid == Follower ? m with { Generation = generation } : m)],
    };

    private static Follower Who(ulong generation = 1) => new(1, Follower, generation);

    private static readonly Follower Two = new(2, Second, 2);

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
        Assert.Contains(state.Observe(Followed), a => a is SessionAction.FollowerAttached { Who.Pid: Follower });
        Assert.Equal(Phase.Followed, state.Phase);
        Assert.DoesNotContain(state.Observe(Followed), a => a is SessionAction.FollowerAttached);
    }

    [Fact]
    public void A_follower_that_ended_before_anybody_looked_is_told_once()
    {
        ControlView ended = With(Replays with { State = MvMemberState.Ended, Reason = MvReason.Unsupported, Publishing = false }) with
        {
            Stage = MvStage.SingleLeader,
        };
        SessionState state = In();
        Assert.Contains(new SessionAction.FollowerEnded(new Follower(1, 0, 1)), state.Observe(ended));
        Assert.DoesNotContain(state.Observe(ended), a => a is SessionAction.FollowerEnded);
        Assert.DoesNotContain(In(Followed).Observe(ended), a => a is SessionAction.FollowerEnded { Who.Pid: 0 });
        Assert.DoesNotContain(In().Observe(Solo with { Generation = 1 }), a => a is SessionAction.FollowerEnded);
    }

    [Fact]
    public void A_copy_that_dies_before_it_follows_is_told_to_its_leader()
    {
        ControlView attaching = With(Replays with { State = MvMemberState.None }) with { Stage = MvStage.Attaching };
        SessionState state = In(Solo, attaching);
        IReadOnlyList<SessionAction> actions = state.ProcessEnded(Follower, Killed, Usage, attaching);
        Assert.Contains(new SessionAction.FollowerDied(Who(), Killed), actions);
        Assert.DoesNotContain(actions, a => a is SessionAction.SessionEnded or SessionAction.StrangerEnded);
        Assert.Single(In(Solo, Followed).ProcessEnded(Follower, Killed, Usage, Followed), a => a is SessionAction.FollowerDied);
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
        Assert.Contains(new SessionAction.LeaderChanged(new FormerLeader(Server, 0), Follower, Killed), actions);
        Assert.DoesNotContain(actions, a => a is SessionAction.FollowerEnded);
        Assert.Equal((Phase.SingleLeader, Follower), (state.Phase, state.LeaderPid));
        Assert.Empty(state.Followers);
    }

    /// <summary>Its threads may find the leader dead before it has come to its first call.</summary>
    [Fact]
    public void A_copy_that_takes_over_before_it_has_followed_is_waited_for()
    {
        ControlView attaching = With(Replays with { State = MvMemberState.None }) with { Stage = MvStage.Attaching };
        SessionState state = In(Solo, attaching);
        ControlView taking = With(Replays with { State = MvMemberState.None, Publishing = false }) with { Stage = MvStage.Failover };
        Assert.DoesNotContain(state.ProcessEnded(Server, Killed, Usage, taking), a => a is SessionAction.SessionEnded or SessionAction.FollowerEnded);
        Assert.Contains(state.Observe(Promoted), a => a is SessionAction.LeaderChanged { To: Follower });
        ControlView nobody = With(Replays with { State = MvMemberState.None, Publishing = false, Pid = 0 }) with { Stage = MvStage.Failover };
        Assert.Contains(In(Solo, attaching).ProcessEnded(Server, Killed, Usage, nobody), a => a is SessionAction.SessionEnded);
    }

    [Fact]
    public void A_promotion_that_is_seen_before_the_death_tells_the_status_afterwards()
    {
        SessionState state = In(Solo, Followed);
        Assert.Contains(new SessionAction.LeaderChanged(new FormerLeader(Server, 0), Follower, null), state.Observe(Promoted));
        Assert.Equal([new SessionAction.FailureNoted(Server, Killed), new SessionAction.FormerLeaderEnded(new FormerLeader(Server, 0), Killed)],
            state.ProcessEnded(Server, Killed, Usage, Promoted));
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    /// <summary>Pids are given out again.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void A_follower_with_the_pid_of_an_ended_one_takes_over_like_any_other(bool seenBefore)
    {
        SessionState state = In(Solo, Followed);
        state.ProcessEnded(Follower, Killed, Usage, Followed);
        state.Observe(Solo with { Generation = 1 });
        if (seenBefore) state.Observe(Again(Followed, 2));
        IReadOnlyList<SessionAction> actions = [.. state.Observe(Again(Promoted, 2)),
            .. state.ProcessEnded(Server, Killed, Usage, Again(Promoted, 2))];
        Assert.DoesNotContain(actions, a => a is SessionAction.SessionEnded);
        Assert.Equal((Phase.SingleLeader, Follower), (state.Phase, state.LeaderPid));
        Assert.Contains(new SessionAction.SessionEnded(Exited3), state.ProcessEnded(Follower, Exited3, Usage, Again(Promoted, 2)));
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
        Assert.Contains(new SessionAction.FollowerDied(Who(), Killed), actions);
        Assert.Contains(new SessionAction.FollowerEnded(Who()), actions);
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    [Fact]
    public void A_follower_whose_end_the_shim_has_told_is_not_told_again_when_it_is_waited_for()
    {
        SessionState state = In(Solo, Followed);
        ControlView ended = With(Replays with { State = MvMemberState.Ended, Publishing = false }) with { Stage = MvStage.SingleLeader };
        Assert.Contains(new SessionAction.FollowerEnded(Who()), state.Observe(ended));
        Assert.Empty(state.ProcessEnded(Follower, Killed, Usage, ended));
    }

    [Fact]
    public void A_parked_follower_has_its_report_taken_once()
    {
        SessionState state = In(Solo, Followed);
        ControlView parked = With(Replays with { State = MvMemberState.Parked, Publishing = false });
        Assert.Contains(new SessionAction.TakeReport(Who()), state.Observe(parked));
        Assert.Empty(state.Observe(parked));
    }

    [Fact]
    public void A_follower_that_has_parked_before_anybody_saw_it_follow_is_told_of_and_reported_all_the_same()
    {
        SessionState state = In(Solo);
        ControlView parked = With(Replays with { State = MvMemberState.Parked, Publishing = false });
        IReadOnlyList<SessionAction> actions = state.Observe(parked);
        Assert.Contains(actions, a => a is SessionAction.FollowerAttached { Who.Pid: Follower });
        Assert.Contains(new SessionAction.FollowerEnded(Who()), actions);
        Assert.Contains(new SessionAction.TakeReport(Who()), actions);
        Assert.Empty(state.Followers);
        Assert.Empty(state.Observe(parked));
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    [Fact]
    public void A_follower_that_got_the_pid_of_an_ended_one_is_another_follower()
    {
        SessionState state = In(Solo, Followed);
        state.ProcessEnded(Follower, Killed, Usage, Followed);
        IReadOnlyList<SessionAction> actions = state.Observe(Again(Followed, 2));
        Assert.Contains(actions, a => a is SessionAction.FollowerAttached { Who.Pid: Follower });
        Assert.Equal(Phase.Followed, state.Phase);
    }

    [Fact]
    public void The_end_of_a_process_that_is_no_member_is_told_and_changes_nothing()
    {
        SessionState state = In(Solo, Followed, Promoted);
        Assert.Equal([new SessionAction.StrangerEnded(Stranger, Exited3, Usage)], state.ProcessEnded(Stranger, Exited3, Usage, Promoted));
        Assert.Equal(Phase.SingleLeader, state.Phase);
    }

    /// <summary>Pids are given out again. What could break it: the child's end is not handed over to whoever leads.</summary>
    [Fact]
    public void A_child_that_is_given_the_pid_of_a_keeper_that_has_ended_is_no_member()
    {
        ControlView kept = Promoted with { KeeperPid = Keeper }, keptAgain = Promoted with { KeeperPid = Second };
        SessionState state = In(Solo, Followed, kept, keptAgain);
        Assert.Empty(state.ProcessEnded(Keeper, Killed, Usage, keptAgain));
        Assert.Equal([new SessionAction.StrangerEnded(Keeper, Exited3, Usage)], state.ProcessEnded(Keeper, Exited3, Usage, keptAgain));
    }

    [Fact]
    public void A_follower_that_has_not_come_to_its_first_call_is_a_follower_already()
    {
        SessionState state = In(Solo);
        ControlView fresh = With(Replays with { State = MvMemberState.None });
        Assert.Contains(state.Observe(fresh), a => a is SessionAction.FollowerAttached { Who.Pid: Follower });
        Assert.Contains(new SessionAction.FollowerEnded(Who()), state.Observe(With(Replays with { State = MvMemberState.None, Publishing = false })));
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

    /// <summary>The keeper has told that the follower is dead before anybody has waited for it.</summary>
    [Fact]
    public void A_session_ends_when_all_that_died_have_been_waited_for()
    {
        ControlView dead = With(Replays with { State = MvMemberState.Ended, Reason = MvReason.FollowerDied, Publishing = false });
        SessionState state = In(Solo, Followed);
        Assert.DoesNotContain(state.ProcessEnded(Server, Killed, Usage, dead), a => a is SessionAction.SessionEnded);
        Assert.NotEqual(Phase.Ended, state.Phase);
        IReadOnlyList<SessionAction> actions = state.ProcessEnded(Follower, Killed, Usage, dead);
        Assert.Contains(new SessionAction.FailureNoted(Follower, Killed), actions);
        Assert.Contains(new SessionAction.SessionEnded(Killed), actions);

        state = In(Solo, Followed, Promoted);
        Assert.DoesNotContain(state.ProcessEnded(Follower, Killed, Usage, Promoted), a => a is SessionAction.SessionEnded);
        actions = state.ProcessEnded(Server, Killed, Usage, Promoted);
        Assert.Contains(new SessionAction.FailureNoted(Server, Killed), actions);
        Assert.Contains(actions, a => a is SessionAction.SessionEnded);
    }

    [Fact]
    public void Only_a_leader_or_follower_that_was_killed_has_failed()
    {
        static bool Failed(IReadOnlyList<SessionAction> actions, int pid) => actions.Any(a => a is SessionAction.FailureNoted failure && failure.Pid == pid);
        ControlView publishing = Followed;
        ControlView claiming = With(Replays with { Publishing = false }) with { Stage = MvStage.Failover };
        ControlView tooSlow = With(Replays with { Reason = MvReason.LagLimit, Publishing = false });
        ControlView replaced = With(Replays with { State = MvMemberState.Ended, Reason = MvReason.Replaced, Publishing = false }) with { Stage = MvStage.Failover };
        Assert.True(Failed(In(Solo, publishing).ProcessEnded(Server, Killed, Usage, publishing), Server));
        Assert.True(Failed(In(Solo, publishing).ProcessEnded(Follower, Killed, Usage, publishing), Follower));
        Assert.True(Failed(In(Solo, publishing).ProcessEnded(Follower, Killed, Usage, claiming), Follower));
        Assert.False(Failed(In(Solo, publishing).ProcessEnded(Follower, Killed, Usage, tooSlow), Follower));
        Assert.False(Failed(In(Solo, publishing).ProcessEnded(Follower, Killed, Usage, replaced), Follower));
        Assert.False(Failed(In(Solo, publishing).ProcessEnded(Server, new WaitStatus(15), Usage, publishing), Server));
        Assert.False(Failed(In(Solo, publishing).ProcessEnded(Server, Exited3, Usage, publishing), Server));
        Assert.False(Failed(In(Solo, publishing).ProcessEnded(Keeper, Killed, Usage, publishing), Keeper));
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

    [Fact]
    public void One_of_two_followers_that_dies_leaves_the_other_and_the_stage()
    {
        SessionState state = In(Solo, Followed, Both);
        IReadOnlyList<SessionAction> actions = state.ProcessEnded(Follower, Killed, Usage, Both);
        Assert.Contains(new SessionAction.FollowerEnded(Who()), actions);
        Assert.DoesNotContain(actions, a => a is SessionAction.FollowerEnded { Who.Pid: Second } or SessionAction.PhaseChanged);
        Assert.Equal([Two], state.Followers);
        Assert.Equal(Phase.Followed, state.Phase);
    }

    [Fact]
    public void Of_two_followers_one_leads_and_the_other_is_told_to_have_ended()
    {
        SessionState state = In(Solo, Followed, Both);
        state.ProcessEnded(Server, Killed, Usage, Both);
        Assert.Equal(Phase.Failover, state.Phase);
        ControlView promoted = Promoted with { Members = [.. Promoted.Members.Take(2), Other with { State = MvMemberState.Ended, Publishing = false }, default] };
        IReadOnlyList<SessionAction> actions = state.Observe(promoted);
        Assert.Contains(new SessionAction.FollowerEnded(Two), actions);
        Assert.DoesNotContain(new SessionAction.FollowerEnded(Who()), actions);
        Assert.Equal((Phase.SingleLeader, Follower), (state.Phase, state.LeaderPid));
    }

    /// <summary>What could break it: the report takes its time, and meanwhile an update is tried again.</summary>
    [Fact]
    public void A_diverged_follower_that_has_been_told_to_be_gone_does_not_come_back_with_the_next_one()
    {
        Member parked = Replays with { State = MvMemberState.Parked, Publishing = false };
        SessionState state = In(Solo, Followed);
        Assert.Contains(new SessionAction.FollowerEnded(Who()), state.Observe(With(parked)));
        Assert.Empty(state.Followers);
        state.Observe(With(parked) with { Stage = MvStage.SingleLeader });
        IReadOnlyList<SessionAction> actions = state.Observe(With(parked, Other));
        Assert.Equal([Two], actions.OfType<SessionAction.FollowerAttached>().Select(a => a.Who));
        Assert.Equal([Two], state.Followers);
        Assert.DoesNotContain(state.ProcessEnded(Follower, Killed, Usage, With(parked, Other)), a => a is SessionAction.FollowerEnded or SessionAction.FollowerDied);
    }

    [Fact]
    public void A_diverged_follower_is_told_to_be_gone_as_it_parks_and_its_report_is_taken_all_the_same()
    {
        SessionState state = In(Solo, Followed, Both);
        ControlView parked = With(Replays with { State = MvMemberState.Parked, Publishing = false }, Other);
        IReadOnlyList<SessionAction> actions = state.Observe(parked);
        Assert.Contains(new SessionAction.TakeReport(Who()), actions);
        Assert.Contains(new SessionAction.FollowerEnded(Who()), actions);
        Assert.Equal([Two], state.Followers);
        Assert.Empty(state.Observe(With(Replays with { State = MvMemberState.Ended, Publishing = false }, Other)));
        Assert.Equal([Two], state.Followers);
    }
}
