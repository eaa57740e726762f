namespace Mvedsua.Coordinator.Control;

/// <summary>How far a follower may lag before it is ended: bytes published and not replayed, or the age of the oldest of them.</summary>
public abstract record LagLimit
{
    private LagLimit()
    {
    }

    /// <summary>At most this many bytes (&gt; 0).</summary>
    public sealed record Bytes(long Count) : LagLimit;

    /// <summary>At most this long (&gt; 0).</summary>
    public sealed record Age(TimeSpan Time) : LagLimit;

    /// <summary>A size ("64MiB") or a time ("500ms").</summary>
    /// <exception cref="FormatException">It is neither; the message says what would be.</exception>
    public static LagLimit Parse(string text)
    {
        if (TimeText.TryParse(text, out var time)) return new Age(time);
        if (ByteSize.TryParse(text, out var bytes)) return new Bytes(bytes);
        throw new FormatException($"'{text}' is neither a size such as 64MiB nor a time such as 500ms.");
    }
}
