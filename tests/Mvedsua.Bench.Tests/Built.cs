using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>The clone's products, with the bench's C programs built anew where they changed.</summary>
internal static class Built
{
    private static readonly Paths _paths = Make();

    /// <summary>With a log of its own for each test.</summary>
    internal static Paths Paths => _paths with { Log = new RunLog() };

    /// <summary>The command under test.</summary>
    internal static string Bench => Path.Combine(AppContext.BaseDirectory, "mvedsua-bench");

    private static Paths Make()
    {
        var paths = new Paths(Path.Combine(Paths.Root, "out"));
        Programs.Run("make", ["-s", "-C", Path.Combine(Paths.Root, "bench", "native"), $"OUT={paths.Out}"]);
        return paths;
    }
}
