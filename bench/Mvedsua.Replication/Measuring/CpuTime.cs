using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>CPU time from the scheduler's own accounting: nanoseconds in <c>/proc/PID/task/TID/schedstat</c>. (utime and
/// stime of /proc/PID/stat count clock ticks of 10 ms.)</summary>
internal static class CpuTime
{
    /// <summary>Seconds on a processor of all living threads of a process. Threads that ended meanwhile take their time with them: measure where none
    /// do.</summary>
    /// <exception cref="BenchException">It is gone: no time would be less than it had before.</exception>
    internal static double OfProcess(int pid)
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{pid}/task").Sum(task => OfThread(Path.Combine(task, "schedstat")));
        }
        catch (IOException)
        {
            throw new BenchException($"process {pid} has ended in the middle of a measurement");
        }
    }

    internal static double OfProcesses(IEnumerable<int> pids) => pids.Sum(OfProcess);

    /// <summary>The first of the three numbers, in seconds.</summary>
    internal static double ParseSchedstat(string text)
    {
        var end = text.IndexOf(' ', StringComparison.Ordinal);
        return end > 0 && ulong.TryParse(text.AsSpan(0, end), NumberStyles.None, CultureInfo.InvariantCulture, out var nanoseconds)
            ? nanoseconds / 1e9
            : throw new FormatException($"not a schedstat line: '{text.Trim()}'");
    }

    private static double OfThread(string path)
    {
        try
        {
            return ParseSchedstat(File.ReadAllText(path));
        }
        catch (IOException)
        {
            return 0; // it ended since
        }
    }
}
