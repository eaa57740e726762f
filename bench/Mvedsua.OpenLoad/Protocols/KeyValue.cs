namespace Mvedsua.OpenLoad.Protocols;

/// <summary>Stores a value under a key of the connection's own and fetches it, in turns.</summary>
internal abstract class KeyValue(int connection) : IConversation
{
    private readonly byte[] _value = new byte[Value.Longest], _expected = new byte[IConversation.LongestRequest];
    private long _written, _read;

    public int Greetings => 0;

    /// <summary>Also in the key.</summary>
    protected int Connection => connection;

    public int Write(Span<byte> to)
    {
        var (pair, fetches) = Math.DivRem(_written++, 2);
        return fetches == 1 ? WriteFetch(to) : WriteStore(to, ValueOf(pair));
    }

    public int Read(ReadOnlySpan<byte> got)
    {
        var (pair, fetches) = Math.DivRem(_read, 2);
        var answer = new Answer(got, fetches == 1 ? FetchName : StoreName, _read + 1);
        if (!answer.Take(fetches == 1 ? _expected.AsSpan(0, WriteFetched(_expected, ValueOf(pair))) : Stored)) return 0;
        _read++;
        return answer.Length;
    }

    protected abstract string StoreName { get; }
    protected abstract string FetchName { get; }

    protected abstract int WriteStore(Span<byte> to, ReadOnlySpan<byte> value);
    protected abstract int WriteFetch(Span<byte> to);

    /// <summary>The answer to a store.</summary>
    protected abstract ReadOnlySpan<byte> Stored { get; }

    /// <summary>The answer to a fetch.</summary>
    protected abstract int WriteFetched(Span<byte> to, ReadOnlySpan<byte> value);

    private ReadOnlySpan<byte> ValueOf(long number) => _value.AsSpan(0, Value.Write(_value, connection, number));
}
