using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>Two versions of a server, built of Debian's source packages by tests/servers/debian-source.</summary>
/// <param name="Old">The program; null: not to be had.</param>
/// <param name="New">The other one.</param>
/// <param name="Missing">Why one is not to be had.</param>
internal sealed record DebianSource(string? Old, string? New, string Missing)
{
    private const int Unavailable = 69; // EX_UNAVAILABLE: nothing could be downloaded
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(25);

    /// <summary>Builds what is not built yet: minutes. Throws when a build fails.</summary>
    internal static DebianSource Build(Paths paths, string server, string old, string @new)
    {
        List<string> programs = [];
        foreach (var version in new[] { old, @new })
        {
            var script = Path.Combine(Paths.Root, "tests", "servers", "debian-source");
            var (status, output, errors) = Programs.RunToEnd(script, ["--out", paths.Out, server, version], _patience);
            if (Program(server, version, status, output, errors) is not { } program) return new DebianSource(null, null, $"{server} {version}: {errors.Trim().Split('\n')[^1]}");
            programs.Add(program);
        }

        return Target(programs[0]) != Target(programs[1])
            ? new DebianSource(programs[0], programs[1], "")
            : new DebianSource(null, null, $"Debian's archive has only one version of {server}: {Target(programs[0])}");
    }

    /// <summary>The script's answer; null: the archive can't be reached.</summary>
    internal static string? Program(string server, string version, int status, string output, string errors) => status switch
    {
        0 => output.Trim(),
        Unavailable => null,
        _ => throw new BenchException($"debian-source {server} {version}: exit status {status}\n{errors}"),
    };

    /// <summary>Of a program that the script built: the version that it is really of; null: it is another one.</summary>
    internal static string? VersionOf(Paths paths, string program) =>
        Path.GetRelativePath(Path.Combine(paths.Out, "servers"), Target(program)).Split('/') is [not "..", var version] ? version : null;

    /// <summary>A version that is gone is a link to the nearest one.</summary>
    private static string Target(string program)
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(program)!);
        return (folder.ResolveLinkTarget(returnFinalTarget: true) ?? folder).FullName;
    }
}
