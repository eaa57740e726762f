namespace Mvedsua.Coordinator.Control;

/// <summary>How long a promotion waits for what passes by itself: that its follower comes close to the leader, that the server's child processes
/// end (`--wait`).</summary>
public static class PromotionPatience
{
    /// <summary>If nobody says otherwise.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(3);

    /// <summary>For the children of a server whose update goes on by itself, if nobody says otherwise: saving a large store takes minutes, and it
    /// serves meanwhile. Not for ever: there are servers that keep a child.</summary>
    public static readonly TimeSpan Unattended = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan _longest = TimeSpan.FromDays(1);

    /// <summary>Why it can't be that long, as a sentence without its full stop; null: it can.</summary>
    public static string? Contradiction(TimeSpan? wait) =>
        wait is { } time && (time < TimeSpan.Zero || time > _longest) ? $"--wait takes a time of at most {_longest.TotalHours:0} h" : null;
}
