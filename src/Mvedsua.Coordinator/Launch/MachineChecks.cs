using System.Globalization;

namespace Mvedsua.Coordinator.Launch;

/// <summary>What makes sessions faster or slower here.</summary>
internal static class MachineChecks
{
    internal static IEnumerable<SystemCheck> Examine() => [Cores(), Memory(), HugePages()];

    private static SystemCheck Cores() => Environment.ProcessorCount >= 2
        ? new("cores", CheckOutcome.Ok, Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture))
        : new("cores", CheckOutcome.Warning, "1", "leader and follower share one core, which halves throughput under load; give it two.");

    private static SystemCheck Memory()
    {
        var available = Control.ByteSize.Format(Control.ByteSize.Memory);
        return new("memory", CheckOutcome.Ok, $"{available}; logs may use {Control.ByteSize.Format(Control.ByteSize.Memory / 4)}");
    }

    private static SystemCheck HugePages()
    {
        const string path = "/sys/kernel/mm/transparent_hugepage/enabled";
        if (!File.Exists(path))
            return new("huge-pages", CheckOutcome.Ok, "not in this kernel (updates pause longer)");
        var text = File.ReadAllText(path);
        var chosen = text[(text.IndexOf('[', StringComparison.Ordinal) + 1)..text.IndexOf(']', StringComparison.Ordinal)];
        return new("huge-pages", CheckOutcome.Ok, chosen == "never" ? "never (updates pause longer)" : chosen);
    }
}
