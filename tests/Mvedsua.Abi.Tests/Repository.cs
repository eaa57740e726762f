using System.Diagnostics;

namespace Mvedsua.Abi.Tests;

/// <summary>Where the sources stand, and the C programs that play the other process (built once, by make).</summary>
internal static class Repository
{
    private static readonly Lazy<string> Programs = new(Build);

    internal static string Root { get; } = FindRoot();

    internal static string SharedHeader => Path.Combine(Root, "native/include/mvedsua/shared.h");

    internal static string Program(string name) => Path.Combine(Programs.Value, name);

    /// <summary>Runs to the end; returns what it wrote to standard output and error.</summary>
    internal static (int Status, string Output) Run(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    private static string Build()
    {
        var output = Path.Combine(Root, "out");
        var (status, text) = Run("make", "-s", "-C", Path.Combine(Root, "tests/native/log"), "programs", "OUT=" + output);
        Assert.True(status == 0, text);
        return Path.Combine(output, "tests");
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("the tests run outside the repository");
    }
}
