using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>The bench's C programs, built.</summary>
internal static class Built
{
    private static readonly Lazy<Paths> _paths = new(() =>
    {
        var paths = new Paths(Path.Combine(Paths.Root, "out"));
        Programs.Run("make", ["-s", "-C", Path.Combine(Paths.Root, "bench", "native"), $"OUT={paths.Out}"]);
        return paths;
    });

    internal static Paths Paths => _paths.Value;
}
