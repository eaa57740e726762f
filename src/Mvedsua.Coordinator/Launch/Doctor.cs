namespace Mvedsua.Coordinator.Launch;

/// <summary>Looks at what this machine, this user and this environment support. Changes nothing.</summary>
public static class Doctor
{
    /// <summary>Every check of the machine, in a fixed order.</summary>
    public static IReadOnlyList<SystemCheck> Examine()
    {
        // The launch checks decide what is fatal; here each has a row, with what was found when it is fine.
        var refusals = HostChecks.Check().ToDictionary(r => r.Kind);
        return
        [
            Required("kernel", refusals, RefusalKind.OldKernel, HostCalls.KernelRelease()),
            Glibc(),
            Required("memfd", refusals, RefusalKind.NoMemfd, "memfd_create works"),
            Required("write-then-execute", refusals, RefusalKind.NoWriteThenExecute, "written memory can be made executable"),
            Required("seccomp", refusals, RefusalKind.SeccompActive, "no filter is active"),
            Required("descriptors", refusals, RefusalKind.DescriptorLimit, $"{HostCalls.DescriptorLimit().Soft} may be open"),
            .. KernelFeatures.Examine(),
            .. MachineChecks.Examine(),
            SessionDirectoryCheck(),
            Library(),
            ElfLibrary(),
        ];
    }

    private static SystemCheck Required(string name, Dictionary<RefusalKind, LaunchRefusal> refusals, RefusalKind kind, string fine) =>
        refusals.TryGetValue(kind, out var refusal)
            ? new(name, CheckOutcome.Missing, LaunchRefusal.NameOf(kind), refusal.Message)
            : new(name, CheckOutcome.Ok, fine);

    private static SystemCheck Glibc()
    {
        var version = HostCalls.GlibcVersion();
        var known = Version.TryParse(version, out var parsed) && parsed >= new Version(2, 31) && parsed <= new Version(2, 44);
        return known
            ? new("glibc", CheckOutcome.Ok, version)
            : new("glibc", CheckOutcome.Warning, version, "tested with glibc 2.31 to 2.44; others may hold system calls in shapes that are trapped instead of rewritten.");
    }

    private static SystemCheck SessionDirectoryCheck() => SessionChecks.CheckDirectory() is { } refusal
        ? new("session-directory", CheckOutcome.Missing, refusal.Name, refusal.Message)
        : new("session-directory", CheckOutcome.Ok, Control.SessionDirectory.Root);

    private static SystemCheck Library()
    {
        try
        {
            return new("library", CheckOutcome.Ok, ShimLibrary.Locate());
        }
        catch (LaunchRefusedException e)
        {
            return new("library", CheckOutcome.Missing, e.Refusal.Name, e.Message);
        }
        catch (DllNotFoundException)
        {
            return new("library", CheckOutcome.Missing, "not checked", "it can't be read without libelf (see there).");
        }
    }

    private static SystemCheck ElfLibrary()
    {
        try
        {
            _ = Mvedsua.Abi.Elf.ElfImage.Read("/proc/self/exe");
            return new("libelf", CheckOutcome.Ok, "libelf.so.1 reads programs");
        }
        catch (DllNotFoundException)
        {
            return new("libelf", CheckOutcome.Missing, "libelf.so.1 is missing", "programs can't be examined without it; install it (Debian: libelf1).");
        }
    }
}
