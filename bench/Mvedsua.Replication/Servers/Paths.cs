namespace Mvedsua.Replication.Servers;

/// <summary>The products under test and the bench's own C programs.</summary>
/// <param name="Out">The folder that make builds into.</param>
internal sealed record Paths(string Out)
{
    /// <summary>Where a run writes what it finds.</summary>
    internal string Results { get; init; } = Path.Combine(Out, "bench");

    /// <summary>Of the experiment that is being made.</summary>
    internal Measuring.RunLog Log { get; init; } = new();

    internal string Command => Existing(Path.Combine(Out, "mvedsua"));
    internal string Library => Existing(Path.Combine(Out, "libmvedsua.so"));
    internal string Kv(string release) => Existing(Path.Combine(Out, "servers", "kv", $"kv-{release}"));

    /// <summary>The folder of the rules and descriptions of an update.</summary>
    internal static string Rules(string update) => Path.Combine(Root, "rules", update);

    /// <summary>The clone that this bench was built in.</summary>
    internal static string Root { get; } = FindRoot();

    internal string Bench(string program) => Existing(Path.Combine(Out, "bench", program));

    /// <summary>The open-loop load generator, which is built with this program.</summary>
    internal static string OpenLoad => Existing(Path.Combine(AppContext.BaseDirectory, "mvedsua-load"));

    internal string LogBench => Existing(Path.Combine(Out, "tests", "log-bench"));

    private static string Existing(string path) =>
        File.Exists(path) ? path : throw new Measuring.BenchException($"{path} is missing: 'make bench' builds it");

    private static string FindRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Mvedsua.sln"))) return at.FullName;
        }

        throw new Measuring.BenchException("the repository's folder can't be found");
    }
}
