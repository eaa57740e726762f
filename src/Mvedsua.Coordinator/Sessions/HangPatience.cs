namespace Mvedsua.Coordinator.Sessions;

/// <summary>For how many looks a follower may stand still though there is something to replay. A follower computes as long as its leader did
/// between the same two calls, or longer on a busy machine, and may come to that when its leader has long gone on: it is given several times
/// the longest silence that was seen of that leader. Silent is who publishes nothing while its follower does not sleep; one that does would
/// have finished the same computation, so that its leader is idle. Only silences that have ended count: a leader that rests may not prolong a
/// hang. Looks are counted, not the clock: while the coordinator itself stands still, nobody looks. Not safe for concurrent use.</summary>
/// <param name="shortest">So many looks in any case.</param>
/// <param name="longestSilences">So many times the leader's longest silence.</param>
internal sealed class HangPatience(int shortest, int longestSilences)
{
    private ReplayProgress _last;
    private int _idle, _silent, _longest;

    /// <summary>One look more: for how many looks it has stood still, when that is too many (counting begins anew then); else null.</summary>
    /// <param name="now">What is seen.</param>
    /// <param name="mayStand">It is stopped, or does not replay yet.</param>
    internal int? IsOver(in ReplayProgress now, bool mayStand)
    {
        if (now.Published != _last.Published)
        {
            _longest = Math.Max(_longest, _silent);
            _silent = 0;
        }
        else if (!now.Sleeps)
        {
            _silent++;
        }
        _idle = now.Waits || mayStand || now.Replayed != _last.Replayed ? 0 : _idle + 1;
        _last = now;
        int patience = Math.Max(shortest, longestSilences * _longest);
        if (_idle < patience) return null;
        _idle = 0;
        return patience;
    }
}
