using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>Memory of a process, from <c>/proc/PID/status</c>.</summary>
internal static class Memory
{
    /// <summary>Bytes of touched pages that no file backs: heap and stacks.</summary>
    internal static double Touched(int pid) => ParseTouched(File.ReadAllText($"/proc/{pid}/status"));

    /// <summary>Bytes of a process's memory, each page divided by those who share it (proc_pid_smaps(5), Pss): of several processes the sum is what they
    /// take together.</summary>
    internal static double Share(int pid) => Parse(File.ReadAllText($"/proc/{pid}/smaps_rollup"), "Pss:");

    /// <summary>Bytes of touched memory in huge pages.</summary>
    internal static double Huge(int pid) => Parse(File.ReadAllText($"/proc/{pid}/smaps_rollup"), "AnonHugePages:");

    /// <summary>The line "RssAnon:  1234 kB".</summary>
    internal static double ParseTouched(string status) => Parse(status, "RssAnon:");

    internal static double Parse(string text, string name)
    {
        var line = text.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) ?? throw new FormatException($"no {name}");
        return double.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
    }
}
