using System.Globalization;

namespace Mvedsua.Coordinator.Control;

/// <summary>Times as users write them: "500us", "20ms", "2s", "1.5min", "1h". The unit is required.</summary>
public static class TimeText
{
    private static readonly (string Unit, double Ticks)[] _units =
    [
        ("us", TimeSpan.TicksPerMicrosecond), ("µs", TimeSpan.TicksPerMicrosecond), ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond), ("min", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>As <see cref="TryParse"/>, where "5m" can't be a size: five minutes.</summary>
    public static bool TryParseDuration(string text, out TimeSpan time) =>
        TryParse(text.EndsWith('m') ? text + "in" : text, out time);

    /// <summary>Parses a time between 1 µs and a year.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        var unit = text[digits..];
        var ticks = _units.FirstOrDefault(u => u.Unit == unit).Ticks;
        if (ticks == 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        var total = number * ticks;
        if (total < TimeSpan.TicksPerMicrosecond || total > TimeSpan.TicksPerDay * 366.0) return false;
        time = TimeSpan.FromTicks((long)total);
        return true;
    }
}
