namespace Mvedsua.Rules.Bytecode;

/// <summary>A verified image. Immutable, safe from any thread.</summary>
public sealed class Image
{
    private readonly uint[] _words;

    private Image(uint[] words) => _words = words;

    internal ReadOnlySpan<uint> Code => _words.AsSpan(At(Header.CodeAt), At(Header.Code));

    internal int Stores => At(Header.Stores);

    internal int Begins => At(Header.Begins);

    /// <summary>Reads an image and verifies it: afterwards it can be interpreted with no further check.</summary>
    /// <exception cref="FormatException">It is damaged, or of another format.</exception>
    public static Image Open(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % 4 != 0 || bytes.Length > Format.MostWords * 4L) throw new FormatException("rules image: its size can't be right");
        var words = new uint[bytes.Length / 4];
        for (var i = 0; i < words.Length; i++) words[i] = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * 4)..]);
        new Verifier(words).Verify();
        return new(words);
    }

    internal int At(Header field) => (int)_words[(int)field];

    internal ReadOnlySpan<uint> Rule(int index) => _words.AsSpan(At(Header.RulesAt) + index * Format.RuleWords, Format.RuleWords);

    internal ReadOnlySpan<uint> Step(int index) => _words.AsSpan(At(Header.StepsAt) + index * Format.StepWords, Format.StepWords);

    internal ImageCall Call(int index) => new(_words.AsSpan(At(Header.CallsAt) + index * Format.CallWords, Format.CallWords));

    internal ReadOnlySpan<uint> Begin(int index) => _words.AsSpan(At(Header.BeginsAt) + index * Format.BeginWords, Format.BeginWords);

    internal ReadOnlySpan<uint> Map(int index) => _words.AsSpan(At(Header.MapsAt) + index * Format.MapWords, Format.MapWords);

    internal ReadOnlySpan<uint> Line(int index) => _words.AsSpan(At(Header.LinesAt) + index * Format.LineWords, Format.LineWords);

    /// <summary>The rules whose first call of the follower has this number, or with <paramref name="dropping"/> those that drop it.</summary>
    internal IEnumerable<int> Candidates(int number, bool dropping)
    {
        if (number >= Format.Numbers) yield break;
        var entry = _words[At(Header.IndexAt) + number];
        for (var at = At(Header.ListsAt) + (int)(dropping ? entry >> 16 : entry & 0xffff); _words[at] != Format.EndOfList; at++) yield return (int)_words[at];
    }

    internal byte[] Text(int offset, int length)
    {
        var text = new byte[length];
        for (var i = 0; i < length; i++) text[i] = (byte)(_words[At(Header.TextAt) + (offset + i) / 4] >> (offset + i) % 4 * 8);
        return text;
    }
}

/// <summary>A call's entry.</summary>
internal readonly ref struct ImageCall(ReadOnlySpan<uint> words)
{
    internal int Number { get; } = (int)(words[0] & 0xffff);

    internal bool IsExecuted { get; } = (words[0] >> 16 & Format.Executed) != 0;

    /// <summary>The leader's step that it gets its result from; -1: none.</summary>
    internal int Source { get; } = (int)(words[0] >> 24) - 1;

    internal (int At, int Words) Tests { get; } = ((int)words[1], (int)(words[2] & 0xffff));

    internal (int At, int Words) Answer { get; } = ((int)(words[1] + (words[2] & 0xffff)), (int)(words[2] >> 16));

    internal (int At, int Words) Fit { get; } = ((int)(words[1] + (words[2] & 0xffff) + (words[2] >> 16)), (int)words[3]);
}
