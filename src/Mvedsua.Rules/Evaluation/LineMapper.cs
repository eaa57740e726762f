using Mvedsua.Rules.Checking;

namespace Mvedsua.Rules.Evaluation;

/// <summary>Changes the lines of a buffer, as a server that gets several commands at once needs it.</summary>
internal static class LineMapper
{
    internal static byte[] Map(ReadOnlySpan<byte> buffer, LineMap map)
    {
        var result = new List<byte>(buffer.Length);
        while (buffer.IndexOf((byte)'\n') is >= 0 and var feed)
        {
            var end = feed > 0 && buffer[feed - 1] == '\r' ? feed - 1 : feed;
            Line(buffer[..end], map, result);
            result.AddRange(buffer[end..(feed + 1)]);
            buffer = buffer[(feed + 1)..];
        }
        result.AddRange(buffer);
        return [.. result];
    }

    private static void Line(ReadOnlySpan<byte> line, LineMap map, List<byte> result)
    {
        foreach (var entry in map.Lines)
        {
            var bindings = new Bindings(entry.Slots, []);
            if (!BufferMatcher.Match(line, entry.Pattern, bindings)) continue;
            result.AddRange(bindings.Make(entry.Template)!);
            return;
        }
        result.AddRange(line);
    }
}
