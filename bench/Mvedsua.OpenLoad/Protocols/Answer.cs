namespace Mvedsua.OpenLoad.Protocols;

/// <summary>Reads the parts of an answer, one after the other. A part that has not all come yet makes the whole answer one that
/// has not: whoever reads looks at <see cref="Length"/> at the end.</summary>
internal ref struct Answer(ReadOnlySpan<byte> got, string request, long number)
{
    private readonly ReadOnlySpan<byte> _got = got;
    private int _at;
    private bool _partial;

    /// <summary>Of all parts; 0: one has not all come.</summary>
    internal readonly int Length => _partial ? 0 : _at;

    /// <summary>What follows the parts that were read.</summary>
    internal readonly ReadOnlySpan<byte> Rest => _got[_at..];

    /// <summary>A part that is known. False: it has not all come.</summary>
    internal bool Take(ReadOnlySpan<byte> expected)
    {
        if (_partial) return false;
        var rest = Rest;
        var same = rest.CommonPrefixLength(expected);
        if (same < expected.Length && same < rest.Length) throw WrongAnswerException.Create(request, number, same, expected, rest);
        return Advance(expected.Length, rest.Length >= expected.Length);
    }

    /// <summary>A decimal number, which ends where another byte follows.</summary>
    internal bool TakeNumber(out ulong value)
    {
        value = 0;
        if (_partial) return false;
        var rest = Rest;
        var length = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (length == 0 || (length < 0 ? rest.Length : length) > 19) throw Wrong("a number"u8);
        foreach (var digit in rest[..Math.Max(length, 0)]) value = value * 10 + (ulong)(digit - '0');
        return Advance(length, length > 0);
    }

    /// <summary>Steps over bytes that may be anything.</summary>
    internal void Skip(int length) => _at += length;

    /// <summary>Says of a part that it has not all come.</summary>
    internal void Await() => _partial = true;

    internal readonly WrongAnswerException Wrong(ReadOnlySpan<byte> expected) => WrongAnswerException.Create(request, number, 0, expected, Rest);

    private bool Advance(int length, bool whole)
    {
        if (whole) _at += length;
        else _partial = true;
        return whole;
    }
}
