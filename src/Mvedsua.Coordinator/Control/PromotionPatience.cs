namespace Mvedsua.Coordinator.Control;

/// <summary>How long a promotion waits for its follower to come close to the leader (`--wait`).</summary>
public static class PromotionPatience
{
    /// <summary>If nobody says otherwise.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan _longest = TimeSpan.FromDays(1);

    /// <summary>Why it can't be that long, as a sentence without its full stop; null: it can.</summary>
    public static string? Contradiction(TimeSpan? wait) =>
        wait is { } time && (time < TimeSpan.Zero || time > _longest) ? $"--wait takes a time of at most {_longest.TotalHours:0} h" : null;
}
