using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>bench/native/check-load.c: clients that check every answer and time every request, by phases.</summary>
internal sealed class CheckingLoad : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly string _protocol;

    internal CheckingLoad(Paths paths, string protocol, int port, int connections)
    {
        _protocol = protocol;
        _process = Process.Start(new ProcessStartInfo(paths.Bench("check-load"), [protocol, $"{port}", $"{connections}", "60"]) { RedirectStandardOutput = true })!;
        Await("ready");
    }

    /// <summary>A load of this many answers, from its beginning to its end.</summary>
    internal static Phase Run(Paths paths, string protocol, int port, int connections, int answers)
    {
        var phase = Phase.Parse(Programs.Run(paths.Bench("check-load"), [protocol, $"{port}", $"{connections}", "120", $"{answers}"])
            .Split('\n').Single(l => l.StartsWith("phase=", StringComparison.Ordinal)));
        return phase.Answers >= answers ? phase : throw new BenchException($"{phase.Answers} of {answers} {protocol} answers within 120 s");
    }

    /// <summary>Returns once it has begun: two signals at once would be one.</summary>
    internal void NextPhase()
    {
        Signals.Send(_process.Id, Signals.Usr1);
        Await("begun=");
    }

    /// <summary>Until this many more times 25,000 answers of the phase have come.</summary>
    internal void AwaitProgress(int times)
    {
        for (var i = 0; i < times; i++) Await("progress=");
    }

    /// <summary>Ends the load; a line per phase.</summary>
    internal IReadOnlyList<Phase> End()
    {
        Signals.Send(_process.Id, Signals.Term);
        var lines = _process.StandardOutput.ReadToEndAsync().WaitAsync(_patience).Result.Split('\n');
        _process.WaitForExit(_patience);
        return [.. lines.Where(l => l.StartsWith("phase=", StringComparison.Ordinal)).Select(Phase.Parse)];
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private void Await(string prefix)
    {
        var error = "none";
        while (true)
        {
            var line = _process.StandardOutput.ReadLineAsync().WaitAsync(_patience).Result
                ?? throw new BenchException($"check-load {_protocol} ended before '{prefix}'; its last error: {error}");
            if (line.StartsWith(prefix, StringComparison.Ordinal)) return;
            if (line.StartsWith("error=", StringComparison.Ordinal)) error = line;
        }
    }
}

/// <summary>One phase of the load; times in seconds.</summary>
internal sealed record Phase(double Seconds, long Answers, long Errors, double Median, double Longest)
{
    internal static Phase Parse(string line)
    {
        var fields = line.Trim().Split(' ').Select(f => f.Split('=')).ToDictionary(f => f[0], f => double.Parse(f[1], CultureInfo.InvariantCulture));
        return new Phase(fields["seconds"], (long)fields["answers"], (long)fields["errors"], fields["median_us"] / 1e6, fields["longest_us"] / 1e6);
    }
}
