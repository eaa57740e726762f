namespace Mvedsua.Drill;

/// <summary>What a drill did and what came of it.</summary>
internal sealed class Tally
{
    internal SortedDictionary<string, int> Killed { get; } = new(StringComparer.Ordinal);
    internal int Kills => Killed.Values.Sum();
    internal long Answers { get; set; }
    internal int Failovers { get; set; }
    internal int ClosedByName { get; set; }
    internal TimeSpan Slowest { get; set; }

    internal void Count(string what) => Killed[what] = Killed.GetValueOrDefault(what) + 1;

    internal void Add(Tally other)
    {
        foreach ((string what, int times) in other.Killed) Killed[what] = Killed.GetValueOrDefault(what) + times;
        Answers += other.Answers;
        Failovers += other.Failovers;
        ClosedByName += other.ClosedByName;
        if (other.Slowest > Slowest) Slowest = other.Slowest;
    }

    public override string ToString() =>
        $"{Kills} kills, {Failovers} failovers, {Answers} answers, {ClosedByName} connections closed by name after a leader died with its keeper, longest wait {Slowest.TotalMilliseconds:F0} ms";
}
