namespace Mvedsua.OpenLoad.Protocols;

/// <summary>Redis: SET and GET.</summary>
internal sealed class Resp(int connection) : KeyValue(connection)
{
    protected override string StoreName => "SET";
    protected override string FetchName => "GET";
    protected override ReadOnlySpan<byte> Stored => "+OK\r\n"u8;

    protected override int WriteStore(Span<byte> to, ReadOnlySpan<byte> value) =>
        Text.Write(to, $"*3\r\n$3\r\nSET\r\n$11\r\nload:v:{Connection:D4}\r\n${value.Length}\r\n{value}\r\n");

    protected override int WriteFetch(Span<byte> to) => Text.Write(to, $"*2\r\n$3\r\nGET\r\n$11\r\nload:v:{Connection:D4}\r\n");

    protected override int WriteFetched(Span<byte> to, ReadOnlySpan<byte> value) => Text.Write(to, $"${value.Length}\r\n{value}\r\n");
}
