using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Types;

/// <summary>A type of the old version and what it has become in the new one. Made by <see cref="PairGraph"/>; complete once that is
/// closed.</summary>
public sealed class TypePair
{
    internal TypePair(int id, CType old, CType @new) => (Id, Old, New) = (id, old, @new);

    /// <summary>0, 1, 2… within its graph.</summary>
    public int Id { get; }

    /// <summary>Without typedefs and qualifiers.</summary>
    public CType Old { get; }

    /// <summary>Without typedefs and qualifiers.</summary>
    public CType New { get; }

    /// <summary>What is different in the objects themselves; types that they only point to have pairs of their own.</summary>
    public IReadOnlyList<Difference> Differences { get; internal set; } = [];

    /// <summary>What is done with an object of it. When nothing changed they only name the pointers.</summary>
    public IReadOnlyList<Conversion> Conversions { get; internal set; } = [];

    /// <summary>Whether objects must be converted.</summary>
    public bool IsChanged { get; internal set; }

    /// <summary>Whether it was compared yet.</summary>
    internal bool IsFilled { get; set; }

    /// <summary>Whether objects can't be converted without a word in the description.</summary>
    public bool NeedsWord => Differences.Any(d => d.Kind == DifferenceKind.NeedsWord);

    /// <summary>Whether objects are of a changed type or point, over any number of steps, to ones that are. Others aren't walked.</summary>
    public bool LeadsToChange { get; internal set; }

    /// <summary>Whether objects hold a pointer of which nothing is known, or lead to ones that do.</summary>
    public bool LeadsToOpaque { get; internal set; }

    /// <summary>Whether a pointer leads here, so that objects may stand on the heap.</summary>
    public bool IsPointedTo { get; internal set; }

    /// <summary>The types that objects point to.</summary>
    public IReadOnlyList<TypePair> Targets { get; internal set; } = [];

    public override string ToString() => Old.ToString() == New.ToString() ? Old.ToString() : $"{Old} (now {New})";
}
