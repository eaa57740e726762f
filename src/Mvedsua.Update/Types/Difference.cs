namespace Mvedsua.Update.Types;

/// <summary>What a difference between two versions of a type means for the objects that exist.</summary>
public enum DifferenceKind
{
    /// <summary>Objects are as they were; people may want to know.</summary>
    Notice,

    /// <summary>Converted without a word; what doesn't fit is found when the value is seen.</summary>
    Converted,

    /// <summary>A field that the old version doesn't have, and the description doesn't set: it begins as zero.</summary>
    NewField,

    /// <summary>A field that the new version doesn't have: its value is dropped.</summary>
    GoneField,

    /// <summary>Set or converted as the description says.</summary>
    Described,

    /// <summary>Can't be converted without a word in the description.</summary>
    NeedsWord,
}

/// <summary>One difference.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Path">Where: <c>struct entry</c>, <c>struct entry.key</c>.</param>
/// <param name="Text">What, in words that go on after the path.</param>
/// <param name="Cure">The statement of a description that would settle it; null when none is needed.</param>
public sealed record Difference(DifferenceKind Kind, string Path, string Text, string? Cure = null)
{
    public override string ToString() => $"{Path}: {Text}";
}
