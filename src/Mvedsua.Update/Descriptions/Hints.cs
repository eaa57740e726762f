using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Descriptions;

/// <summary>
/// What a description says about types and fields, resolved against both versions' debug information. Fields are keyed by their
/// struct (one object for all units, so by reference) or, for a global that isn't a struct, by its variable and an empty name.
/// </summary>
public sealed class Hints
{
    /// <summary>Without any description.</summary>
    public static Hints None { get; } = new();

    /// <summary>Old type to new type of another name.</summary>
    public Dictionary<CType, CType> Types { get; } = [];

    /// <summary>New field to the name of the old one.</summary>
    public Dictionary<(object Owner, string Field), string> OldFields { get; } = [];

    /// <summary>New global to the name of the old one.</summary>
    public Dictionary<string, string> OldGlobals { get; } = [];

    /// <summary>New field to its value, over the old struct's fields.</summary>
    public Dictionary<(object Owner, string Field), Expression> Values { get; } = [];

    /// <summary>New struct to the function that finishes its conversion.</summary>
    public Dictionary<CType, string> Converters { get; } = [];

    /// <summary>Old field of type void * to the type of what it points to, old and new.</summary>
    public Dictionary<(object Owner, string Field), (CType Old, CType New)> Targets { get; } = [];

    /// <summary>Old field that is a union to its members, each with the condition under which it is valid.</summary>
    public Dictionary<(object Owner, string Field), IReadOnlyList<(string Member, Expression Condition)>> Valid { get; } = [];

    /// <summary>Old field that points to an array, or is a flexible one, to the number of its elements.</summary>
    public Dictionary<(object Owner, string Field), Expression> Lengths { get; } = [];

    /// <summary>Old fields whose pointers are copied as they are and not looked at.</summary>
    public HashSet<(object Owner, string Field)> Kept { get; } = [];
}
