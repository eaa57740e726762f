using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Drafts;

/// <summary>A type whose objects are converted.</summary>
/// <param name="Name">The old type, and the new one's name where it is another.</param>
/// <param name="ReachedBy">From which variable, over which types.</param>
/// <param name="OldSize">Bytes of one object.</param>
/// <param name="NewSize">Bytes of one object.</param>
/// <param name="Differences">What has changed, and what becomes of it.</param>
public sealed record ChangedType(string Name, string ReachedBy, ulong OldSize, ulong NewSize, IReadOnlyList<Difference> Differences);

/// <summary>A pointer or union of which types say nothing, on the way to changed types.</summary>
/// <param name="Path">The field or variable.</param>
/// <param name="Kind">What it is: "void pointer", "union", "array whose length isn't known", "bytes".</param>
/// <param name="Consequence">What that means for the update.</param>
public sealed record OpaquePlace(string Path, string Kind, string Consequence);

/// <summary>
/// Everything about an update that can be known without touching the server: what has changed, how it will be converted, and what the
/// author must say. Immutable.
/// </summary>
public sealed record DryRun
{
    /// <summary>The old version's file.</summary>
    public required string From { get; init; }

    /// <summary>The new version's file.</summary>
    public required string To { get; init; }

    /// <summary>Types whose objects are converted.</summary>
    public required IReadOnlyList<ChangedType> Types { get; init; }

    /// <summary>Variables whose own type has changed: each gets a place in the new image and is converted.</summary>
    public required IReadOnlyList<string> ConvertedVariables { get; init; }

    /// <summary>Variables that only the new version has: they begin with its initial values.</summary>
    public required IReadOnlyList<string> NewVariables { get; init; }

    /// <summary>Variables that only the old version has: what they hold is left behind.</summary>
    public required IReadOnlyList<string> GoneVariables { get; init; }

    /// <summary>Variables that both have and whose type is as it was.</summary>
    public required int UnchangedVariables { get; init; }

    /// <summary>Whether objects on the heap are converted, so that it is walked.</summary>
    public required bool WalksHeap { get; init; }

    /// <summary>What the description must settle before the update is possible.</summary>
    public required IReadOnlyList<Difference> Needs { get; init; }

    /// <summary>What the description might say, and what happens if it doesn't.</summary>
    public required IReadOnlyList<Difference> Questions { get; init; }

    /// <summary>Where types end and the description may go on.</summary>
    public required IReadOnlyList<OpaquePlace> Opaque { get; init; }

    /// <summary>Whether the update is possible as far as types are concerned.</summary>
    public bool IsPossible => Needs.Count == 0;

    /// <summary>Makes it of a comparison.</summary>
    public static DryRun Of(Comparison comparison)
    {
        var types = comparison.ChangedTypes.Select(p =>
            new ChangedType(p.ToString(), comparison.PathTo(p), p.Old.Size, p.New.Size, p.Differences))
            .OrderBy(t => t.Name, StringComparer.Ordinal).ToList();
        return new DryRun
        {
            From = comparison.Old.Path,
            To = comparison.New.Path,
            Types = types,
            ConvertedVariables = [.. comparison.Roots.Where(r => r.Pair.IsChanged)
                .Select(r => r.Old.Name == r.New.Name ? r.Old.FullName : $"{r.Old.FullName} (now {r.New.Name})").Order(StringComparer.Ordinal)],
            NewVariables = Names(comparison.Matching.New),
            GoneVariables = Names(comparison.Matching.Gone),
            UnchangedVariables = comparison.Roots.Count(r => !r.Pair.IsChanged),
            WalksHeap = comparison.ChangesHeap,
            Needs = [.. comparison.Needs],
            Questions = [.. comparison.Graph.Pairs.SelectMany(p => p.Differences)
                .Where(d => d.Kind is DifferenceKind.NewField or DifferenceKind.GoneField).Distinct()],
            Opaque = [.. comparison.ChangesHeap ? OpaquePlaces(comparison) : []],
        };
    }

    private static List<string> Names(IEnumerable<Variable> variables) =>
        [.. variables.Select(v => v.FullName).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Only where objects are walked, and not those of libraries, which can't know the program's types.</summary>
    private static IEnumerable<OpaquePlace> OpaquePlaces(Comparison comparison)
    {
        foreach (var pair in comparison.Graph.Pairs.Where(p => p.Old is RecordType { Tag: not "_IO_FILE" } || p.Conversions is [OpaquePointer]))
        {
            foreach (var conversion in pair.Conversions)
            {
                switch (conversion)
                {
                    case OpaquePointer { Target: null } p when p.Path != pair.Old.ToString():
                        yield return new OpaquePlace(p.Path, "void pointer",
                            "left as it is; refused when it points to an object that has changed");
                        break;
                    case OpaquePointer { Target: { } target } p when target.LeadsToChange:
                        yield return new OpaquePlace(p.Path, "union",
                            "which member is valid isn't known; refused when it points to an object that has changed");
                        break;
                    case ConvertTail { Length: null } t when t.Pair.LeadsToChange:
                        yield return new OpaquePlace(t.Path, "array whose length isn't known",
                            "as many elements as the allocator gave room for");
                        break;
                    case ConvertTail { Length: null, Pair.Old: BaseType { IsCharacter: true } } t when pair.LeadsToChange:
                        yield return new OpaquePlace(t.Path, "bytes", "copied as they are; structs in them are not seen");
                        break;
                }
            }
        }
    }
}
