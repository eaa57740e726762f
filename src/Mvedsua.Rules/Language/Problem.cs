using System.Globalization;

namespace Mvedsua.Rules.Language;

/// <summary>A place in a text; both numbers count from 1, columns in UTF-16 units.</summary>
/// <param name="Line">The line.</param>
/// <param name="Column">The column.</param>
public readonly record struct SourcePosition(int Line, int Column) : IComparable<SourcePosition>
{
    /// <inheritdoc/>
    public int CompareTo(SourcePosition other) =>
        Line != other.Line ? Line.CompareTo(other.Line) : Column.CompareTo(other.Column);

    /// <summary>As compilers print it: <c>12:5</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Line}:{Column}");

    /// <summary>Earlier in the text.</summary>
    public static bool operator <(SourcePosition left, SourcePosition right) => left.CompareTo(right) < 0;

    /// <summary>Later in the text.</summary>
    public static bool operator >(SourcePosition left, SourcePosition right) => left.CompareTo(right) > 0;

    /// <summary>Not later in the text.</summary>
    public static bool operator <=(SourcePosition left, SourcePosition right) => left.CompareTo(right) <= 0;

    /// <summary>Not earlier in the text.</summary>
    public static bool operator >=(SourcePosition left, SourcePosition right) => left.CompareTo(right) >= 0;
}

/// <summary>Whether rules with this problem can be used.</summary>
public enum ProblemKind
{
    /// <summary>They can't.</summary>
    Error,

    /// <summary>They can, but hardly mean what their author meant.</summary>
    Warning,
}

/// <summary>Something wrong in a text.</summary>
/// <param name="At">Where.</param>
/// <param name="Kind">How bad.</param>
/// <param name="Message">What, and why.</param>
/// <param name="Hint">The cure, where there is an obvious one.</param>
public sealed record Problem(SourcePosition At, ProblemKind Kind, string Message, string? Hint = null)
{
    /// <summary><c>12:5: error: no call is named 'raed' (did you mean 'read'?)</c>.</summary>
    public override string ToString() =>
        $"{At}: {(Kind == ProblemKind.Error ? "error" : "warning")}: {Message}" + (Hint is null ? "" : $" ({Hint})");
}

/// <summary>A text that can't be read on.</summary>
internal class RuleTextException(SourcePosition at, string message, string? hint = null) : Exception(message)
{
    internal Problem Problem { get; } = new(at, ProblemKind.Error, message, hint);
}

/// <summary>Characters that are no token; the lexer stands before or behind them.</summary>
internal sealed class NoTokenException(SourcePosition at, string message, string? hint = null) : RuleTextException(at, message, hint);
