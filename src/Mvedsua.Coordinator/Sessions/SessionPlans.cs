using System.Threading.Channels;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Carries out what an update's plan says, and tells it what happens.</summary>
internal sealed partial class Session
{
    private const int MarkOfCatchUp = 0; /* plans count from 1 */
    private readonly StageMachine _stages = new();
    private UpdatePlan? _plan;
    private ChannelWriter<ControlReply>? _told; /* whoever asked for it */
    private bool _attempting; /* also when its plan is over */
    private bool _copyIsUnwanted; /* its plan was over before it was made */
    private DateTimeOffset? _until; /* what the plan waits for */
    private ReplayWatch? _watch;
    private (int Pid, TaskCompletionSource<StoredReport?> Made) _newestReport;

    public ChannelReader<ControlReply> Update(UpdateOrder order, CancellationToken hangUp)
    {
        var lines = Channel.CreateUnbounded<ControlReply>();
        if (!TryPost(new SessionEvent.UpdateOrdered(order, lines.Writer))) lines.Writer.TryEnd(SessionEnded);
        hangUp.Register(() => Post(new SessionEvent.Inspect(() =>
        {
            if (_told == lines.Writer) Do(_plan!.HungUp());
        })));
        return lines.Reader;
    }

    private void Begin(UpdateOrder order, ChannelWriter<ControlReply> told)
    {
        if (WhyNoUpdate(order) is { } refusal)
        {
            told.TryEnd(refusal);
            return;
        }
        (_plan, _told) = (new UpdatePlan(order), told);
        try
        {
            PlanFile.Save(_file.Name, order);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            SessionLog.Problem(_log, $"the update can't be noted in the session's folder ({e.Message}): a later coordinator would know nothing of it");
        }
        Do(UpdatePlan.Beginning);
    }

    private ControlReply? WhyNoUpdate(UpdateOrder order)
    {
        if (order.Contradiction is { } contradiction) return ControlReply.Refuse(ExitStatus.Usage, contradiction + ".");
        if (_plan is { } plan) return ControlReply.Refuse(ExitStatus.RefusedByStage, $"Another update is being carried out (to {plan.Order.To}); try again when it is done, or take it back by 'mvedsua rollback {_file.Name}'.");
        if (_attempting) return ControlReply.Refuse(ExitStatus.RefusedByStage, "What is left of another update is being ended; try again when that is done.");
        return _stages.Now switch
        {
            VersionStage.SingleLeader => null,
            VersionStage.UpdatedLeader => ControlReply.Refuse(ExitStatus.RefusedByStage,
                $"The last update is not committed: the old version (pid {_stages.Old}) follows. 'mvedsua commit {_file.Name}' or 'rollback' comes first."),
            _ => ControlReply.Refuse(ExitStatus.RefusedByStage,
                $"A new version follows already (pid {_stages.New}): 'mvedsua promote {_file.Name}' and 'commit', or 'rollback', come first."),
        };
    }

    private void Do(IReadOnlyList<PlanAction>? actions)
    {
        foreach (PlanAction action in actions ?? []) Do(_plan!, action);
    }

    private void Do(UpdatePlan plan, PlanAction action)
    {
        switch (action)
        {
            case PlanAction.Attempt:
                (_attempting, _copyIsUnwanted) = (true, false);
                _ = AttemptAsync(plan.Order).ContinueWith(attempt => Post(new SessionEvent.Inspect(() =>
                {
                    _attempting = false;
                    if (_plan == plan) Do(plan.AttemptEnded(attempt.Result));
                })), TaskScheduler.Default);
                break;
            case PlanAction.Wait wait:
                _until = DateTimeOffset.Now + wait.Time;
                After(wait.Time, Heard(plan, () => plan.TimeOver(wait.Number)));
                break;
            case PlanAction.Watch watch:
                WatchReplay(watch.Pid, null);
                break;
            case PlanAction.Replay replay:
                WatchReplay(replay.Pid, replay.Number);
                break;
            case PlanAction.Promote promote:
                Then(PromoteWhenCloseAsync(promote.Pid, plan.Order.Wait, PromotionPatience.Unattended, () => _plan == plan && plan.IsPromoting(promote.Number), plan.IsAsked), promote.Number);
                break;
            case PlanAction.Commit commit:
                Then(UnfollowNowAsync(commit.Pid, all: false), commit.Number);
                break;
            case PlanAction.Tell tell:
                _told?.TryWrite(new ControlReply(true, Message: tell.What, More: true));
                if (tell.IsNews) Note(tell.What);
                break;
            case PlanAction.Finish finish:
                Finish(plan, finish);
                break;
        }

        void Then(Task<ControlReply> request, int number) =>
            _ = request.ContinueWith(reply => Post(Heard(plan, () =>
                plan.Answered(number, reply.Exception is { InnerException: { } failure } ? Failed(failure) : reply.Result))), TaskScheduler.Default);
    }

    private SessionEvent.Inspect Heard(UpdatePlan plan, Func<IReadOnlyList<PlanAction>> actions) => new(() =>
    {
        if (_plan == plan) Do(actions());
    });

    private void Finish(UpdatePlan plan, PlanAction.Finish outcome)
    {
        ChannelWriter<ControlReply> told = _told!;
        (_plan, _told) = (null, null);
        PlanFile.Remove(_file.Name);
        if (_stages.Now != VersionStage.CatchingUp) StopWatching();
        if (plan.Order.WarmUp is not null || plan.MostAttempts > 1) Note(outcome.What);
        int ended = outcome.Status switch { ExitStatus.NewVersionEnded => plan.New, ExitStatus.NoWayBack => plan.Old, _ => 0 };
        Task<StoredReport?> made = Task.FromResult<StoredReport?>(null);
        if (ended != 0 && _newestReport.Pid == ended)
        {
            TaskCompletionSource<StoredReport?> report = _newestReport.Made;
            After(ShimRequest.TimeLimit, new SessionEvent.Inspect(() => report.TrySetResult(null))); /* one that died before its report was begun has none */
            made = report.Task;
        }
        _ = TellOutcomeAsync(told, outcome, made);
    }

    /// <summary>The report of a follower that has ended, once it is made.</summary>
    private TaskCompletionSource<StoredReport?> ReportOf(int pid)
    {
        if (_newestReport.Pid != pid) _newestReport = (pid, new TaskCompletionSource<StoredReport?>(TaskCreationOptions.RunContinuationsAsynchronously));
        return _newestReport.Made;
    }

    private static async Task TellOutcomeAsync(ChannelWriter<ControlReply> told, PlanAction.Finish outcome, Task<StoredReport?> made)
    {
        string what = await made.ConfigureAwait(false) is { } report ? $"{outcome.What} The report is {report.Path}." : outcome.What;
        told.TryEnd(outcome.Status == ExitStatus.Ok ? new ControlReply(true, Message: what) : ControlReply.Refuse(outcome.Status, what));
    }

    /// <summary>The session's end is the end of its update; nobody waits for an answer to one that was never begun.</summary>
    private void EndPlans(IEnumerable<SessionEvent> unheard)
    {
        StopWatching();
        foreach (ChannelWriter<ControlReply> told in unheard.OfType<SessionEvent.UpdateOrdered>().Select(e => e.Told)) told.TryEnd(SessionEnded);
        _told?.TryEnd(SessionEnded);
        _newestReport.Made?.TrySetResult(null);
    }

    private void WatchReplay(int pid, int? mark)
    {
        if (_state.Followers.FirstOrDefault(f => f.Pid == pid) is not { Pid: not 0 } who) return; /* its end is told, too */
        if (_watch?.Who != who)
        {
            StopWatching();
            _watch = new ReplayWatch(_memory, who, Post);
        }
        if (mark is { } number) _watch.Mark(number);
    }

    private void StopWatching()
    {
        _watch?.Dispose();
        _watch = null;
    }

    private void Replayed(SessionEvent.Replayed replayed)
    {
        if (_watch?.Who != replayed.Who) return;
        if (replayed.Number != MarkOfCatchUp)
        {
            Do(_plan?.Replayed(replayed.Number, replayed.Events));
            return;
        }
        _stages.CaughtUp(replayed.Who.Pid);
        Do(_plan?.CaughtUp(replayed.Who.Pid, replayed.Events));
        if (_plan is null) StopWatching();
    }

    /// <summary>What an earlier coordinator's update has left.</summary>
    private void FindVersions(Follower who, int leadersNumber)
    {
        if (_versions.Of(who.Generation).Number is var number && number == leadersNumber) return;
        _stages.Found(LeaderPid, who.Pid, leaderIsNew: number < leadersNumber);
        if (_stages.Now == VersionStage.CatchingUp && _stages.New == who.Pid) WatchReplay(who.Pid, MarkOfCatchUp);
    }

    private void FindLostPlan()
    {
        if (PlanFile.Load(_file.Name) is not { } order) return;
        PlanFile.Remove(_file.Name);
        Note($"an earlier coordinator died during the update to {order.To}: what came of it is not known, and nothing more is done by itself");
    }

    private UpdateStatus? OfUpdate()
    {
        UpdateStep? step = _stages.Now switch
        {
            VersionStage.Updating => UpdateStep.Updating,
            VersionStage.CatchingUp => UpdateStep.CatchingUp,
            VersionStage.Monitoring => UpdateStep.Monitoring,
            VersionStage.UpdatedLeader => UpdateStep.Promoted,
            _ => _plan?.Step is null ? null : _plan.Step == PlanStep.Attempting ? UpdateStep.Preparing : UpdateStep.Waiting,
        };
        if (step is not { } known) return null;
        ulong @new = _state.Followers.FirstOrDefault(f => f.Pid == _stages.New) is { Pid: not 0 } follower
            ? follower.Generation : _memory.Control.Block.Member(_memory.Control.Block.LeaderVersion).Generation;
        return new UpdateStatus(_plan?.Order.To ?? _versions.Of(@new).Path, known, _plan?.Attempt, _plan?.MostAttempts, _plan is { IsTimed: true } ? _until : null);
    }

    private void Note(string what)
    {
        SessionLog.Noted(_log, what);
        Remember(what);
    }
}

internal static class ReplyWriter
{
    /// <summary>The last reply.</summary>
    internal static void TryEnd(this ChannelWriter<ControlReply> told, ControlReply last)
    {
        told.TryWrite(last);
        told.TryComplete();
    }
}
