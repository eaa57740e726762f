using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication;

/// <summary>Which runs an experiment belongs to; all of them belong to <c>run --all</c>.</summary>
[Flags]
internal enum Sets
{
    None = 0,

    /// <summary>Of <c>run --quick</c>.</summary>
    Quick = 1,

    /// <summary>Of <c>run</c>.</summary>
    Default = 2,

    Both = Quick | Default,
}

/// <summary>What is measured, and what published figures stand beside it.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Title">Of its part of the report.</param>
/// <param name="What">One sentence.</param>
/// <param name="Servers">With their configuration and load.</param>
/// <param name="Metric">What is counted.</param>
/// <param name="Source">The published table or figure, with its figures; "": none.</param>
/// <param name="Differs">What differs between that set-up and this one; "": there is none to compare with.</param>
/// <param name="Minutes">About how long it takes on two cores.</param>
/// <param name="Sets">Which runs it belongs to.</param>
/// <param name="Measure">Makes the measurements; each result as soon as it is there.</param>
internal sealed record Experiment(
    string Name, string Title, string What, string Servers, string Metric, string Source, string Differs, double Minutes, Sets Sets, Func<Paths, Effort, IEnumerable<Result>> Measure)
{
    /// <summary>Builds what is built once; returns why the experiment must be left out, or null.</summary>
    internal Func<Paths, string?> Prepare { get; init; } = _ => null;

    /// <summary>Why --repeat does not reach it; null: it does.</summary>
    internal string? Once { get; init; }
}
