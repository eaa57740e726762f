namespace Mvedsua.Coordinator.Sessions;

/// <summary>What is to be done about a follower that is to lead.</summary>
internal enum PromotionVerdict
{
    /// <summary>It is looked at again.</summary>
    Later,

    /// <summary>The leader is asked to change places with it.</summary>
    Ask,

    /// <summary>It is too far behind, and its time is over.</summary>
    GiveUp,
}

/// <summary>When a follower is close enough to its leader to be asked to lead: the server stands still until it has done all that the leader
/// has. So it is asked when that is little; or, under a load that leaves it always behind, when it is as much as it does in a moment. A pure
/// function of what it is shown. Not safe for concurrent use.</summary>
/// <param name="patience">How long it is waited for.</param>
internal sealed class PromotionWait(TimeSpan patience)
{
    /// <summary>Events: some milliseconds'.</summary>
    internal const long NearlyInStep = 1000;

    /// <summary>How long the follower's pace is measured.</summary>
    internal static readonly TimeSpan Window = TimeSpan.FromSeconds(3);

    /// <summary>Between two offers: each that is let pass costs the server a second.</summary>
    internal static readonly TimeSpan Respite = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _longestPause = TimeSpan.FromMilliseconds(100); /* that may be expected */
    private (TimeSpan At, ulong Replayed) _window, _windowBefore, _passed;
    private bool _letPass;

    /// <param name="now">Since the promotion was asked for.</param>
    /// <param name="behind">Events that the follower has not replayed.</param>
    /// <param name="replayed">Events that it has replayed since then.</param>
    internal PromotionVerdict Look(TimeSpan now, long behind, ulong replayed)
    {
        /* One that stands still would let the next offer pass, too. */
        bool mayBeAsked = !_letPass || (now - _passed.At >= Respite && replayed > _passed.Replayed);
        if (mayBeAsked && behind <= NearlyInStep) return PromotionVerdict.Ask;
        bool isOver = now >= patience;
        bool isWhole = now - _window.At >= Window;
        if (!isOver && !isWhole) return PromotionVerdict.Later;
        /* The last look comes at any time: what was done since a moment ago is no pace. */
        (TimeSpan since, ulong before) = isWhole ? _window : _windowBefore;
        if (mayBeAsked && now - since >= _longestPause && behind * (now - since) <= (replayed - before) * _longestPause) return PromotionVerdict.Ask;
        (_windowBefore, _window) = (_window, (now, replayed));
        return isOver ? PromotionVerdict.GiveUp : PromotionVerdict.Later;
    }

    /// <summary>It was offered the lead and did not take it in time.</summary>
    internal void LetPass(TimeSpan now, ulong replayed) => (_letPass, _passed) = (true, (now, replayed));
}
