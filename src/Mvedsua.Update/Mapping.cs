using System.Globalization;

namespace Mvedsua.Update;

/// <summary>One line of /proc/PID/maps (proc(5)).</summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address behind it.</param>
/// <param name="Protection">What it may be used for.</param>
/// <param name="IsShared">MAP_SHARED: writing to it is seen by other processes.</param>
/// <param name="Offset">Where it begins in its file, in bytes; 0 in anonymous memory.</param>
/// <param name="Name">The file's path, or a name in brackets such as [heap]; empty in anonymous memory.</param>
public readonly record struct Mapping(
    ulong Start, ulong End, MemoryProtection Protection, bool IsShared, ulong Offset, string Name)
{
    /// <summary>Reads one line of /proc/PID/maps.</summary>
    /// <exception cref="FormatException">It isn't one.</exception>
    public static Mapping Parse(string line)
    {
        var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        var dash = fields.Length >= 5 ? fields[0].IndexOf('-', StringComparison.Ordinal) : -1;
        if (dash < 0 || fields[1].Length != 4 || !Hex(fields[0].AsSpan(0, dash), out var start)
            || !Hex(fields[0].AsSpan(dash + 1), out var end) || !Hex(fields[2], out var offset) || end <= start)
            throw new FormatException($"not a line of /proc/PID/maps: {line}");
        var protection = (fields[1][0] == 'r' ? MemoryProtection.Read : 0) | (fields[1][1] == 'w' ? MemoryProtection.Write : 0)
            | (fields[1][2] == 'x' ? MemoryProtection.Execute : 0);
        return new Mapping(start, end, protection, fields[1][3] == 's', offset, fields.Length == 6 ? fields[5] : "");

        static bool Hex(ReadOnlySpan<char> text, out ulong value) =>
            ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
