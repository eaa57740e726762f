using System.Globalization;
using System.Text.RegularExpressions;

namespace Mvedsua.Replication.Measuring;

/// <summary>What the numbers were measured on.</summary>
/// <param name="Processor">The model.</param>
/// <param name="Cores">Processors on line.</param>
/// <param name="Governor">How the clock is governed; null: the machine does not tell.</param>
/// <param name="Pinned">The processors that were used; null: all.</param>
/// <param name="MemoryBytes">Of the machine.</param>
/// <param name="Kernel">Its release.</param>
/// <param name="LoadAverage">Of one minute, at the start.</param>
/// <param name="Commit">Of the work tree, "-dirty" when it was changed; null: there is none.</param>
/// <param name="Versions">By program; what the program says.</param>
internal sealed record Machine(
    string Processor, int Cores, string? Governor, string? Pinned, double MemoryBytes, string Kernel, double LoadAverage, string? Commit, IReadOnlyDictionary<string, string> Versions)
{
    private static readonly (string Program, string Option)[] _programs =
    [
        ("redis-server", "--version"), ("redis-benchmark", "--version"), ("memcached", "-V"), ("nginx", "-v"), ("lighttpd", "-v"), ("beanstalkd", "-v"),
    ];

    internal static Machine Read(string root) => new(
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor",
        Affinity.Parse(File.ReadAllText("/sys/devices/system/cpu/online").Trim()).Count,
        Governors(),
        Affinity.IsPinned ? Affinity.Allowed() : null,
        Memory.Parse(File.ReadAllText("/proc/meminfo"), "MemTotal:"),
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
        Programs.Ask("git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12"),
        _programs.ToDictionary(p => p.Program, p => VersionOf(p.Program) ?? "not installed"));

    /// <summary>For people, a line each.</summary>
    internal IEnumerable<string> Describe()
    {
        yield return string.Create(CultureInfo.InvariantCulture,
            $"{Processor}, {Cores} cores, {MemoryBytes / (1 << 30):0.0} GiB of memory, Linux {Kernel}; governor {Governor ?? "not told by this machine"}; {(Pinned is null ? "not pinned" : $"pinned to processors {Pinned}")}; load average {LoadAverage:0.00} at the start");
        yield return $"{string.Join(", ", Versions.Select(v => $"{v.Key} {v.Value}"))}; {(Commit is null ? "no git work tree" : $"commit {Commit}")}";
    }

    /// <summary>What a program says that it is; null: it says nothing, or is not there.</summary>
    internal static string? VersionOf(string program) =>
        Programs.Ask(program, _programs.FirstOrDefault(p => p.Program == Path.GetFileName(program), (Program: program, Option: "--version")).Option) is { } said ? VersionIn(said) : null;

    /// <summary>The first number with a point in it: "Redis server v=7.0.15 sha=…", "nginx version: nginx/1.22.1".</summary>
    internal static string VersionIn(string said) => Regex.Match(said, @"\d+(\.\d+)+[\w.-]*") is { Success: true } match ? match.Value : said.Trim().Split('\n')[0];

    private static string? Governors()
    {
        var files = Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*").Select(d => Path.Combine(d, "cpufreq", "scaling_governor")).Where(File.Exists);
        var governors = string.Join(", ", files.Select(f => File.ReadAllText(f).Trim()).Distinct().Order());
        return governors.Length > 0 ? governors : null;
    }
}
