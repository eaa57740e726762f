namespace Mvedsua.Rules.Language;

/// <summary>What bounds a set of rules: the shim interprets it without a heap, beside a server under load.</summary>
public static class Limits
{
    /// <summary>Longest text of rules or events, in UTF-16 units.</summary>
    public const int Text = 4 << 20;

    /// <summary>Most rules of one file.</summary>
    public const int Rules = 1024;

    /// <summary>Most calls on one side of a rule, those in a repetition counted once.</summary>
    public const int Steps = 16;

    /// <summary>Most rounds of a repetition; what <c>*</c> and <c>+</c> stand for.</summary>
    public const int Rounds = 64;

    /// <summary>Most captures of one rule.</summary>
    public const int Captures = 32;

    /// <summary>Most values that rules of one file store for later.</summary>
    public const int Stores = 16;

    /// <summary>Most parts of one buffer pattern.</summary>
    public const int Parts = 16;

    /// <summary>Most <c>lines</c> blocks of one file, and most lines of one of them.</summary>
    public const int LineMaps = 64;

    /// <summary>Longest string, in bytes.</summary>
    public const int Literal = 4096;

    /// <summary>Deepest nesting of an expression.</summary>
    public const int Depth = 16;

    /// <summary>Errors after which a file is read no further.</summary>
    public const int Problems = 50;
}
