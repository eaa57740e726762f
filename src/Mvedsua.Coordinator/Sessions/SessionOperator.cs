using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>What an operator does with the two versions of an update, whose plan may be under way: his word comes before what the plan would do
/// next, but not in the middle of what it does. Which it is the session's thread decides, so that a plan never acts upon what he has changed.</summary>
internal sealed partial class Session
{
    public Task<ControlReply> PromoteAsync(int pid, TimeSpan? wait, CancellationToken hangUp) => AsOperatorAsync(
        () => _state.Followers.Any(f => (pid == 0 || f.Pid == pid) && _memory.Control.Block.Member(f.Version).State == MvMemberState.Replaying) ? TakeOver("promote") : null,
        () => PromoteWhenCloseAsync(pid, wait, PromotionPatience.Usual, () => !hangUp.IsCancellationRequested));

    public Task<ControlReply> UnfollowAsync(int pid, bool all) => AsOperatorAsync(
        () => all || pid == _stages.Follower || (pid == 0 && _state.Followers.Count == 1) ? TakeOver("unfollow") : null,
        () => UnfollowNowAsync(pid, all));

    public Task<ControlReply> CommitAsync()
    {
        int old = 0;
        return AsOperatorAsync(() =>
        {
            old = _stages.Old;
            return _stages.Stage switch
            {
                Stage.UpdatedLeader => TakeOver("commit"),
                Stage.OutdatedLeader => ControlReply.Refuse(ExitStatus.RefusedByStage, $"The old version leads: 'mvedsua promote {_file.Name}' makes the new one the leader."),
                _ => OneVersionOnly,
            };
        }, async () =>
        {
            ControlReply reply = await UnfollowNowAsync(old, all: false).ConfigureAwait(false);
            return reply.Ok ? new ControlReply(true, Message: $"{LeaderPid} serves alone; the old version (pid {old}) has ended") : reply;
        });
    }

    public Task<ControlReply> RollbackAsync()
    {
        (bool leads, int old, int @new) = (false, 0, 0);
        return AsOperatorAsync(() =>
        {
            (leads, old, @new) = (_stages.Stage == Stage.UpdatedLeader, _stages.Old, _stages.New);
            return _stages.Now == VersionStage.SingleLeader ? RollbackOfNone() : TakeOver("rollback");
        }, async () =>
        {
            if (leads && await PromoteWhenCloseAsync(old, null, PromotionPatience.Usual, () => true).ConfigureAwait(false) is { Ok: false } refusal) return refusal;
            ControlReply reply = await UnfollowNowAsync(@new, all: false).ConfigureAwait(false);
            return reply.Ok ? new ControlReply(true, Message: $"{LeaderPid} serves alone; the new version (pid {@new}) has ended") : reply;
        });
    }

    /// <summary>An update that is being prepared, or is to be tried again, is given up. A copy that comes all the same is not wanted.</summary>
    private ControlReply RollbackOfNone()
    {
        if (_plan is not { } plan) return OneVersionOnly;
        _copyIsUnwanted = _attempting;
        Do(plan.OperatorActs($"rollback {_file.Name}"));
        return new ControlReply(true, Message: $"the update to {plan.Order.To} is given up");
    }

    private static ControlReply OneVersionOnly => ControlReply.Refuse(ExitStatus.RefusedByStage, "The session has one version only.");

    /// <param name="decide">On the session's thread: null when the request is to be made, else the reply.</param>
    /// <param name="act">The request.</param>
    private async Task<ControlReply> AsOperatorAsync(Func<ControlReply?> decide, Func<Task<ControlReply>> act)
    {
        try
        {
            return await LookAsync(decide).ConfigureAwait(false) ?? await act().ConfigureAwait(false);
        }
        catch (UpdateRefusedException)
        {
            return SessionEnded;
        }
    }

    /// <returns>The refusal; null: none.</returns>
    private ControlReply? TakeOver(string verb)
    {
        if (_plan is not { } plan || _stages.Now == VersionStage.SingleLeader) return null; /* it is not about its versions */
        if (plan.Busy is { } busy) return ControlReply.Refuse(ExitStatus.RefusedByStage, busy);
        Do(plan.OperatorActs($"{verb} {_file.Name}"));
        return null;
    }
}
