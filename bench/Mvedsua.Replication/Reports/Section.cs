using Mvedsua.Replication.Results;

namespace Mvedsua.Replication.Reports;

/// <summary>A drawing of the report: FILE.svg and FILE.png in the run's folder.</summary>
internal sealed record Picture(string File, string Caption);

/// <summary>One experiment's part of the report.</summary>
/// <param name="Outcome">What was measured.</param>
/// <param name="Pictures">Its drawings.</param>
internal sealed record Section(Outcome Outcome, IReadOnlyList<Picture> Pictures)
{
    // A file of an older release may name an experiment that this one has no more.
    private Experiment? Experiment => Experiments.All.FirstOrDefault(e => e.Name == Outcome.Name);

    internal string Title => Experiment?.Title ?? Outcome.Name;

    /// <summary>What a reader must know of the experiment: label and text.</summary>
    internal IEnumerable<(string Label, string Text)> Facts
    {
        get
        {
            if (Experiment is { } e)
            {
                yield return ("What", e.What);
                yield return ("Servers and load", e.Servers + ".");
                yield return ("Counted", e.Metric + ".");
                if (e.Source.Length > 0) yield return ("Published", e.Source);
                if (e.Differs.Length > 0) yield return ("What differs", e.Differs);
            }

            foreach (var condition in Conditions.Of(Outcome)) yield return ("Note", condition + ".");
        }
    }
}
