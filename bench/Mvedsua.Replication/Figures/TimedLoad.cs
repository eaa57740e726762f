using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Figures;

/// <summary>What clients saw within an interval.</summary>
/// <param name="End">Seconds since the load began.</param>
/// <param name="Answers">So many.</param>
/// <param name="Longest">Of these the longest, in seconds; 0 when there was none.</param>
internal sealed record Interval(double End, long Answers, double Longest)
{
    /// <summary>Of check-load's "second=1.1 answers=5000 median_us=80.0 longest_us=900.0"; null: another line.</summary>
    internal static Interval? Parse(string line)
    {
        if (!line.StartsWith("second=", StringComparison.Ordinal)) return null;
        var fields = line.Split(' ').Select(f => f.Split('=')).ToDictionary(f => f[0], f => double.Parse(f[1], CultureInfo.InvariantCulture));
        return new Interval(fields["second"], (long)fields["answers"], fields["longest_us"] / 1e6);
    }
}

/// <summary>bench/native/check-load.c: clients that check every answer, told in intervals of 100 ms, and connect again when the server is gone.</summary>
internal sealed class TimedLoad : IDisposable
{
    /// <summary>Of one interval.</summary>
    internal static readonly TimeSpan Length = TimeSpan.FromMilliseconds(100);

    private readonly Process _process;
    private readonly List<Interval> _intervals = [];
    private string? _sum;

    internal TimedLoad(Paths paths, string protocol, int port, int connections, double seconds) => _process = Process.Start(new ProcessStartInfo(
        paths.Bench("check-load"), ["-i", $"{Length.TotalMilliseconds:0}", "-r", protocol, $"{port}", $"{connections}", seconds.ToString("0.0", CultureInfo.InvariantCulture)])
        { RedirectStandardOutput = true })!;

    /// <summary>Until the clients have been served for so long.</summary>
    internal void Await(double seconds)
    {
        while (_intervals.LastOrDefault() is not { } last || last.End < seconds)
            if (!Next()) throw new BenchException($"the load ended before {seconds} s");
    }

    /// <summary>The next interval with an answer.</summary>
    internal Interval AwaitAnswer()
    {
        while (Next())
        {
            if (_intervals.LastOrDefault() is { Answers: > 0 } last) return last;
        }

        throw new BenchException("the load ended without another answer");
    }

    /// <summary>Ends the load before its time: all that it has told.</summary>
    internal (IReadOnlyList<Interval> Intervals, long Errors) Stop()
    {
        Signals.Send(_process.Id, Signals.Term);
        return End();
    }

    /// <summary>Until the load's end: all intervals, and how many requests were not answered.</summary>
    internal (IReadOnlyList<Interval> Intervals, long Errors) End()
    {
        while (Next())
        {
        }
        return _sum is null ? throw new BenchException("check-load told no sum") : (_intervals, Phase.Parse(_sum).Errors);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private bool Next()
    {
        if (_process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)).Result is not { } line) return false;
        if (Interval.Parse(line) is { } interval) _intervals.Add(interval);
        else if (line.StartsWith("phase=", StringComparison.Ordinal)) _sum = line;
        return true;
    }
}
