using System.Diagnostics;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Promotions: the leader is asked as soon as the follower is close enough and the server has no child processes, and at no other time: to be
/// asked stops all its threads for a moment.</summary>
internal sealed partial class Session
{
    /// <param name="pid">Which follower; 0: the only one.</param>
    /// <param name="wait">How long it is waited for; null: <see cref="PromotionPatience.Usual"/>.</param>
    /// <param name="forChildren">How long the server's children are waited for if <paramref name="wait"/> is null.</param>
    /// <param name="isWanted">On the session's thread: somebody still waits for it.</param>
    /// <param name="asked">On the session's thread: is told whether the leader is being asked.</param>
    private async Task<ControlReply> PromoteWhenCloseAsync(int pid, TimeSpan? wait, TimeSpan forChildren, Func<bool> isWanted, Action<bool>? asked = null)
    {
        var promotion = new Promotion(wait, forChildren);
        try
        {
            while (true)
            {
                if (await TryLookAsync().ConfigureAwait(false) is not { } outcome)
                {
                    await Task.Delay(promotion.LookAgain).ConfigureAwait(false);
                    continue;
                }
                ControlReply reply = await outcome.ConfigureAwait(false);
                if (!promotion.MayGoOn(reply)) return reply;
            }
        }
        catch (UpdateRefusedException)
        {
            return SessionEnded;
        }

        async Task<Task<ControlReply>?> TryLookAsync()
        {
            try
            {
                return await LookAsync(() => Look(promotion, pid, isWanted, asked)).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return null; /* the coordinator was stopped for long: the look was not made */
            }
        }
    }

    /// <summary>On the session's thread, so that nothing comes between the look and the request.</summary>
    /// <returns>The outcome; null: it is to be looked at again.</returns>
    private Task<ControlReply>? Look(Promotion promotion, int pid, Func<bool> isWanted, Action<bool>? asked)
    {
        asked?.Invoke(false);
        if (!isWanted()) return Task.FromResult(ControlReply.Refuse(ExitStatus.Overtaken, "Nobody waits for the promotion any more."));
        if (promotion.Who?.Pid == LeaderPid) return Task.FromResult(new ControlReply(true, Message: $"{LeaderPid} has come to lead meanwhile"));
        /* Another follower may come meanwhile, or the leader die: then it is known in a moment whether this one leads. */
        if (promotion.Who is not null && (_pending is not null || _state.Phase is Phase.Attaching or Phase.Failover or Phase.Promoting)) return null;
        if (promotion.Who is { } gone && _state.Followers.All(f => f.Pid != gone.Pid))
            return Task.FromResult(ControlReply.Refuse(ExitStatus.RefusedByStage, $"{gone.Pid} has ended while it was waited for, {LeaderPid} leads on{WhyEnded(gone)}."));
        var request = new ShimRequest(MvRequest.Promote) { Target = promotion.Who?.Pid ?? pid };
        if (Refusal(request) is { } refusal) return Task.FromResult(ControlReply.Refuse(ExitStatus.RefusedByStage, refusal));
        Follower who = promotion.Who ??= _state.Followers.First(f => pid == 0 || f.Pid == pid); /* whoever follows later is not meant */
        promotion.Pace.Look(ReplayPace.Of(_memory, who.Version));
        long behind = LagMonitor.Measure(_memory, who.Version).Events;
        promotion.ChildrenLive = false;
        PromotionVerdict verdict = promotion.When.Look(promotion.LagTime, behind, promotion.Pace.Replayed);
        if (verdict != PromotionVerdict.Later && Children() is { Count: > 0 } children)
        {
            if (promotion.TryWaitForChildren())
                return NotYet($"{who.Pid} leads as soon as the server's child processes have ended: {ChildProcesses.Text(children)}");
            if (verdict == PromotionVerdict.Ask)
                return Task.FromResult(ControlReply.Refuse(Reasons.Status(MvReason.Busy),
                    $"Leader and follower go on unchanged: the server has child processes, whose parent would change: {ChildProcesses.Text(children)}. They were given {UpdatePlan.Text(promotion.ForChildren)}; ask again when they have ended, or with a longer --wait."));
        }
        switch (verdict)
        {
            case PromotionVerdict.Ask when promotion.Time < promotion.NotBefore:
                return null;
            case PromotionVerdict.Ask:
                asked?.Invoke(true);
                promotion.Request = request;
                Accept(request);
                return request.Reply;
            case PromotionVerdict.GiveUp:
                return Task.FromResult(ControlReply.Refuse(Reasons.Status(MvReason.Behind),
                    $"Leader and follower go on unchanged: {Reasons.Explain(MvReason.Behind, (int)Math.Min(behind, int.MaxValue), promotion.Waited)}."));
            default:
                return NotYet($"{who.Pid} is {behind} events behind; it is waited for, and leads as soon as it is close");
        }

        Task<ControlReply>? NotYet(string why)
        {
            if (!promotion.IsNoted) SessionLog.Noted(_log, why);
            promotion.IsNoted = true;
            return null;
        }
    }

    /// <summary>What has the leader as its parent, or takes it for that: children of one that died are the coordinator's.</summary>
    private List<int> Children() => [.. ChildProcesses.Of(LeaderPid), .. _memory.Control.Block.LivingOrphans()];

    /// <summary>Empty if its place is another's already.</summary>
    private string WhyEnded(Follower who) => _members.View().Members[who.Version] is var member && member.Generation == who.Generation
        ? $": {Reasons.Explain(member.Reason, member.ReasonCode, member.ReasonText)}" : "";

    private sealed class Promotion(TimeSpan? wait, TimeSpan forChildren)
    {
        /// <summary>Between two requests that the leader refuses for something that passes.</summary>
        private static readonly TimeSpan _respite = TimeSpan.FromSeconds(1);

        private readonly long _begin = Stopwatch.GetTimestamp();
        private TimeSpan _lagSince; /* what the follower's own time is counted from */

        /// <summary>Null until it was looked for.</summary>
        internal Follower? Who { get; set; }

        /// <summary>At the last look; it is they that are waited for.</summary>
        internal bool ChildrenLive { get; set; }

        /// <summary>What the leader was asked last.</summary>
        internal ShimRequest? Request { get; set; }

        /// <summary>The log says that it is waited for.</summary>
        internal bool IsNoted { get; set; }

        internal ReplayPace Pace { get; } = new();

        internal PromotionWait When { get; private set; } = new(wait ?? PromotionPatience.Usual);

        internal TimeSpan Time => Stopwatch.GetElapsedTime(_begin);

        internal TimeSpan LagTime => Time - _lagSince;

        /// <summary>How long children are waited for.</summary>
        internal TimeSpan ForChildren => wait ?? forChildren;

        /// <summary>The leader is not asked again before that time.</summary>
        internal TimeSpan NotBefore { get; private set; }

        /// <summary>For the refusal; empty if nobody has said how long.</summary>
        internal string Waited => wait is { } time ? $"it was given {UpdatePlan.Text(time)}" : "";

        /// <summary>The lag is in shared memory, and only its parent knows when it has waited for a child: nothing tells of either's change. (A server waits
        /// for its children when it comes to that, Redis ten times a second.)</summary>
        internal TimeSpan LookAgain => TimeSpan.FromMilliseconds(LagTime < PromotionWait.Window && !ChildrenLive ? 2 : 20);

        /// <summary>The server has children: false when their time is over. What the follower has to catch up with meanwhile does not count against its
        /// usual time.</summary>
        internal bool TryWaitForChildren()
        {
            ChildrenLive = Time < ForChildren;
            if (ChildrenLive && wait is null) (_lagSince, When) = (Time, new PromotionWait(PromotionPatience.Usual));
            return ChildrenLive;
        }

        /// <summary>What passes by itself (an offer that was let pass, a child that was made just then) is tried again, if there is time; whatever else was
        /// answered is the outcome.</summary>
        internal bool MayGoOn(ControlReply reply)
        {
            if (Request is { MaySucceedLater: true } && !reply.Ok)
            {
                NotBefore = Time + _respite;
                return Time < ForChildren;
            }
            if (reply.ExitStatus != ExitStatus.FollowerBehind || wait is not { } patience || Time >= patience) return false;
            When.LetPass(LagTime, Pace.Replayed);
            return true;
        }
    }
}
