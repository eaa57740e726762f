namespace Mvedsua.Replication.Measuring;

/// <summary>A round in which others used processors noticeably.</summary>
/// <param name="Number">From 1: the place of its value in the rows of the series.</param>
/// <param name="Cores">Mean number that others used meanwhile.</param>
internal sealed record DisturbedRound(int Number, double Cores);

/// <summary>What was measured in rounds.</summary>
/// <param name="What">As the names of its rows begin, or nearly so.</param>
/// <param name="Rounds">How many.</param>
/// <param name="Disturbed">Those of them that others disturbed: they stay in the rows.</param>
internal sealed record Series(string What, int Rounds, IReadOnlyList<DisturbedRound> Disturbed);

/// <summary>What happens while an experiment is made, beside what it measures.</summary>
/// <param name="look">What others have used until now; null: as this machine tells.</param>
internal sealed class RunLog(Func<Foreign>? look = null)
{
    private readonly Func<Foreign> _look = look ?? Disturbance.Now;
    private readonly List<Series> _series = [];
    private readonly List<string> _servers = [];

    internal IReadOnlyList<Series> Series => _series;

    /// <summary>The servers that were measured, with their versions, in the order of their first start.</summary>
    internal IReadOnlyList<string> Servers => _servers;

    internal void Measured(string? server)
    {
        if (server is not null && !_servers.Contains(server)) _servers.Add(server);
    }

    /// <summary>Makes so many rounds; as many as were finished when an interruption comes, unless none was. Whoever starts something afterwards is told of it: what follows
    /// from the finished rounds can be computed, no more can be measured.</summary>
    internal IReadOnlyList<T> Repeat<T>(string what, int count, Func<T> round)
    {
        List<T> rounds = [];
        List<DisturbedRound> disturbed = [];
        var begin = _look();
        try
        {
            while (rounds.Count < count)
            {
                var measured = round();
                Interruption.ThrowIfRequested(); // it may be of a server that was ended meanwhile
                rounds.Add(measured);
                var end = _look();
                if (Disturbance.IsNoticeable(begin, end)) disturbed.Add(new DisturbedRound(rounds.Count, Disturbance.Cores(begin, end)));
                begin = end;
            }
        }
        catch (Exception) when (Interruption.Requested && rounds.Count > 0)
        {
            // The server at hand was ended, so the round failed, however it did.
        }

        _series.Add(new Series(what, rounds.Count, disturbed));
        return rounds;
    }
}
