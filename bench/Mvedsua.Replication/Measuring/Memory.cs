using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>Memory of a process, from <c>/proc/PID/status</c>.</summary>
internal static class Memory
{
    /// <summary>Bytes of touched pages that no file backs: heap and stacks.</summary>
    internal static double Touched(int pid) => ParseTouched(File.ReadAllText($"/proc/{pid}/status"));

    /// <summary>The line "RssAnon:  1234 kB".</summary>
    internal static double ParseTouched(string status)
    {
        const string name = "RssAnon:";
        var line = status.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) ?? throw new FormatException("not /proc/PID/status");
        return double.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
    }
}
