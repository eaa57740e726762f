using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>What fork() costs a Redis that runs natively: it makes a child to save its data and tells how long that took.</summary>
internal static class RedisFork
{
    /// <summary>Seconds. The child is ended at once: its work would disturb what is measured next.</summary>
    internal static double Measure(Server native)
    {
        var reply = Programs.Run("redis-cli", ["-p", $"{native.Port}", "bgsave"]);
        if (!reply.StartsWith("Background saving started", StringComparison.Ordinal)) throw new BenchException($"redis answered '{reply.Trim()}' to BGSAVE");
        foreach (var child in ProcessTree.Under(native.Pid).Where(p => p.Parent == native.Pid)) Signals.TrySend(child.Pid, Signals.Kill);
        return Parse(Programs.Run("redis-cli", ["-p", $"{native.Port}", "info", "stats"]));
    }

    /// <summary>The line "latest_fork_usec:2310" of INFO, in seconds.</summary>
    internal static double Parse(string info)
    {
        const string name = "latest_fork_usec:";
        var line = info.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is not null && long.TryParse(line[name.Length..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? microseconds / 1e6
            : throw new BenchException("redis did not tell how long fork() took");
    }
}
