using System.Globalization;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Results;

/// <summary>Where runs are kept: out/bench/TIME, and out/bench/last, which leads to the last one.</summary>
internal static class RunFolder
{
    private static string Parent(Paths paths) => Path.Combine(paths.Out, "bench");

    internal static string Last(Paths paths) => Path.Combine(Parent(paths), "last");

    /// <summary>Makes the folder. 'last' leads to it, unless another place was asked for: that one may be gone tomorrow.</summary>
    internal static string Create(Paths paths, string? asked, DateTimeOffset begun)
    {
        var folder = Path.GetFullPath(asked ?? Path.Combine(Parent(paths), begun.ToString("yyyy-MM-dd'T'HH-mm-ss'Z'", CultureInfo.InvariantCulture)));
        Directory.CreateDirectory(folder);
        if (asked is not null) return folder;
        File.Delete(Last(paths));
        Directory.CreateSymbolicLink(Last(paths), Path.GetFileName(folder));
        return folder;
    }
}
