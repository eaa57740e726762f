using System.Globalization;
using System.Text.RegularExpressions;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>Followers that are made of a running server, and ended.</summary>
internal static partial class Copies
{
    /// <summary>Gives the server a follower; how long the server stood meanwhile, in seconds.</summary>
    internal static double Follow(this Server session) => ParseFollowed(session.Do("follow"));

    internal static void Unfollow(this Server session) => session.Do("unfollow");

    /// <summary>Of "follower 5 attached; the server paused for 0.9 ms".</summary>
    internal static double ParseFollowed(string text) => Words().Match(text) is { Success: true } match
        ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) / 1e3
        : throw new BenchException($"mvedsua follow said '{text.Trim()}'");

    [GeneratedRegex(@"attached; the server paused for ([\d.]+) ms")]
    private static partial Regex Words();
}
