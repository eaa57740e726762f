using System.Globalization;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Transfer;

/// <summary>Makes a part of a new object of an old one. Places are relative to the objects' beginnings. Immutable.</summary>
internal abstract class Step
{
    /// <exception cref="ValueException">A value can't be carried over.</exception>
    internal abstract void Apply(ReadOnlySpan<byte> old, Span<byte> @new);
}

/// <summary>A value that the new version can't hold. Where the object was found is added by whoever knows it.</summary>
internal sealed class ValueException(string path, string problem) : Exception($"{path}: {problem}")
{
    internal string Path { get; } = path;

    internal string Problem { get; } = problem;
}

internal sealed class CopyStep(int from, int to, int size) : Step
{
    internal int From => from;
    internal int To => to;
    internal int Size => size;

    internal override void Apply(ReadOnlySpan<byte> old, Span<byte> @new) => old.Slice(from, size).CopyTo(@new[to..]);
}

internal sealed class NumberStep(int from, int to, NumberForm old, NumberForm @new, string path) : Step
{
    internal override void Apply(ReadOnlySpan<byte> oldBytes, Span<byte> newBytes)
    {
        var value = old.Read(oldBytes[from..]);
        if (!@new.Holds(value))
            throw new ValueException(path, $"its value {value} doesn't fit the new type; the description can say another (convert {path} = …)");
        @new.Write(newBytes[to..], value);
    }
}

internal sealed class RenumberStep(int from, int to, NumberForm old, NumberForm @new, IReadOnlyDictionary<Int128, Int128> values, string path)
    : Step
{
    internal override void Apply(ReadOnlySpan<byte> oldBytes, Span<byte> newBytes)
    {
        var value = old.Read(oldBytes[from..]);
        if (!values.TryGetValue(value.Whole, out var now))
            throw new ValueException(path, $"its value {value} has no name that the new version knows; the description can say what becomes of it (convert {path} = …)");
        @new.Write(newBytes[to..], NumberValue.Of(now));
    }
}

internal sealed class SetStep(int record, int to, NumberForm form, Expression value, string path) : Step
{
    internal override void Apply(ReadOnlySpan<byte> old, Span<byte> @new)
    {
        NumberValue result;
        try
        {
            result = value.Evaluate(old[record..]);
        }
        catch (UpdateRefusedException e)
        {
            throw new ValueException(path, $"its expression can't be computed: {e.Message}");
        }

        if (!form.Holds(result) && !form.IsFloating)
            throw new ValueException(path, $"{result}, the value of its expression, doesn't fit the new type");
        form.Write(@new[to..], result);
    }
}

internal sealed class ZeroCheck(int from, int size, bool endsText, int textStart, string path) : Step
{
    internal override void Apply(ReadOnlySpan<byte> old, Span<byte> @new)
    {
        /* Behind the end of a text there may be anything. */
        if (endsText && old[textStart..from].Contains((byte)0)) return;
        if (old.Slice(from, size).IndexOfAnyExcept((byte)0) is >= 0 and var at)
            throw new ValueException(path, string.Create(CultureInfo.InvariantCulture,
                $"byte {from - textStart + at} of it isn't zero, and the new version has no room for it"));
    }
}
