namespace Mvedsua.Coordinator.Launch;

/// <summary>User shadow stacks (Intel CET): on only where the processor, the kernel and glibc's tunables all say so.</summary>
internal static class ShadowStack
{
    internal static bool WouldBeOn => IsSupported(File.ReadLines("/proc/cpuinfo"))
        && IsRequested(Environment.GetEnvironmentVariable("GLIBC_TUNABLES"));

    /// <summary>The kernel lists user_shstk once it offers it to programs.</summary>
    internal static bool IsSupported(IEnumerable<string> cpuinfo) =>
        cpuinfo.FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ').Contains("user_shstk") ?? false;

    /// <summary>glibc 2.39 and later turn it on only for glibc.cpu.hwcaps=…,SHSTK or glibc.cpu.x86_shstk=on.</summary>
    internal static bool IsRequested(string? tunables) => (tunables ?? "").Split(':').Any(tunable =>
        (tunable.StartsWith("glibc.cpu.hwcaps=", StringComparison.Ordinal) && tunable[17..].Split(',').Contains("SHSTK"))
        || tunable is "glibc.cpu.x86_shstk=on" or "glibc.cpu.x86_shstk=permissive");
}
