using System.Diagnostics;

namespace Mvedsua.Calls.Tests;

/// <summary>The checkout that these tests were built from, and the programs in it.</summary>
internal static class Repository
{
    internal static string Root { get; } = FindRoot();

    internal static string ProgramFolder { get; } = Path.Combine(Root, "out", "obj", "tests", "calls");

    /// <summary>Runs a program to its end; fails the test when it exits with another status than 0.</summary>
    internal static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {process.ExitCode}\n{output}\n{errors.Result}");
        return output;
    }

    /// <summary>Builds a program of tests/native/calls.</summary>
    internal static string Native(string name)
    {
        Run("make", "-s", "-C", Path.Combine(Root, "tests", "native", "calls"), $"OUT={Path.Combine(Root, "out")}",
            Path.Combine(ProgramFolder, name));
        return Path.Combine(ProgramFolder, name);
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Mvedsua.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Mvedsua.sln is above no folder of these tests");
        return folder;
    }
}
