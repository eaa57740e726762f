using System.Diagnostics;

namespace Mvedsua.Rewriter.Tests;

/// <summary>Where the repository is, and programs that are run from it.</summary>
public static class Workbench
{
    private static readonly Lazy<string> Built = new(Build);

    public static string Root { get; } = FindRoot();
    public static string Out => Path.Combine(Root, "out");

    /// <summary>The path of rewrite-dump, built when it isn't up to date.</summary>
    public static string RewriteDump => Built.Value;

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("Mvedsua.sln isn't in any folder above the tests");
    }

    private static string Build()
    {
        string program = Path.Combine(Out, "rewrite-dump");
        Run("make", "-C", Path.Combine(Root, "tests/native/rewrite"), $"OUT={Out}", program);
        return program;
    }

    /// <summary>Runs a program to its end and returns its standard output; fails on a non-zero exit status.</summary>
    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}");
        return output;
    }
}
