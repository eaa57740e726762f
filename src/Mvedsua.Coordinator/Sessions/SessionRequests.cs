using Mvedsua.Abi;
using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Tracing;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The session's side of the control socket.</summary>
internal sealed partial class Session
{
    public Task<ControlReply> FollowAsync() => AskAsync(new ShimRequest(MvRequest.Follow));

    private Task<ControlReply> UnfollowNowAsync(int pid, bool all) => AskAsync(new ShimRequest(MvRequest.Unfollow) { Target = pid, All = all });

    public async Task<SessionStatus> StatusAsync()
    {
        var done = new TaskCompletionSource<SessionStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryPost(new SessionEvent.Inspect(() => done.TrySetResult(
            StatusView.Make(_file, _memory, LeaderPid, _state.Followers, [.. _history], _stages.Stage, OfUpdate()))))) throw new OperationCanceledException("the session has ended");
        return await done.Task.WaitAsync(ShimRequest.TimeLimit).ConfigureAwait(false);
    }

    public async Task<DivergenceReport?> LastReportAsync()
    {
        try
        {
            await (await LookAsync(() => _reporting).ConfigureAwait(false)).WaitAsync(ShimRequest.TimeLimit).ConfigureAwait(false);
        }
        catch (Exception e) when (e is UpdateRefusedException or TimeoutException)
        {
            /* The session has ended, and waits for its reports itself; or one takes for ever: the last one is told. */
        }
        return _reports.Last();
    }

    public IAsyncEnumerable<TraceEvent> TraceAsync(CancellationToken cancel) => Tracer.RunAsync(_file.Name, _memory, kind => AskAsync(new ShimRequest(kind)), cancel);

    private Task<ControlReply> AskAsync(ShimRequest request)
    {
        if (!TryPost(new SessionEvent.Requested(request))) request.Settle(SessionEnded);
        return request.Reply;
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
            if (Refusal(request) is { } refusal)
            {
                _waiting.RemoveFirst();
                request.MaySucceedLater = _state.Phase == Phase.Failover;
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
        request.Leader = LeaderPid;
        if (request.Kind is MvRequest.Unfollow or MvRequest.Promote)
            request.Followers = [.. _state.Followers.Where(f => request.All || request.Target == 0 || f.Pid == request.Target)];
        request.Since ??= _members.View().Generation;
        request.Number = _memory.Control.Block.PostRequest(request.Kind, request switch
        {
            { Kind: MvRequest.Follow } => request.Since.Value,
            { Kind: MvRequest.Unfollow or MvRequest.Promote, All: false, Followers: [var only, ..] } => only.Generation,
            _ => 0,
        }, request.Point, request.PointName);
        int error = ShimKick.Send(LeaderPid, (int)MvAbi.KickRequest);
        if (error == ShimKick.NotUnderShim)
            Settle(ControlReply.Refuse(ExitStatus.Unsupported,
                $"The server (pid {LeaderPid}) has replaced itself by a program that runs without libmvedsua.so, and goes on so: give that program to 'mvedsua run' itself, and see MVEDSUA_EXEC."));
        else if (error is not (0 or Libc.ESRCH)) /* (of a leader that has just died, whoever leads next finds the request) */
            Settle(ControlReply.Refuse(ExitStatus.Internal,
                $"The leader (pid {LeaderPid}) can't be told: {Marshal.GetPInvokeErrorMessage(error)}."));
        else
            After(ShimRequest.TimeLimit, new SessionEvent.RequestExpired(request));
    }

    /// <summary>A leader that has died answers nothing: whoever leads now is asked. (One that dies in the middle of an attachment is
    /// succeeded by the copy, and the operator wanted a follower.) The time limit is the first asking's.</summary>
    private void AskTheNextLeader()
    {
        /* (Whoever was to lead does, if it lives.) */
        if (_pending is { Kind: MvRequest.Promote } promotion && promotion.Leader != LeaderPid && _state.Phase == Phase.SingleLeader)
            Settle(new ControlReply(true, Message: $"{LeaderPid} leads; {promotion.Leader} has ended meanwhile"));
        if (_pending is { } request && request.Leader != LeaderPid && _state.Phase == Phase.SingleLeader) Ask(request);
    }

    /// <summary>Why a request can't even be made; null when it can.</summary>
    private string? Refusal(ShimRequest request) => (request.Kind, _state.Phase) switch
    {
        (MvRequest.Follow or MvRequest.Update, Phase.Followed) when _state.Followers.Count == MostFollowers =>
            $"The session has {MostFollowers} followers already (pids {Pids}), which is all that there can be; 'mvedsua unfollow {_file.Name} PID' ends one.",
        (MvRequest.Unfollow or MvRequest.Promote, Phase.SingleLeader) => "The session has no follower.",
        (MvRequest.Promote, Phase.Followed) when request.Target == 0 && _state.Followers.Count > 1 =>
            $"The session has {_state.Followers.Count} followers (pids {Pids}): name one of them.",
        (MvRequest.Unfollow, Phase.Followed) when !request.All && request.Target == 0 && _state.Followers.Count > 1 =>
            $"The session has {_state.Followers.Count} followers (pids {Pids}): name one of them, or --all.",
        (MvRequest.Unfollow or MvRequest.Promote, Phase.Followed) when request.Target != 0 && _state.Followers.All(f => f.Pid != request.Target) =>
            $"Process {request.Target} is no follower of the session; there are: {Pids}.",
        (_, Phase.Starting) => "The server is still starting, or libmvedsua.so is not in it.",
        (_, Phase.Attaching) => "A follower is just being attached.",
        (MvRequest.Promote, Phase.Followed) when _state.Followers.Any(f => (request.Target == 0 || f.Pid == request.Target)
            && _memory.Control.Block.Member(f.Version).State != MvMemberState.Replaying) => "That follower is just being updated.",
        (_, Phase.Promoting) => "Leader and follower are just changing places.",
        (_, Phase.Failover) => "The leader has just died and the follower is taking over.",
        (_, Phase.Ended) => "The server has ended.",
        _ => null,
    };

    /// <summary>What keeps the leader from answering, as far as can be told.</summary>
    private string WhyOverdue(ShimRequest request)
    {
        string? point = request switch
        {
            { Kind: MvRequest.Update, Point: MvAbi.PointNamed } => $"its update point {request.PointName}",
            { Kind: MvRequest.Update, Point: not (MvAbi.PointAny or MvAbi.PointCalls) and var call } => $"its update point ({Abi.Calls.CallTable.ByNumber(call)!.Name})",
            { Kind: MvRequest.Update } => "an update point (a wait for its clients)",
            { Kind: MvRequest.Promote, Followers: [var follower] } when PointOf(follower) is { } call => $"its update point ({call})",
            _ => null,
        };
        string time = $"within {ShimRequest.TimeLimit.TotalSeconds:0} s";
        ControlView view = _members.View();
        if (request.Kind is MvRequest.Update or MvRequest.Promote && view.Reason == MvReason.ParkTimeout && (uint)view.ReasonCode == request.Number)
            return $"The server's threads did not all rest at once {time} (at last, {view.ReasonText})";
        return point is null ? $"The leader has not answered {time} (is it stopped?)"
            : $"The server's main thread has not come to {point} {time} ({MainThreadsCall})";
    }

    /// <summary>The system call at which the leader and that follower change places; null: any.</summary>
    private string? PointOf(Follower follower) =>
        _memory.Control.UpdatedOf(_memory.Control.Block.LeaderVersion, follower.Version) is { HasRules: true } updated
            ? Abi.Calls.CallTable.ByNumber(updated.Point)?.Name ?? "a wait for its clients" : null;

    private const int MostFollowers = (int)MvAbi.Versions - 1;

    private string Pids => string.Join(", ", _state.Followers.Select(f => f.Pid));

    private void SettleWhenAnswered()
    {
        if (_pending is not { } request) return;
        /* Before the view, which then holds what the leader did before it answered. */
        bool isAnswered = _memory.Control.IsAnswered(request.Number, out MvReason answer);
        ControlView view = _members.View();
        if (!isAnswered)
        {
            if (!IsAnsweredByTheCopy(request, view)) return;
            answer = MvReason.None;
        }
        if (answer != MvReason.None)
        {
            string why = Reasons.Explain(answer, view.ReasonCode, view.ReasonText);
            request.MaySucceedLater = answer == MvReason.Busy && view.ReasonCode == Libc.EAGAIN;
            Settle(ControlReply.Refuse(Reasons.Status(answer), $"{Name(request.Kind)} was refused, the server goes on unchanged: {why}."));
            return;
        }
        switch (request.Kind)
        {
            /* The one that agreed has died since: its copy leads and is asked next (AskTheNextLeader). Unless that one has found the
               request by itself, as it took over, and is followed already. */
            case MvRequest.Follow when view.LeaderPid != request.Leader
                && (view.Newest?.Generation ?? 0) <= view.Members[view.LeaderVersion].Generation:
                break;
            case MvRequest.Follow when view.Newest is not { } newest || newest.Pid == 0 || newest.State == MvMemberState.Ended:
                Member ended = view.Newest ?? default;
                Settle(ControlReply.Refuse(Reasons.Status(ended.Reason),
                    $"The follower ended at once, the server goes on unchanged: {Reasons.Explain(ended.Reason, ended.ReasonCode, ended.ReasonText ?? "")}."));
                break;
            /* The copy says when all its threads replay. */
            case MvRequest.Follow when view.Newest is { State: MvMemberState.None }:
                break;
            case MvRequest.Follow:
                Settle(new ControlReply(true, Message:
                    $"follower {view.Newest?.Pid} attached; the server paused for {view.AttachPause.TotalMilliseconds:0.0} ms"));
                break;
            case MvRequest.Unfollow when request.Followers.Any(f => !_state.HasEnded(f.Pid, f.Generation)):
                /* Told to end; the reply waits for its death, which may come after its leader has forgotten it. */
                if (!request.IsAnswered)
                    foreach (Follower follower in request.Followers) KillLater(follower.Pid, EndingTime);
                request.IsAnswered = true;
                break;
            case MvRequest.Unfollow:
                Settle(new ControlReply(true, Message: request.Followers.Count > 1 ? "the followers have ended" : "the follower has ended"));
                break;
            /* The state machine has not looked yet. */
            case MvRequest.Update when view.Newest is not { } copy || copy.Pid == 0 || copy.State is MvMemberState.Ended:
                Member lost = view.Newest ?? default;
                Settle(ControlReply.Refuse(ExitStatus.UpdateFailed,
                    $"The copy ended at once, the server goes on unchanged: {Reasons.Explain(lost.Reason, lost.ReasonCode, lost.ReasonText ?? "")}."));
                break;
            case MvRequest.Update when view.Newest is { State: not MvMemberState.Updating }:
                break;
            case MvRequest.Update:
                Member made = view.Newest!.Value;
                request.Followers = [new Follower(made.Version, made.Pid, made.Generation)];
                Settle(new ControlReply(true, Message: $"the server paused for {view.AttachPause.TotalMilliseconds:0.0} ms"));
                break;
            case MvRequest.Promote when _state.Phase == Phase.Promoting:
                break;
            case MvRequest.Promote:
                Settle(new ControlReply(true, Message:
                    $"{LeaderPid} leads, {request.Leader} follows it; the server paused for {view.AttachPause.TotalMilliseconds:0.0} ms"));
                break;
            default:
                Settle(new ControlReply(true));
                break;
        }
    }

    /// <summary>A leader that died between making the copy that an update asked for and saying so. That copy does nothing by itself, also not take
    /// over: it waits to be made the new version. (Beside another follower it is not needed: that one leads, and is asked.)</summary>
    private bool IsAnsweredByTheCopy(ShimRequest request, in ControlView view) => request.Kind == MvRequest.Update && _state.LeaderHasEnded
        && _state.Followers.Count == 1 && view.Newest is { State: MvMemberState.Updating } copy && copy.Generation > request.Since;

    private void Settle(ControlReply reply)
    {
        ShimRequest? request = _pending;
        _pending = null;
        request?.Settle(reply);
        BeginNext();
    }

    private static string Name(MvRequest kind) => kind.ToString().ToLowerInvariant();
}
