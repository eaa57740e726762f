using System.Collections.Concurrent;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>Which version of a server is measured, as exactly as can be told: what a program says of itself does not tell Debian's revisions apart.</summary>
internal static class ServerVersion
{
    private static readonly ConcurrentDictionary<(string Out, string Program), string?> _known = new();

    /// <summary>"redis-server 5:7.0.15-1~deb12u10 (Debian)", or the version that it was built of, or what it says itself. Null: the program is this repository's, whose
    /// commit the run tells.</summary>
    /// <param name="paths">Where servers are built.</param>
    /// <param name="program">A path, or a name that is found as the system finds it.</param>
    internal static string? Of(Paths paths, string program) => _known.GetOrAdd((paths.Out, program), key => Find(paths, key.Program));

    private static string? Find(Paths paths, string program)
    {
        var (path, name) = (Programs.Find(program), Path.GetFileName(program));
        if (path is null) return null; // who starts it says so
        if (DebianSource.VersionOf(paths, path) is { } source) return $"{name} {source} (built of Debian's source)";
        if (!Path.GetRelativePath(paths.Out, path).StartsWith("..", StringComparison.Ordinal)) return null;
        // A program may be a link to one of another package, as redis-server is: what matters is whose the name is.
        return PackageIn(Programs.Ask("dpkg-query", "--search", path)) is { } package && Programs.Ask("dpkg-query", "--show", "--showformat=${Version}", package) is { Length: > 0 } version
            ? $"{name} {version} ({(package.Split(':')[0] == name ? "" : $"{package}, ")}Debian)"
            : $"{name} {Machine.VersionOf(path) ?? "of a version that it does not tell"}";
    }

    /// <summary>Of "redis-server: /usr/bin/redis-server"; null: the file is of no package, or of several.</summary>
    internal static string? PackageIn(string? said)
    {
        var line = said?.Split('\n').FirstOrDefault(l => !l.StartsWith("diversion by ", StringComparison.Ordinal));
        var end = line?.IndexOf(": ", StringComparison.Ordinal) ?? -1;
        return end > 0 && !line![..end].Contains(',', StringComparison.Ordinal) ? line[..end] : null;
    }
}
