using CsCheck;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Tests;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>What an update does by itself, with every fault at every step, in a model of a session: what it tells in the end is how things
/// stand, it is told once, and nothing is done that was not asked for.</summary>
public sealed class UpdatePlanTests
{
    private enum Fault { None, NewEnds, OldEnds, LeaderDies, AnotherLeads, OperatorActs, HangsUp, AttemptFails, AttemptRefused, PromotionRefused, PromotionEndsNew }

    private sealed class World
    {
        private const int FirstOld = 1, Third = 2;
        private readonly UpdateOrder _order;
        private readonly UpdatePlan _plan;
        private readonly Queue<PlanAction> _due = [];
        private readonly List<string> _told = [];
        private int _old = FirstOld, _new, _pids = 10, _attempts;
        private bool _newLeads, _decidedByOthers, _paused = true, _timeOver, _replayed, _committed, _asked;

        internal World(UpdateOrder order)
        {
            (_order, _plan) = (order, new UpdatePlan(order));
            Take(UpdatePlan.Beginning);
        }

        internal PlanAction.Finish? Outcome { get; private set; }
        internal PlanStep Step => _plan.Step;
        internal bool IsAtRest => _due.Count == 0;

        private void Take(IReadOnlyList<PlanAction> actions)
        {
            foreach (PlanAction action in actions)
            {
                Assert.True(Outcome is null, $"{action} after {Outcome}");
                switch (action)
                {
                    case PlanAction.Tell tell:
                        _told.Add(tell.What);
                        break;
                    case PlanAction.Finish finish:
                        Outcome = finish;
                        Check(finish);
                        break;
                    case PlanAction.Attempt:
                        Assert.True(_paused, "an attempt without a pause before it");
                        Assert.True(_new == 0, "an attempt beside what is left of the last one");
                        Assert.True(++_attempts <= 1 + (_order.Retries ?? 2), "too many attempts");
                        (_paused, _timeOver, _replayed) = (false, false, false);
                        goto default;
                    case PlanAction.Promote promote:
                        Assert.True(_order.AutoPromote && _timeOver && _replayed && promote.Pid == _new, "promoted too early, or unasked");
                        (_timeOver, _replayed) = (false, false);
                        goto default;
                    case PlanAction.Commit commit:
                        Assert.True(_order.AutoCommit && _newLeads && _timeOver && _replayed && commit.Pid == _old, "committed too early, or unasked");
                        goto default;
                    default:
                        _due.Enqueue(action);
                        break;
                }
            }
        }

        /// <summary>What the plan waits for happens, or something else.</summary>
        internal void Next(Fault fault, int chance)
        {
            switch (fault)
            {
                case Fault.NewEnds when _new != 0 && !_newLeads:
                    EndNew(MvReason.Diverged);
                    return;
                case Fault.OldEnds when _newLeads && _old != 0:
                    int old = _old;
                    _old = 0;
                    Take(_plan.FollowerEnded(old, MvReason.Diverged, "it diverged"));
                    return;
                case Fault.LeaderDies when _newLeads && _old != 0:
                    (_new, _newLeads) = (0, false);
                    Take(_plan.LeaderDied(_old));
                    return;
                case Fault.LeaderDies when _new != 0 && !_newLeads:
                    (_old, _newLeads, _decidedByOthers) = (0, true, true);
                    Take(_plan.LeaderDied(_new));
                    return;
                case Fault.AnotherLeads when _new != 0 && !_newLeads:
                    (_old, _decidedByOthers) = (Third, true);
                    Take(_plan.LeaderDied(Third));
                    EndNew(MvReason.Replaced);
                    return;
                case Fault.OperatorActs when _plan.Busy is null:
                    _decidedByOthers = true;
                    Take(_plan.OperatorActs("rollback t"));
                    return;
                case Fault.HangsUp:
                    _decidedByOthers = true;
                    Take(_plan.HungUp());
                    return;
            }
            if (_due.TryDequeue(out PlanAction? action)) Carry(action, fault, chance);
        }

        private void Carry(PlanAction action, Fault fault, int chance)
        {
            switch (action)
            {
                case PlanAction.Attempt when fault == Fault.AttemptRefused:
                    Take(_plan.AttemptEnded(new AttemptResult(0, ControlReply.Refuse(ExitStatus.UpdateRefused, "no"), default)));
                    break;
                case PlanAction.Attempt:
                    if (_old == 0) break; /* nobody is left to copy: the session goes by other events */
                    int copy = ++_pids;
                    bool fails = fault == Fault.AttemptFails, isEarly = chance % 3 == 0;
                    _new = copy;
                    _plan.Copied(copy);
                    if (fails && isEarly) EndNew(MvReason.UpdateFailed);
                    if (!fails && isEarly) Take(_plan.CaughtUp(copy, 5));
                    ControlReply reply = fails ? ControlReply.Refuse(ExitStatus.UpdateFailed, "it failed") : new ControlReply(true, Message: "it follows");
                    Take(_plan.AttemptEnded(new AttemptResult(copy, reply, new FailurePolicy(2, TimeSpan.FromSeconds(1)))));
                    if (fails && !isEarly) EndNew(MvReason.UpdateFailed);
                    if (!fails && !isEarly && _new == copy) Take(_plan.CaughtUp(copy, 5));
                    break;
                case PlanAction.Wait wait:
                    if (Step == PlanStep.Pausing) _paused = true;
                    _timeOver |= Step is PlanStep.WarmingUp or PlanStep.Checking;
                    Take(_plan.TimeOver(wait.Number));
                    break;
                case PlanAction.Replay replay:
                    if (replay.Pid != (_newLeads ? _old : _new)) break; /* gone */
                    _replayed |= Step is PlanStep.Finishing or PlanStep.FinishingCheck;
                    Take(_plan.Replayed(replay.Number, 9));
                    break;
                case PlanAction.Promote promote when !_plan.IsPromoting(promote.Number):
                    break; /* not asked any more */
                case PlanAction.Promote when !_asked:
                    _asked = true; /* the new version was waited for until it was close */
                    _plan.IsAsked(true);
                    _due.Enqueue(action);
                    break;
                case PlanAction.Promote promote:
                    _asked = false;
                    bool refused = fault is Fault.PromotionRefused or Fault.PromotionEndsNew || promote.Pid != _new || _newLeads;
                    if (fault == Fault.PromotionEndsNew && promote.Pid == _new && !_newLeads) EndNew(MvReason.Stalled);
                    if (!refused)
                    {
                        _newLeads = true;
                        _plan.PlacesChanged(_old, _new);
                        if (chance % 4 == 0) Next(Fault.OldEnds, chance);
                        else if (chance % 4 == 1) Next(Fault.LeaderDies, chance);
                    }
                    Take(_plan.Answered(promote.Number, refused ? ControlReply.Refuse(ExitStatus.ServerUnresponsive, "not now") : new ControlReply(true)));
                    break;
                case PlanAction.Commit commit:
                    if (_old == 0 || !_newLeads)
                    {
                        Take(_plan.Answered(commit.Number, ControlReply.Refuse(ExitStatus.RefusedByStage, "there is none")));
                        break;
                    }
                    (_old, _committed) = (0, true);
                    Take(_plan.FollowerEnded(commit.Pid, MvReason.Requested, "it was asked to"));
                    Take(_plan.Answered(commit.Number, new ControlReply(true)));
                    break;
            }
        }

        private void EndNew(MvReason reason)
        {
            int pid = _new;
            _new = 0;
            Take(_plan.FollowerEnded(pid, reason, "it ended"));
        }

        /// <summary>It says how things stand at this moment.</summary>
        private void Check(PlanAction.Finish finish)
        {
            string state = $"{finish}: old {_old}, new {_new}, new leads: {_newLeads}; {string.Join(" | ", _told)}";
            bool right = finish.Status switch
            {
                ExitStatus.Ok when _order.WarmUp is null => _new != 0,
                ExitStatus.Ok when _order.AutoCommit => _newLeads && _committed,
                ExitStatus.Ok when _order.AutoPromote => _newLeads && _old != 0,
                ExitStatus.Ok => _new != 0 && !_newLeads && _old != 0 && _timeOver && _replayed,
                ExitStatus.NewVersionEnded => _old != 0 && _new == 0 && _attempts > 0,
                ExitStatus.NoWayBack => _newLeads && _new != 0 && _old == 0 && !_committed,
                ExitStatus.Overtaken => _decidedByOthers,
                ExitStatus.UpdateFailed => !_newLeads && _attempts == 1 + (_order.Retries ?? 2),
                ExitStatus.UpdateRefused => !_newLeads,
                ExitStatus.ServerUnresponsive => _new != 0 && !_newLeads,
                _ => false,
            };
            Assert.True(right, state);
        }
    }

    private static readonly Gen<UpdateOrder> Order = Gen.Select(Gen.Int[0, 3], Gen.Int[-1, 3], (kind, retries) => new UpdateOrder("/new", Retries: retries < 0 ? null : retries,
        WarmUp: kind > 0 ? TimeSpan.FromSeconds(3) : null, AutoPromote: kind > 1, AutoCommit: kind > 2));

    [Fact]
    public void Whatever_happens_an_update_has_one_outcome_and_it_is_how_things_stand()
    {
        var seen = new HashSet<(PlanStep, Fault)>();
        var outcomes = new HashSet<ExitStatus>();
        (PlanStep, Fault)[] wanted =
        [
            .. from step in Enum.GetValues<PlanStep>() where step is not PlanStep.Over
               from fault in (Fault[])[Fault.HangsUp, .. step is PlanStep.Committing ? Array.Empty<Fault>() : [Fault.OperatorActs]]
               where step is not PlanStep.Clearing /* over before anything else happens, in this model */
               select (step, fault),
            .. from step in (PlanStep[])[PlanStep.WarmingUp, PlanStep.Finishing, PlanStep.Promoting]
               from fault in (Fault[])[Fault.NewEnds, Fault.LeaderDies, Fault.AnotherLeads] select (step, fault),
            .. from step in (PlanStep[])[PlanStep.Checking, PlanStep.FinishingCheck, PlanStep.Committing]
               from fault in (Fault[])[Fault.OldEnds, Fault.LeaderDies] select (step, fault),
        ];
        wanted = [.. wanted.Where(w => w.Item1 != PlanStep.CatchingUp)];
        Gen.Select(Order, Gen.Select(Gen.Frequency((4, Gen.Const(Fault.None)), (1, Gen.Enum<Fault>())), Gen.Int[0, 59]).List[0, 30]).SampleUntil(one =>
        {
            (UpdateOrder order, List<(Fault, int)> course) = one;
            var world = new World(order);
            foreach ((Fault fault, int chance) in course)
            {
                seen.Add((world.Step, fault));
                world.Next(fault, chance);
            }
            for (int i = 0; !world.IsAtRest; i++)
            {
                Assert.True(i < 100, "it goes on for ever");
                world.Next(Fault.None, 2);
            }
            Assert.True(world.Outcome is not null, $"no outcome in {world.Step}");
            outcomes.Add(world.Outcome.Status);
        }, () => wanted.All(seen.Contains) && outcomes.Count >= 8, Fuzzing.Seconds);
        Assert.True(wanted.All(seen.Contains), $"not tried: {string.Join(' ', wanted.Except(seen))}");
        Assert.Equal([ExitStatus.Ok, ExitStatus.ServerUnresponsive, ExitStatus.UpdateRefused, ExitStatus.UpdateFailed, ExitStatus.NewVersionEnded, ExitStatus.Overtaken, ExitStatus.NoWayBack], outcomes.Order());
    }

    private static UpdatePlan Failing(UpdateOrder order, ExitStatus status, FailurePolicy policy, out IReadOnlyList<PlanAction> actions)
    {
        var plan = new UpdatePlan(order);
        actions = plan.AttemptEnded(new AttemptResult(0, ControlReply.Refuse(status, "so"), policy));
        return plan;
    }

    [Fact]
    public void The_descriptions_word_on_failures_holds_where_the_operator_says_nothing()
    {
        var said = new FailurePolicy(4, TimeSpan.FromMilliseconds(20));
        Assert.Equal(5, Failing(new UpdateOrder("/new"), ExitStatus.UpdateFailed, said, out IReadOnlyList<PlanAction> actions).MostAttempts);
        Assert.Equal(TimeSpan.FromMilliseconds(20), Assert.IsType<PlanAction.Wait>(actions[^1]).Time);
        Assert.Equal(3, Failing(new UpdateOrder("/new", Retries: 2), ExitStatus.UpdateFailed, said, out actions).MostAttempts);
        Assert.Equal(TimeSpan.FromMilliseconds(20), Assert.IsType<PlanAction.Wait>(actions[^1]).Time);
        Failing(new UpdateOrder("/new", Retries: 2), ExitStatus.UpdateFailed, default, out actions);
        Assert.Equal(UpdatePlan.DefaultPause, Assert.IsType<PlanAction.Wait>(actions[^1]).Time);
        Failing(new UpdateOrder("/new", Retries: 0), ExitStatus.UpdateFailed, said, out actions);
        Assert.Equal(ExitStatus.UpdateFailed, Assert.IsType<PlanAction.Finish>(Assert.Single(actions)).Status);
    }

    [Theory]
    [InlineData(ExitStatus.UpdateFailed, true)]
    [InlineData(ExitStatus.ServerUnresponsive, true)]
    [InlineData(ExitStatus.NoResources, true)]
    [InlineData(ExitStatus.UpdateRefused, false)]
    [InlineData(ExitStatus.RefusedByStage, false)]
    [InlineData(ExitStatus.Unsupported, false)]
    [InlineData(ExitStatus.Internal, false)]
    public void Only_what_time_may_cure_is_tried_again(ExitStatus status, bool isTriedAgain)
    {
        Failing(new UpdateOrder("/new", Retries: 3), status, default, out IReadOnlyList<PlanAction> actions);
        Assert.Equal(isTriedAgain, actions[^1] is PlanAction.Wait);
        if (!isTriedAgain) Assert.Equal(status, Assert.IsType<PlanAction.Finish>(Assert.Single(actions)).Status);
    }

    [Theory]
    [InlineData(250, "250 ms")]
    [InlineData(1500, "1.5 s")]
    [InlineData(300_000, "5 min")]
    [InlineData(7_200_000, "2 h")]
    public void Times_are_told_as_they_are_written(int milliseconds, string text) => Assert.Equal(text, UpdatePlan.Text(TimeSpan.FromMilliseconds(milliseconds)));
}
