using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Update.Types;

/// <summary>A variable of both versions, and its types.</summary>
public sealed record Root(Variable Old, Variable New, TypePair Pair);

/// <summary>
/// Two versions compared: every variable that both have, and every type that is reachable from one. Immutable once made; both files must
/// stay open while it is used.
/// </summary>
public sealed class Comparison
{
    private readonly Dictionary<TypePair, (TypePair? Through, Root? Root)> _reached = [];

    private Comparison(DebugFile old, DebugFile @new, Hints hints, VariableMatching matching)
    {
        (Old, New, Hints, Matching) = (old, @new, hints, matching);
        Graph = new PairGraph(@new, hints);
        Roots = matching.Pairs.Select(p => new Root(p.Old, p.New, Graph.GetFor(p.Old.Type, p.New.Type, new Site(p.Old, p.New, "", "", 0))))
            .ToList();
        Graph.Close();
        FindPaths();
    }

    public DebugFile Old { get; }
    public DebugFile New { get; }
    public Hints Hints { get; }
    public VariableMatching Matching { get; }
    public PairGraph Graph { get; }
    public IReadOnlyList<Root> Roots { get; }

    /// <summary>Pairs of named types whose objects must be converted, each once.</summary>
    public IEnumerable<TypePair> ChangedTypes => Graph.Pairs
        .Where(p => p.IsChanged && (p.Old is RecordType || (p.IsPointedTo && p.Old is BaseType or EnumType)) && _reached.ContainsKey(p));

    /// <summary>What can't be converted without a word in the description, each once.</summary>
    public IEnumerable<Difference> Needs => Graph.Pairs
        .Where(p => _reached.ContainsKey(p) && p.Old is not RecordType { Tag: null, TypedefName: null }) /* those are told of what holds them */
        .SelectMany(p => p.Differences).Where(d => d.Kind == DifferenceKind.NeedsWord).Distinct();

    /// <summary>Whether objects on the heap must be converted: pointers lead to changed types.</summary>
    public bool ChangesHeap => Graph.Pairs.Any(p => p is { IsChanged: true, IsPointedTo: true } && _reached.ContainsKey(p));

    /// <summary>Compares two versions.</summary>
    /// <param name="old">The old version's debug information.</param>
    /// <param name="new">The new version's.</param>
    /// <param name="hints">What the description says; <see cref="Hints.None"/> without one.</param>
    public static Comparison Of(DebugFile old, DebugFile @new, Hints hints) => new(old, @new, hints, VariableMatching.Match(old, @new, hints));

    /// <summary>How a type is reached: from a variable through types, for people: <c>table → struct node → struct entry</c>.</summary>
    public string PathTo(TypePair pair)
    {
        var words = new List<string>();
        for (var at = pair; at is not null;)
        {
            if (!_reached.TryGetValue(at, out var step)) break;
            words.Add(at.Old.ToString());
            if (step.Root is not null)
            {
                words[^1] = step.Root.Old.FullName;
                if (at == pair && at.Old is RecordType) words.Insert(words.Count - 1, at.Old.ToString());
            }
            at = step.Through;
        }
        words.Reverse();
        return string.Join(" → ", words);
    }

    private void FindPaths()
    {
        var queue = new Queue<TypePair>();
        foreach (var root in Roots)
            if (_reached.TryAdd(root.Pair, (null, root))) queue.Enqueue(root.Pair);
        while (queue.TryDequeue(out var pair))
        {
            foreach (var next in pair.Targets.Concat(Parts(pair.Conversions)))
                if (_reached.TryAdd(next, (pair, null))) queue.Enqueue(next);
        }
    }

    private static IEnumerable<TypePair> Parts(IEnumerable<Conversion> conversions) => conversions.SelectMany(c => c switch
    {
        ConvertPart p => [p.Pair],
        ConvertElements p => [p.Pair],
        ConvertTail p => [p.Pair],
        ChooseMember p => p.Cases.SelectMany(x => Parts(x.Conversions)),
        _ => Enumerable.Empty<TypePair>(),
    });
}
