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

    public IAsyncEnumerable<TraceEvent> TraceAsync(CancellationToken cancel) => Tracer.RunAsync(_file.Name, _memory, AskAsync, cancel);

    private Task<ControlReply> AskAsync(MvRequest kind)
    {
        var request = new ShimRequest(kind);
        if (!TryPost(new SessionEvent.Requested(request))) request.Settle(SessionEnded);
        return request.Reply;
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Announce()
    {
        TaskCompletionSource before = _change;
        _change = NewChange();
        before.TrySetResult();
    }

    /// <summary>One request at a time reaches the leader. An operator's second one is refused; the coordinator's own
    /// (tracing) wait for their turn.</summary>
    private void Accept(ShimRequest request)
    {
        if (request.IsOperators && (_pending is { IsOperators: true } ? _pending : _waiting.FirstOrDefault(r => r.IsOperators)) is { } other)
        {
            request.Settle(ControlReply.Refuse(ExitStatus.RefusedByStage,
                $"Another request ({Name(other.Kind)}) is being carried out; try again when it is done."));
            return;
        }
        _waiting.AddLast(request);
        BeginNext();
    }

    private void BeginNext()
    {
        while (_pending is null && _waiting.First is { Value: var request })
        {
            if (Refusal(request.Kind) is { } refusal)
            {
                _waiting.RemoveFirst();
                request.Settle(ControlReply.Refuse(ExitStatus.RefusedByStage, refusal));
                continue;
            }
            _waiting.RemoveFirst();
            Ask(request);
        }
    }

    private void Ask(ShimRequest request)
    {
        _pending = request;
        if (request.Kind == MvRequest.Unfollow) request.Follower = _state.Follower;
        request.Number = _memory.Control.Block.PostRequest(request.Kind);
        int error = ShimKick.Send(LeaderPid, (int)MvAbi.KickRequest);
        if (error == ShimKick.NotUnderShim)
            Settle(ControlReply.Refuse(ExitStatus.Unsupported,
                $"The server (pid {LeaderPid}) has replaced itself by a program that runs without libmvedsua.so, and goes on so: give that program to 'mvedsua run' itself, and see MVEDSUA_EXEC."));
        else if (error != 0)
            Settle(ControlReply.Refuse(ExitStatus.Internal,
                $"The leader (pid {LeaderPid}) can't be told: {Marshal.GetPInvokeErrorMessage(error)}."));
        else
            After(ShimRequest.TimeLimit, new SessionEvent.RequestExpired(request));
    }

    /// <summary>Why a request can't even be made; null when it can.</summary>
    private string? Refusal(MvRequest kind) => (kind, _state.Phase) switch
    {
        (MvRequest.Follow, Phase.Followed) => $"The session has a follower already (pid {_state.FollowerPid}); 'mvedsua unfollow {_file.Name}' ends it.",
        (MvRequest.Unfollow, Phase.SingleLeader) => "The session has no follower.",
        (_, Phase.Starting) => "The server is still starting, or libmvedsua.so is not in it.",
        (_, Phase.Attaching) => "A follower is just being attached.",
        (_, Phase.Failover) => "The leader has just died and the follower is taking over.",
        (_, Phase.Ended) => "The server has ended.",
        _ => null,
    };

    private void SettleWhenAnswered()
    {
        if (_pending is not { } request || !_memory.Control.IsAnswered(request.Number, out MvReason answer)) return;
        ControlView view = _members.View();
        if (answer != MvReason.None)
        {
            string why = Reasons.Explain(answer, view.ReasonCode, view.ReasonText);
            Settle(ControlReply.Refuse(Reasons.Status(answer), $"{Name(request.Kind)} was refused, the server goes on unchanged: {why}."));
            return;
        }
        switch (request.Kind)
        {
            case MvRequest.Follow when view.FollowerPid == 0:
                Settle(ControlReply.Refuse(Reasons.Status(view.Reason),
                    $"The follower ended at once, the server goes on unchanged: {Reasons.Explain(view.Reason, view.ReasonCode, view.ReasonText)}."));
                break;
            /* The copy says when all its threads replay. */
            case MvRequest.Follow when view.Follower == FollowerState.None:
                break;
            case MvRequest.Follow:
                Settle(new ControlReply(true, Message:
                    $"follower {view.FollowerPid} attached; the server paused for {view.AttachPause.TotalMilliseconds:0.0} ms"));
                break;
            case MvRequest.Unfollow when request.Follower.Pid != 0 && !_state.HasEnded(request.Follower.Pid, request.Follower.Generation):
                /* Told to end; the reply waits for its death, which may come after its leader has forgotten it. */
                if (!request.IsAnswered) KillLater(request.Follower.Pid);
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
        BeginNext();
    }

    private static string Name(MvRequest kind) => kind.ToString().ToLowerInvariant();
}
