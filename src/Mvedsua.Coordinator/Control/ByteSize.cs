using System.Globalization;

namespace Mvedsua.Coordinator.Control;

/// <summary>Sizes as users write them: "1048576", "64MiB", "64M", "1g", "0.5GiB"; every unit is a power of 1024.
/// A bare fraction below one ("0.25") is that share of the memory that this process may use.</summary>
public static class ByteSize
{
    private static readonly string[] _units = ["", "k", "m", "g", "t"];

    /// <summary>Memory that this process may use (the machine's, or its control group's), in bytes.</summary>
    public static long Memory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Parses a size of at least one byte.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        var unit = text[digits..].ToLowerInvariant();
        // "64", "64B", "64K", "64KB", "64KiB"
        var scale = Array.FindIndex(_units, u => unit == u || unit == u + "b" || (u.Length > 0 && unit == u + "ib"));
        if (scale < 0 || !decimal.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        if (number > long.MaxValue >> (10 * scale)) return false;
        var share = scale == 0 && unit.Length == 0 && number is > 0 and < 1;
        var exact = share ? decimal.Truncate(number * Memory) : number * (1L << (10 * scale));
        if (exact < 1 || (scale == 0 && exact != decimal.Truncate(exact))) return false;
        bytes = (long)exact;
        return true;
    }

    /// <summary>Parses a size of at least one byte.</summary>
    /// <exception cref="FormatException">The message says what would be one.</exception>
    public static long Parse(string text) =>
        TryParse(text, out var bytes)
            ? bytes
            : throw new FormatException($"'{text}' is not a size; write it like 64MiB, 1g, 1048576 (bytes) or 0.25 (of memory).");

    /// <summary>A size for people: three significant digits and a unit ("1.50 MiB").</summary>
    public static string Format(long bytes)
    {
        if (bytes < 1024) return $"{bytes} B";
        var scale = 0;
        double value = bytes;
        while (value >= 999.5 && scale < _units.Length - 1)
        {
            value /= 1024;
            scale++;
        }

        var pattern = value switch { < 9.995 => "0.00", < 99.95 => "0.0", _ => "0" };
        return value.ToString(pattern, CultureInfo.InvariantCulture) + " " + _units[scale].ToUpperInvariant() + "iB";
    }
}
