using Mvedsua.Abi;
using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Tracing;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The session's side of the control socket.</summary>
internal sealed partial class Session
{
    public Task<ControlReply> FollowAsync() => AskAsync(MvRequest.Follow);

    public Task<ControlReply> UnfollowAsync() => AskAsync(MvRequest.Unfollow);

    public async Task<SessionStatus> StatusAsync()
    {
        var done = new TaskCompletionSource<SessionStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new SessionEvent.Inspect(() => done.TrySetResult(
            StatusView.Make(_file, _memory, LeaderPid, _state.FollowerPid, [.. _history]))));
        return await done.Task.WaitAsync(ShimRequest.TimeLimit).ConfigureAwait(false);
    }

    public Task NextChangeAsync(CancellationToken cancel) => _change.Task.WaitAsync(cancel);

    public DivergenceReport? LastReport() => _reports.Last();

    public IAsyncEnumerable<TraceEvent> TraceAsync(CancellationToken cancel) => Tracer.RunAsync(_memory, AskAsync, cancel);

    private Task<ControlReply> AskAsync(MvRequest kind)
    {
        var request = new ShimRequest(kind);
        Post(new SessionEvent.Requested(request));
        return request.Reply;
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Announce()
    {
        TaskCompletionSource before = _change;
        _change = NewChange();
        before.TrySetResult();
    }

    private void Begin(ShimRequest request)
    {
        if (Refusal(request.Kind) is { } refusal)
        {
            request.Settle(ControlReply.Refuse(ExitStatus.RefusedByStage, refusal));
            return;
        }
        _pending = request;
        request.Number = _memory.Control.Block.PostRequest(request.Kind);
        int error = ShimKick.Send(LeaderPid, (int)MvAbi.KickRequest);
        if (error != 0)
            Settle(ControlReply.Refuse(ExitStatus.Internal,
                $"The leader (pid {LeaderPid}) can't be told: {Marshal.GetPInvokeErrorMessage(error)}."));
        else
            After(ShimRequest.TimeLimit, new SessionEvent.RequestExpired(request));
    }

    /// <summary>Why a request can't even be made; null when it can.</summary>
    private string? Refusal(MvRequest kind)
    {
        if (_pending is { } other) return $"Another request ({Name(other.Kind)}) is being carried out; try again when it is done.";
        return (kind, _state.Phase) switch
        {
            (MvRequest.Follow, Phase.Followed) => $"The session has a follower already (pid {_state.FollowerPid}); 'mvedsua unfollow {_file.Name}' ends it.",
            (MvRequest.Unfollow, Phase.SingleLeader) => "The session has no follower.",
            (_, Phase.Starting) => "The server is still starting.",
            (_, Phase.Attaching) => "A follower is just being attached.",
            (_, Phase.Failover) => "The leader has just died and the follower is taking over.",
            (_, Phase.Ended) => "The server has ended.",
            _ => null,
        };
    }

    private void SettleWhenAnswered()
    {
        if (_pending is not { } request || !_memory.Control.IsAnswered(request.Number, out MvReason answer)) return;
        ControlView view = _memory.Control.View();
        if (answer != MvReason.None)
        {
            ExitStatus status = answer switch
            {
                MvReason.Busy => ExitStatus.RefusedByStage,
                MvReason.Unsupported => ExitStatus.Unsupported,
                _ => ExitStatus.Internal,
            };
            string why = Reasons.Explain(answer, view.ReasonCode, view.ReasonText);
            Settle(ControlReply.Refuse(status, $"{Name(request.Kind)} was refused, the server goes on unchanged: {why}."));
            return;
        }
        switch (request.Kind)
        {
            case MvRequest.Follow when view.FollowerPid == 0:
                Settle(ControlReply.Refuse(ExitStatus.Internal,
                    $"The follower ended at once, the server goes on unchanged: {Reasons.Explain(view.Reason, view.ReasonCode, view.ReasonText)}."));
                break;
            case MvRequest.Follow:
                Settle(new ControlReply(true, Message:
                    $"follower {view.FollowerPid} attached; the server paused for {view.AttachPause.TotalMilliseconds:0.0} ms"));
                break;
            case MvRequest.Unfollow when _state.FollowerPid != 0:
                /* Told to end; the reply waits for its death. */
                if (!request.IsAnswered) KillLater(_state.FollowerPid);
                request.IsAnswered = true;
                break;
            case MvRequest.Unfollow:
                Settle(new ControlReply(true, Message: "the follower has ended"));
                break;
            default:
                Settle(new ControlReply(true));
                break;
        }
    }

    private void Settle(ControlReply reply)
    {
        ShimRequest? request = _pending;
        _pending = null;
        request?.Settle(reply);
    }

    private static string Name(MvRequest kind) => kind.ToString().ToLowerInvariant();
}
