using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Instructions;

/// <summary>bench/native/count-instructions.c on one process: it stands still until it is let go on.</summary>
internal sealed class StepCounter : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    internal StepCounter(Paths paths, int pid, string address, int passes)
    {
        _process = Process.Start(new ProcessStartInfo(paths.Bench("count-instructions"), [$"{pid}", address, $"{passes}", "libmvedsua.so"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        if (ReadLine() != "stopped") throw Failure();
    }

    internal void LetGo() => _process.StandardInput.WriteLine();

    /// <summary>Instructions of each pass.</summary>
    internal int[] Counts() => ReadLine() is { } line ? Parse(line) : throw Failure();

    /// <summary>Of "539 539 541".</summary>
    internal static int[] Parse(string line)
    {
        var words = line.Split(' ');
        return words.All(w => int.TryParse(w, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? [.. words.Select(w => int.Parse(w, CultureInfo.InvariantCulture))]
            : throw new BenchException($"count-instructions printed '{line}'");
    }

    /// <summary>A tracer that ends lets its process go.</summary>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private string? ReadLine() => _process.StandardOutput.ReadLineAsync().WaitAsync(_patience).Result;

    private BenchException Failure() => new(_process.StandardError.ReadToEnd().Trim());
}
