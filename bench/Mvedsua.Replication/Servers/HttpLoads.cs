using System.Globalization;
using System.Text.RegularExpressions;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>wrk and ab: closed-loop clients over kept connections. They don't look at what they are answered but for its status.</summary>
internal static partial class HttpLoads
{
    /// <summary>For so long, with one thread; requests per second as wrk counts them.</summary>
    internal static double Wrk(int port, int clients, double seconds) => Parse("wrk", WrkRate(), WrkFailures(), Programs.Run("wrk",
        ["-t1", $"-c{clients}", string.Create(CultureInfo.InvariantCulture, $"-d{Math.Max(1, Math.Ceiling(seconds))}s"), $"http://127.0.0.1:{port}/check"]));

    /// <summary>So many requests; requests per second as ab counts them.</summary>
    internal static double Ab(int port, int clients, int requests) => Parse("ab", AbRate(), AbFailures(), Programs.Run("ab",
        ["-q", "-k", "-c", $"{clients}", "-n", $"{requests}", $"http://127.0.0.1:{port}/check"]));

    /// <summary>A load that counts failures measured something else.</summary>
    internal static double Parse(string load, Regex rate, Regex failures, string output) =>
        failures.Match(output) is { Success: true } failed ? throw new BenchException($"{load} says '{failed.Value.Trim()}'")
        : rate.Match(output) is { Success: true } match ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
        : throw new BenchException($"{load} tells no rate: '{output.Trim()}'");

    [GeneratedRegex(@"^Requests/sec:\s+([\d.]+)", RegexOptions.Multiline)]
    internal static partial Regex WrkRate();

    [GeneratedRegex(@"^\s*(Socket errors|Non-2xx or 3xx responses): .*$", RegexOptions.Multiline)]
    internal static partial Regex WrkFailures();

    [GeneratedRegex(@"^Requests per second:\s+([\d.]+)", RegexOptions.Multiline)]
    internal static partial Regex AbRate();

    [GeneratedRegex(@"^(Failed requests|Non-2xx responses):\s+[1-9].*$", RegexOptions.Multiline)]
    internal static partial Regex AbFailures();
}
