using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Measuring;

/// <summary>What <c>perf stat</c> counts of a process and all its threads, from its beginning until its end is asked for. It is attached and ready before the first is begun:
/// perf acknowledges what it is told over a pair of pipes.</summary>
internal sealed class PerfStat : IDisposable
{
    /// <summary>Of user code: what the kernel does for it is in no count.</summary>
    internal const string Instructions = "instructions:u";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly Lazy<string?> _whyNot = new(() => WhyNot(Instructions));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mvedsua-bench-perf-");
    private readonly string _counted;
    private readonly Process? _perf;
    private readonly FileStream? _control, _answers;

    internal PerfStat(int pid, string counted = Instructions)
    {
        _counted = counted;
        string control = Path.Combine(_folder.FullName, "control"), answers = Path.Combine(_folder.FullName, "answers");
        try
        {
            Programs.Run("mkfifo", [control, answers]);
            _perf = Process.Start(new ProcessStartInfo("perf", ["stat", "-x,", "-e", counted, "-D", "-1", "--control", $"fifo:{control},{answers}", "-p", $"{pid}"]) { RedirectStandardError = true })!;
            // For both: to open a pipe for one waits for who has the other end.
            _control = Open(control);
            _answers = Open(answers);
            Tell("enable");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Why this machine counts no instructions; null: it does.</summary>
    internal static string? NoInstructions => _whyNot.Value;

    /// <summary>Why this machine does not count something, in perf's words; null: it does.</summary>
    internal static string? WhyNot(string counted)
    {
        try
        {
            var (status, _, errors) = Programs.RunToEnd("perf", ["stat", "-x,", "-e", counted, "true"], _patience);
            return Missing(counted, status, errors);
        }
        catch (Win32Exception)
        {
            return "perf is not installed";
        }
    }

    /// <summary>Of a try: null when something was counted.</summary>
    internal static string? Missing(string counted, int status, string errors) =>
        status == 0 && Parse(counted, errors) is not null ? null
        : errors.Contains("<not supported>", StringComparison.Ordinal) ? $"this machine counts none: perf stat -e {counted} says <not supported>"
        : $"perf stat -e {counted}: {errors.Split('\n').FirstOrDefault(l => l.Trim().Length > 0) ?? $"exit status {status}"}";

    /// <summary>The line "1234567,,instructions:u,…"; null: nothing was counted, as "&lt;not supported&gt;,,instructions:u,…" says.</summary>
    internal static double? Parse(string counted, string output) => output.Split('\n').Select(l => l.Split(',')).FirstOrDefault(f => f.Length > 2 && f[2] == counted) is { } fields
        && double.TryParse(fields[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var count) ? count : null;

    /// <summary>So many, since the beginning.</summary>
    internal double End()
    {
        Tell("disable");
        Signals.Send(_perf!.Id, Signals.Int);
        var said = _perf.StandardError.ReadToEndAsync().WaitAsync(_patience).Result;
        return Parse(_counted, said) ?? throw new BenchException($"perf stat -e {_counted} counted nothing: {said}");
    }

    public void Dispose()
    {
        if (_perf is not null)
        {
            if (!_perf.HasExited) _perf.Kill();
            _perf.WaitForExit();
            _perf.Dispose();
        }

        _control?.Dispose();
        _answers?.Dispose();
        _folder.Delete(recursive: true);
    }

    private static FileStream Open(string pipe) => new(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);

    private void Tell(string what)
    {
        _control!.Write([.. what.Select(c => (byte)c), (byte)'\n']);
        var answer = new byte[16];
        var length = _answers!.ReadAsync(answer).AsTask().WaitAsync(_patience).Result;
        if (!answer.AsSpan(0, length).StartsWith("ack"u8)) throw new BenchException($"perf stat did not take '{what}'");
    }
}
