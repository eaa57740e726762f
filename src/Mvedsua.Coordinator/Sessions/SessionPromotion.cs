using System.Diagnostics;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Promotions: the leader is asked as soon as the follower is close enough, and at no other time.</summary>
internal sealed partial class Session
{
    /// <param name="pid">Which follower; 0: the only one.</param>
    /// <param name="wait">How long it is waited for; null: <see cref="PromotionPatience.Usual"/>.</param>
    /// <param name="isWanted">On the session's thread: somebody still waits for it.</param>
    /// <param name="asked">On the session's thread: is told whether the leader is being asked.</param>
    private async Task<ControlReply> PromoteWhenCloseAsync(int pid, TimeSpan? wait, Func<bool> isWanted, Action<bool>? asked = null)
    {
        var promotion = new Promotion(wait);
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
        switch (promotion.When.Look(promotion.Time, behind, promotion.Pace.Replayed))
        {
            case PromotionVerdict.Ask:
                asked?.Invoke(true);
                Accept(request);
                return request.Reply;
            case PromotionVerdict.GiveUp:
                return Task.FromResult(ControlReply.Refuse(Reasons.Status(MvReason.Behind),
                    $"Leader and follower go on unchanged: {Reasons.Explain(MvReason.Behind, (int)Math.Min(behind, int.MaxValue), promotion.Waited)}."));
            default:
                if (!promotion.IsNoted) SessionLog.Noted(_log, $"{who.Pid} is {behind} events behind; it is waited for, and leads as soon as it is close");
                promotion.IsNoted = true;
                return null;
        }
    }

    /// <summary>Empty if its place is another's already.</summary>
    private string WhyEnded(Follower who) => _members.View().Members[who.Version] is var member && member.Generation == who.Generation
        ? $": {Reasons.Explain(member.Reason, member.ReasonCode, member.ReasonText)}" : "";

    private sealed class Promotion(TimeSpan? wait)
    {
        private readonly long _begin = Stopwatch.GetTimestamp();

        /// <summary>Null until it was looked for.</summary>
        internal Follower? Who { get; set; }

        /// <summary>The log says that it is waited for.</summary>
        internal bool IsNoted { get; set; }

        internal ReplayPace Pace { get; } = new();

        internal PromotionWait When { get; } = new(wait ?? PromotionPatience.Usual);

        internal TimeSpan Time => Stopwatch.GetElapsedTime(_begin);

        /// <summary>For the refusal; empty if nobody has said how long.</summary>
        internal string Waited => wait is { } time ? $"it was given {UpdatePlan.Text(time)}" : "";

        /// <summary>The lag is in shared memory: nothing tells of its changes.</summary>
        internal TimeSpan LookAgain => TimeSpan.FromMilliseconds(Time < PromotionWait.Window ? 2 : 20);

        /// <summary>An offer that was let pass is made again, if there is time; whatever else was answered is the outcome.</summary>
        internal bool MayGoOn(ControlReply reply)
        {
            if (reply.ExitStatus != ExitStatus.FollowerBehind || wait is not { } patience || Time >= patience) return false;
            When.LetPass(Time, Pace.Replayed);
            return true;
        }
    }
}
