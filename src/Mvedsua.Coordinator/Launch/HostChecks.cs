using System.Globalization;

namespace Mvedsua.Coordinator.Launch;

/// <summary>What can be said against starting anything here, whatever the program.</summary>
public static class HostChecks
{
    /// <summary>Descriptors that a server must be able to open: the shim keeps a few hidden ones.</summary>
    public const int FewestDescriptors = 64;

    /// <summary>Kernels before it end the keeper when the leader dumps core.</summary>
    public static readonly Version OldestKernel = new(5, 16);

    /// <summary>Everything that stands against it, gravest first; empty when servers can be started.</summary>
    public static IReadOnlyList<LaunchRefusal> Check()
    {
        List<LaunchRefusal> found = [];
        if (Kernel() is { } kernel && kernel < OldestKernel)
            found.Add(new(RefusalKind.OldKernel, $"this kernel is {kernel}, and Mvedsua needs {OldestKernel} or later; boot a newer one."));
        if (HostCalls.ProbeMemfd() is not 0 and var memfd)
            found.Add(new(RefusalKind.NoMemfd, $"memfd_create fails here ({HostCalls.ErrorName(memfd)}), and the event log lives in such memory; allow it in the sandbox that forbids it."));
        if (SeccompMode() is not 0 and var mode)
            found.Add(new(RefusalKind.SeccompActive, $"a seccomp filter is already active (mode {mode}), which would end the server at a call that it doesn't know; start Mvedsua outside it (systemd: no SystemCallFilter=; docker: --security-opt seccomp=unconfined)."));
        if (HostCalls.ProbeWriteThenExecute() is not 0 and var error)
            found.Add(new(RefusalKind.NoWriteThenExecute, $"memory that was written can't be made executable here ({HostCalls.ErrorName(error)}), so system calls can't be rewritten; lift the rule (systemd: MemoryDenyWriteExecute=no)."));
        if (HostCalls.DescriptorLimit().Soft is < FewestDescriptors and var limit)
            found.Add(new(RefusalKind.DescriptorLimit, $"only {limit} descriptors may be open (RLIMIT_NOFILE), and {FewestDescriptors} are needed at least; raise it with 'ulimit -n 1024' or LimitNOFILE=."));
        return found;
    }

    /// <summary>The running kernel's version; null when its name isn't understood.</summary>
    public static Version? Kernel() => ParseKernel(HostCalls.KernelRelease());

    internal static Version? ParseKernel(string release)
    {
        var parts = release.Split('.', '-', '+');
        return parts.Length >= 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
            ? new Version(major, minor)
            : null;
    }

    /// <summary>0 none, 1 strict, 2 filter: the Seccomp line of /proc/self/status (proc(5)).</summary>
    internal static int SeccompMode()
    {
        const string field = "Seccomp:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(field, StringComparison.Ordinal));
        return line is null ? 0 : int.Parse(line.AsSpan(field.Length).Trim(), CultureInfo.InvariantCulture);
    }
}
