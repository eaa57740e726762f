using System.Diagnostics;

namespace Mvedsua.Tests;

/// <summary>Servers that tests/servers/debian-source builds of Debian's source packages. A test that needs one is skipped where the archive can't
/// be reached; a build that fails is a failure.</summary>
internal static class DebianServer
{
    /// <summary>Nothing could be downloaded (EX_UNAVAILABLE).</summary>
    private const int Unavailable = 69;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(25);
    private static readonly Dictionary<(string Server, string Version, string? Patch, string? Beside), (string? Program, string Words)> s_built = [];
    private static readonly Lock s_lock = new();

    private static string Root { get; } = FindRoot();

    /// <summary>The folder of the server's rules and update descriptions.</summary>
    internal static string Rules(string server) => Path.Combine(Root, "rules", server);

    /// <summary>The path of the program; the first test that asks for it waits for its build.</summary>
    /// <param name="server">redis, …: the recipes in tests/servers/debian-recipes.</param>
    /// <param name="version">Debian's.</param>
    internal static string Build(string server, string version) => Build(server, version, null, null);

    /// <param name="server">redis, …</param>
    /// <param name="version">Debian's.</param>
    /// <param name="patch">A fault that it is built with, of tests/servers/debian-recipes/patches; null: none.</param>
    internal static string BuildPatched(string server, string version, string patch) => Build(server, version, patch, null);

    /// <summary>Two versions between which to update. Where one has left the archive, another stands in for it that is on the same side of the other one; the
    /// test is skipped where there is none, and says so.</summary>
    internal static (string Old, string New) Build(string server, string old, string @new)
    {
        var pair = (Old: Build(server, old, null, @new), New: Build(server, @new, null, old));
        Assert.SkipWhen(Target(pair.Old) == Target(pair.New), $"of {server} {old} and {@new} only one is to be had: {Target(pair.Old)}");
        return pair;
    }

    private static string Build(string server, string version, string? patch, string? beside)
    {
        string? program, words;
        lock (s_lock)
        {
            if (!s_built.TryGetValue((server, version, patch, beside), out var known))
                s_built[(server, version, patch, beside)] = known =
                    Run([.. patch is null ? Array.Empty<string>() : ["--patch", patch], .. beside is null ? Array.Empty<string>() : ["--beside", beside], server, version]);
            (program, words) = known;
        }
        Assert.SkipWhen(program is null, words);
        if (StandsIn(words) is { } what) TestContext.Current.AddWarning(what);
        return program!;
    }

    /// <summary>The script's word that it is another version than the one asked for; null: it is that one.</summary>
    internal static string? StandsIn(string words) => words.Split('\n').FirstOrDefault(line => line.Contains("is no longer to be had, this is", StringComparison.Ordinal));

    private static string Target(string program)
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(program)!);
        return (folder.ResolveLinkTarget(returnFinalTarget: true) ?? folder).FullName;
    }

    private static (string? Program, string Words) Run(string[] words)
    {
        var (status, output, errors) = Script(null, words);
        Assert.True(status is 0 or Unavailable, $"{ScriptPath} {string.Join(' ', words)}: exit status {status}\n{errors}");
        return status == 0 ? (output.Trim(), errors) : (null, errors.Trim());
    }

    private static string ScriptPath => Path.Combine(Root, "tests", "servers", "debian-source");

    /// <summary>Runs the script.</summary>
    /// <param name="archive">Whose packages; null: Debian's.</param>
    /// <param name="words">The command line.</param>
    internal static (int Status, string Output, string Errors) Script(string? archive, params string[] words)
    {
        var start = new ProcessStartInfo(ScriptPath, words) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (archive is not null) start.Environment["DEBIAN_ARCHIVE"] = archive;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{ScriptPath} {string.Join(' ', words)} took longer than {s_patience.TotalMinutes} minutes");
        }
        return (process.ExitCode, output.Result, errors.Result);
    }

    private static string FindRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "Mvedsua.sln"))) return at.FullName;
        throw new DirectoryNotFoundException("the repository's folder can't be found");
    }
}
