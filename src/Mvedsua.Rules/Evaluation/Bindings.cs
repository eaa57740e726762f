using System.Globalization;
using System.Text;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Evaluation;

/// <summary>The value of a capture or of something stored.</summary>
internal readonly record struct Bound(long Number, byte[]? Bytes)
{
    /// <summary>The bytes that it is in a buffer: numbers in decimal.</summary>
    internal byte[] AsBytes => Bytes ?? Encoding.ASCII.GetBytes(Number.ToString(CultureInfo.InvariantCulture));

    internal string Shown => Bytes is null ? Number.ToString(CultureInfo.InvariantCulture) : QuotedText.Quote(Bytes);
}

/// <summary>Captures of a rule and stored values of its thread. A try that may fail works on a copy.</summary>
internal sealed class Bindings
{
    private readonly Bound?[] _slots;
    private readonly IReadOnlyList<Bound?> _stores;

    internal Bindings(int slots, IReadOnlyList<Bound?> stores) => (_slots, _stores) = (new Bound?[slots], stores);

    private Bindings(Bindings other, IReadOnlyList<Bound?> stores) => (_slots, _stores) = ((Bound?[])other._slots.Clone(), stores);

    internal Bound? this[int slot]
    {
        get => _slots[slot];
        set => _slots[slot] = value;
    }

    internal Bindings Copy() => new(this, _stores);

    /// <summary>For a later call of the same rule: with what is stored by then, also by the rule itself.</summary>
    internal Bindings Copy(IReadOnlyList<Bound?> stores) => new(this, stores);

    internal Bound? Stored(int store) => _stores[store];

    /// <summary>The bytes of a part; null: a capture or a stored value that has none yet.</summary>
    internal byte[]? BytesOf(Part part) => part switch
    {
        TextPart text => text.Bytes,
        CapturePart capture => capture.Slot < 0 ? null : _slots[capture.Slot]?.AsBytes,
        StorePart store => _stores[store.Store]?.AsBytes,
        MappedPart mapped => BytesOf(mapped.Source) is { } bytes ? LineMapper.Map(bytes, mapped.Map) : null,
        _ => null,
    };

    /// <summary>The buffer that these parts make; null: something in it has no value.</summary>
    internal byte[]? Make(IReadOnlyList<Part> parts)
    {
        var bytes = new List<byte>();
        foreach (var part in parts)
        {
            if (BytesOf(part) is not { } piece) return null;
            bytes.AddRange(piece);
        }
        return [.. bytes];
    }

    /// <summary>A number; null: something in it has no value, or a buffer is no number.</summary>
    internal long? Number(Value value) => value switch
    {
        ConstantValue constant => constant.Number,
        SlotValue slot => _slots[slot.Slot]?.Number,
        StoredValue store => _stores[store.Store]?.Number,
        LengthValue length => BytesOf(length.Bytes)?.Length,
        ParsedValue parsed => BytesOf(parsed.Bytes) is { } bytes && ByteClasses.TryNumber(bytes, out var number) ? number : null,
        SumValue sum => Number(sum.Left) is { } left && Number(sum.Right) is { } right ? unchecked(sum.IsDifference ? left - right : left + right) : null,
        _ => null,
    };

    /// <summary>A condition that has a part without a value holds not, nor does its negation.</summary>
    internal bool? Holds(Condition condition) => condition switch
    {
        AllOf all => Holds(all.Left) is not { } left ? null : left ? Holds(all.Right) : false,
        AnyOf any => Holds(any.Left) is not { } left ? null : left ? true : Holds(any.Right),
        Not not => !Holds(not.Inner),
        NumberCondition comparison => Number(comparison.Left) is { } left && Number(comparison.Right) is { } right
            ? Compare(left, comparison.Comparison, right) : null,
        MatchCondition match => BytesOf(match.Bytes) is { } bytes ? BufferMatcher.Match(bytes, match.Parts, this) : null,
        _ => null,
    };

    internal static bool Compare(long left, Comparison comparison, long right) => comparison switch
    {
        Comparison.Equal => left == right,
        Comparison.NotEqual => left != right,
        Comparison.Less => left < right,
        Comparison.LessOrEqual => left <= right,
        Comparison.Greater => left > right,
        _ => left >= right,
    };
}
