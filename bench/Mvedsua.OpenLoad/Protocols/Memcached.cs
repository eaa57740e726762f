namespace Mvedsua.OpenLoad.Protocols;

/// <summary>memcached's text protocol: set and get.</summary>
internal sealed class Memcached(int connection) : KeyValue(connection)
{
    private const int Flags = 7;

    protected override string StoreName => "set";
    protected override string FetchName => "get";
    protected override ReadOnlySpan<byte> Stored => "STORED\r\n"u8;

    protected override int WriteStore(Span<byte> to, ReadOnlySpan<byte> value) =>
        Text.Write(to, $"set load:v:{Connection} {Flags} 0 {value.Length}\r\n{value}\r\n");

    protected override int WriteFetch(Span<byte> to) => Text.Write(to, $"get load:v:{Connection}\r\n");

    protected override int WriteFetched(Span<byte> to, ReadOnlySpan<byte> value) =>
        Text.Write(to, $"VALUE load:v:{Connection} {Flags} {value.Length}\r\n{value}\r\nEND\r\n");
}
