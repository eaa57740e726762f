using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>One `mvedsua update`: attempts, warm-up, promotion, commit. A pure function of the events that it is given, like
/// <see cref="SessionState"/>; each is answered with what is to be done. It has one outcome, told once. Not safe for concurrent use.</summary>
/// <remarks><code>
///  Attempting ─▶ CatchingUp ─▶ WarmingUp ─▶ Finishing ─▶ Promoting ─▶ Checking ─▶ FinishingCheck ─▶ Committing ─▶ Over
///    ▲    │          └────────────┴─────────────┴────────────┘ the new version ended
///    │    ▼ failed                         ▼
///  Pausing ◀── Clearing ◀──────────────────┘      no retries left, or decided by others ─▶ Over
/// </code></remarks>
internal sealed class UpdatePlan(UpdateOrder order)
{
    /// <summary>Between two attempts, when no description says so: as in the published experiment.</summary>
    internal static readonly TimeSpan DefaultPause = TimeSpan.FromMilliseconds(500);

    private TimeSpan _pause = DefaultPause;
    private int _number, _copy;
    private bool _copyLeads; /* the leader died while its copy was being updated */
    private bool _copyHasCaughtUp;
    private bool _isAsked; /* the leader, to change places with the new version */
    private ulong _events; /* that it had replayed by then */
    private string? _copyEnded, _oldEnded; /* why */

    /// <summary>What was asked for.</summary>
    internal UpdateOrder Order => order;

    /// <summary>How far it is.</summary>
    internal PlanStep Step { get; private set; }

    /// <summary>Which attempt this is, or was the last.</summary>
    internal int Attempt { get; private set; } = 1;

    /// <summary>How many attempts there may be.</summary>
    internal int MostAttempts { get; private set; } = 1 + (order.Retries ?? 0);

    /// <summary>Pid of the process that runs the old version after the promotion; 0 before.</summary>
    internal int Old { get; private set; }

    /// <summary>Pid of the process that is, or becomes, the new version; 0: none yet.</summary>
    internal int New => _copy;

    /// <summary>Whom it waits for, and who is ended if it hangs; 0: nobody. (One that is to lead has the time of `--wait`.)</summary>
    internal int Watched => Step switch
    {
        PlanStep.CatchingUp or PlanStep.WarmingUp or PlanStep.Finishing when order.WarmUp is not null => _copy,
        PlanStep.Checking or PlanStep.FinishingCheck => Old,
        _ => 0,
    };

    /// <summary>It is waiting for a time to pass.</summary>
    internal bool IsTimed => Step is PlanStep.Pausing or PlanStep.WarmingUp or PlanStep.Checking;

    /// <summary>What is to be done first.</summary>
    internal static IReadOnlyList<PlanAction> Beginning => [new PlanAction.Attempt()];

    /// <summary>The copy that is to become the new version was made.</summary>
    internal void Copied(int copy)
    {
        if (Step == PlanStep.Attempting) _copy = copy;
    }

    /// <summary>The attempt has come to its end.</summary>
    internal IReadOnlyList<PlanAction> AttemptEnded(AttemptResult result)
    {
        if (Step != PlanStep.Attempting) return [];
        MostAttempts = 1 + (order.Retries ?? result.OnFailure.Retries);
        if (result.OnFailure.Retries > 0) _pause = result.OnFailure.Every;
        if (!result.Reply.Ok) return Failed(result.Reply.ExitStatus, result.Reply.Error!, IsCurable(result.Reply.ExitStatus));
        _copy = result.Copy;
        if (_copyLeads)
            return order.WarmUp is null ? Finish(ExitStatus.Ok, $"{_copy} runs {order.To} and serves alone: the old version has died meanwhile") : LeaderIsDead();
        if (order.WarmUp is null)
            return _copyEnded is null ? Finish(ExitStatus.Ok, result.Reply.Message!)
                : Failed(ExitStatus.UpdateFailed, $"The new version ({_copy}) ended at once, the server goes on unchanged: {_copyEnded}.", isCurable: true);
        Step = PlanStep.CatchingUp;
        var told = new PlanAction.Tell(result.Reply.Message!, IsNews: false);
        return _copyEnded is not null ? [told, .. NewEnded(_copyEnded)] : _copyHasCaughtUp ? [told, .. CaughtUp(_copy, _events)] : [told];
    }

    /// <summary>The new version has replayed what came about while it was being made.</summary>
    /// <param name="follower">Its pid.</param>
    /// <param name="events">How much it has replayed.</param>
    internal IReadOnlyList<PlanAction> CaughtUp(int follower, ulong events)
    {
        if (follower != _copy) return [];
        _events = events;
        if (Step == PlanStep.Attempting) _copyHasCaughtUp = true; /* before its attempt is told to have ended */
        if (Step != PlanStep.CatchingUp) return [];
        Step = PlanStep.WarmingUp;
        return [new PlanAction.Tell($"{_copy} has caught up; its warm-up of {Text(WarmUp)} begins"), new PlanAction.Wait(WarmUp, ++_number)];
    }

    /// <summary>A time is over.</summary>
    internal IReadOnlyList<PlanAction> TimeOver(int number)
    {
        if (number != _number) return [];
        switch (Step)
        {
            case PlanStep.Pausing:
                Attempt++;
                (Step, _copy, _copyEnded, _copyLeads, _copyHasCaughtUp) = (PlanStep.Attempting, 0, null, false, false);
                return Beginning;
            case PlanStep.WarmingUp:
                Step = PlanStep.Finishing;
                return [new PlanAction.Replay(_copy, ++_number)];
            case PlanStep.Checking:
                Step = PlanStep.FinishingCheck;
                return [new PlanAction.Replay(Old, ++_number)];
            default:
                return [];
        }
    }

    /// <summary>A follower has replayed what had been published when that was asked.</summary>
    /// <param name="number">As it was asked for.</param>
    /// <param name="events">How much it has replayed so far.</param>
    internal IReadOnlyList<PlanAction> Replayed(int number, ulong events)
    {
        if (number != _number) return [];
        switch (Step)
        {
            case PlanStep.Finishing when !order.AutoPromote:
                return Finish(ExitStatus.Ok, $"{_copy} runs {order.To} and has done all that the leader did in {Text(WarmUp)} ({Count(events - _events)}); it follows until 'mvedsua promote' or 'rollback'");
            case PlanStep.Finishing:
                (Step, _isAsked) = (PlanStep.Promoting, false);
                return [new PlanAction.Tell($"{_copy} has done all that the leader did in {Text(WarmUp)} ({Count(events - _events)}); it is promoted as soon as it is close to the leader"), new PlanAction.Promote(_copy, ++_number)];
            case PlanStep.FinishingCheck:
                Step = PlanStep.Committing;
                return [new PlanAction.Tell($"{Old} has done all that {_copy} did in {Text(WarmUp)} ({Count(events)}): the update is committed"), new PlanAction.Commit(Old, ++_number)];
            default:
                return [];
        }
    }

    /// <summary>The promotion or the commit was made or refused.</summary>
    internal IReadOnlyList<PlanAction> Answered(int number, ControlReply reply)
    {
        if (number != _number) return [];
        switch (Step)
        {
            case PlanStep.Promoting when !reply.Ok && Old == 0:
                return Finish(reply.ExitStatus, $"The warm-up is over and {_copy} follows, but it could not be promoted: {reply.Error}");
            case PlanStep.Promoting when _oldEnded is not null:
                return NoWayBack();
            case PlanStep.Promoting when !order.AutoCommit:
                return Finish(ExitStatus.Ok, $"{_copy} runs {order.To} and leads; {Old} follows it until 'mvedsua commit' or 'rollback'");
            case PlanStep.Promoting:
                Step = PlanStep.Checking;
                return [new PlanAction.Tell($"{_copy} leads; {Old} checks it for {Text(WarmUp)}"), new PlanAction.Watch(Old), new PlanAction.Wait(WarmUp, ++_number)];
            case PlanStep.Committing when reply.Ok:
                return Finish(ExitStatus.Ok, $"{_copy} runs {order.To} and serves alone; the old version (pid {Old}) has ended");
            case PlanStep.Committing:
                return _oldEnded is not null ? NoWayBack() : Finish(reply.ExitStatus, $"{_copy} leads and was checked, but the update could not be committed: {reply.Error}");
            default:
                return [];
        }
    }

    /// <summary>A follower has ended.</summary>
    internal IReadOnlyList<PlanAction> FollowerEnded(int pid, MvReason reason, string why)
    {
        if (pid == 0 || Step == PlanStep.Over) return [];
        if (pid == _copy && Old == 0)
        {
            _copyEnded = why;
            return Step switch
            {
                PlanStep.Clearing => Pause(),
                PlanStep.Attempting or PlanStep.Pausing => [],
                _ => reason is MvReason.Requested or MvReason.Replaced ? Overtaken($"{_copy} has ended: {why}") : NewEnded(why),
            };
        }
        if (pid != Old) return [];
        _oldEnded = why;
        if (Step is not (PlanStep.Checking or PlanStep.FinishingCheck)) return [];
        return reason is MvReason.Requested or MvReason.Replaced ? Overtaken($"the old version ({Old}) has ended: {why}") : NoWayBack();
    }

    /// <summary>The promotion of that number is still wanted.</summary>
    internal bool IsPromoting(int number) => Step == PlanStep.Promoting && number == _number;

    /// <summary>The leader is asked to change places with the new version, or is not (any more): that one is waited for until it is close.</summary>
    internal void IsAsked(bool asked) => _isAsked = asked;

    /// <summary>A leader and its follower have changed places.</summary>
    internal void PlacesChanged(int from, int to)
    {
        if (Step == PlanStep.Promoting && to == _copy) Old = from;
    }

    /// <summary>A leader is dead, and that process leads.</summary>
    internal IReadOnlyList<PlanAction> LeaderDied(int to)
    {
        if (to == 0 || Step == PlanStep.Over) return [];
        if (to == Old)
            return Finish(ExitStatus.NewVersionEnded, $"The new version ({_copy}) died as leader; the old one ({Old}) leads again. It is not tried again by itself: clients had been served by it.");
        if (to != _copy || Step is PlanStep.Clearing or PlanStep.Pausing) return [];
        if (Step != PlanStep.Attempting) return LeaderIsDead();
        _copyLeads = true;
        return [];
    }

    /// <summary>The operator does something else with the two versions: what is to come is his.</summary>
    internal IReadOnlyList<PlanAction> OperatorActs(string verb) => Step == PlanStep.Over ? [] : Overtaken($"'mvedsua {verb}' came first");

    /// <summary>What the plan does at this moment cannot be crossed; null: nothing of that kind.</summary>
    internal string? Busy => Step switch
    {
        PlanStep.Promoting when Old == 0 && _isAsked => $"The new version ({_copy}) is just being promoted, as 'update --auto-promote' was told to; try again when that is done.",
        PlanStep.Committing => "The update is just being committed, as 'update --auto-commit' was told to.",
        _ => null,
    };

    /// <summary>Nobody listens any more: what has been begun comes to its end, nothing more is begun.</summary>
    internal IReadOnlyList<PlanAction> HungUp() => Step == PlanStep.Over ? [] : Overtaken("whoever asked for the update has hung up");

    private TimeSpan WarmUp => order.WarmUp!.Value;

    /// <summary>What time may cure: a refusal by the files is none. (A copy that has just ended may still stand in the way of the next one.)</summary>
    private bool IsCurable(ExitStatus status) => status is ExitStatus.UpdateFailed or ExitStatus.ServerUnresponsive or ExitStatus.NoResources
        || (status == ExitStatus.RefusedByStage && Attempt > 1);

    private IReadOnlyList<PlanAction> NewEnded(string why) => Failed(ExitStatus.NewVersionEnded,
        $"The new version ({_copy}) has ended {(Step == PlanStep.Promoting ? "as it was to lead" : "in its warm-up")}, the old one serves on: {why}.", isCurable: true);

    private IReadOnlyList<PlanAction> Failed(ExitStatus status, string why, bool isCurable)
    {
        if (!isCurable || Attempt >= MostAttempts) return Finish(status, Attempt > 1 ? $"{why} (This was attempt {Attempt} of {MostAttempts}.)" : why);
        var told = new PlanAction.Tell($"attempt {Attempt} of {MostAttempts} failed, the next one comes in {Text(_pause)}: {why}");
        if (_copy != 0 && _copyEnded is null)
        {
            Step = PlanStep.Clearing;
            return [told];
        }
        return [told, .. Pause()];
    }

    private IReadOnlyList<PlanAction> Pause()
    {
        Step = PlanStep.Pausing;
        return [new PlanAction.Wait(_pause, ++_number)];
    }

    private IReadOnlyList<PlanAction> NoWayBack() => Finish(ExitStatus.NoWayBack,
        $"The new version ({_copy}) leads and serves alone, and there is no way back: the old one ({Old}), which checked it, has ended: {_oldEnded}.");

    private IReadOnlyList<PlanAction> LeaderIsDead() => Finish(ExitStatus.Overtaken,
        $"The old version died before the warm-up was over: the new one ({_copy}) has taken over and serves alone.");

    private IReadOnlyList<PlanAction> Overtaken(string why) => Finish(ExitStatus.Overtaken,
        $"The update to {order.To} was not carried through as asked: {why}; nothing more is done by itself.");

    private IReadOnlyList<PlanAction> Finish(ExitStatus status, string what)
    {
        Step = PlanStep.Over;
        _number++;
        return [new PlanAction.Finish(status, what)];
    }

    /// <summary>For the judgement of a warm-up in which nothing happened.</summary>
    private static string Count(ulong events) => events == 1 ? "1 event" : string.Create(CultureInfo.InvariantCulture, $"{events} events");

    /// <summary>As it is written on a command line.</summary>
    internal static string Text(TimeSpan time) => time.TotalSeconds switch
    {
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###} ms"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.#} h"),
    };
}
