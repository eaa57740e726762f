using System.Globalization;
using Mvedsua.OpenLoad;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>bench/Mvedsua.OpenLoad: sends at fixed moments, whatever the server does, and checks every answer. A process of its own, so that
/// nothing of this one's gets in its way.</summary>
internal static class OpenLoop
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);

    /// <summary>One load. Also one for which the generator was too slow: its outcome says so. Throws when an answer was wrong or missing.</summary>
    internal static Outcome Run(LoadOptions options)
    {
        string[] arguments =
        [
            options.Protocol, Text(options.Port), "--rate", Text(options.Rate), "--seconds", Text(options.Seconds), "--connections", Text(options.Connections),
            "--warm-up", Text(options.WarmUp), "--timeout", Text(options.Timeout), "--json",
        ];
        var (status, output, errors) = Programs.RunToEnd(Paths.OpenLoad, arguments, _patience);
        return (ExitStatus)status is ExitStatus.Ok or ExitStatus.TooSlow
            ? Outcome.FromJson(output)
            : throw new BenchException($"mvedsua-load {string.Join(' ', arguments)}: exit status {status}\n{output}{errors}");
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
