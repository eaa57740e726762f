namespace Mvedsua.Replication.Rows;

/// <summary>How long to measure.</summary>
/// <param name="Rounds">Interleaved rounds of whole servers; at least 5.</param>
/// <param name="Requests">Requests of a round.</param>
/// <param name="IdleSeconds">Length of the idle measurement, all its rounds together.</param>
/// <param name="Kills">Failovers of each size.</param>
/// <param name="MicroRounds">Runs of a micro-benchmark.</param>
/// <param name="Updates">Updates of each kind.</param>
/// <param name="Conversions">Updates that convert a million entries: seconds each.</param>
/// <param name="TimelineSeconds">Of each of the three curves of the figure; the paper's has 360.</param>
/// <param name="Repeat">What <c>--repeat</c> asked for; null: nothing, and what is cheap may be done more often, what is dear less often.</param>
internal sealed record Effort(
    int Rounds, int Requests, int IdleSeconds, int Kills, int MicroRounds, int Updates, int Conversions, double TimelineSeconds, int? Repeat = null)
{
    internal static Effort Full { get; } = new(9, 100_000, 15, 5, 5, 7, 3, 360);
    internal static Effort Quick { get; } = new(6, 15_000, 4, 2, 1, 2, 1, 24);

    /// <summary>Everything that is repeated, so many times.</summary>
    internal Effort Repeated(int times) => this with
    {
        Rounds = times,
        IdleSeconds = Math.Max(1, IdleSeconds * times / Rounds), // a round stays as long
        Kills = times,
        MicroRounds = times,
        Updates = times,
        Conversions = times,
        Repeat = times,
    };

    /// <summary>So many of the <paramref name="usual"/> number, at least or at most; as many as were asked for, if that was.</summary>
    internal int AtLeast(int fewest, int usual) => Repeat ?? Math.Max(fewest, usual);

    internal int AtMost(int most, int usual) => Repeat ?? Math.Min(most, usual);
}
