namespace Mvedsua.Replication.Servers;

/// <summary>The products under test and the bench's own C programs.</summary>
/// <param name="Out">The folder that make builds into.</param>
internal sealed record Paths(string Out)
{
    internal string Command => Existing(Path.Combine(Out, "mvedsua"));
    internal string Library => Existing(Path.Combine(Out, "libmvedsua.so"));
    internal string Bench(string program) => Existing(Path.Combine(Out, "bench", program));
    internal string LogBench => Existing(Path.Combine(Out, "tests", "log-bench"));

    private static string Existing(string path) =>
        File.Exists(path) ? path : throw new Measuring.BenchException($"{path} is missing: run 'make all' and 'make bench'");
}
