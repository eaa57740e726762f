using System.Diagnostics;

namespace Mvedsua.Cli.Tests;

/// <summary>The built command, out/mvedsua, run with a session directory of its own.</summary>
public sealed class MvedsuaRunner : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    public MvedsuaRunner()
    {
        Folder = Directory.CreateTempSubdirectory("mvedsua-cli-").FullName;
        Environment["XDG_RUNTIME_DIR"] = Folder;
    }

    public sealed record Result(int Status, string Output, string Errors);

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Absolute path of the command under test.</summary>
    public static string Program { get; } = Path.Combine(Root, "out", "mvedsua");

    /// <summary>$XDG_RUNTIME_DIR of the command, and a place for a test's files.</summary>
    public string Folder { get; }

    /// <summary>Variables set for the command on top of the test's own.</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    public string SessionFolder(string name) => Path.Combine(Folder, "mvedsua", name);

    public Result Run(params string[] arguments) => Run(Program, arguments);

    /// <summary>Runs another program with the same environment, such as one that puts the command into a cage.</summary>
    public Result Run(string program, string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!Task.WaitAll([output, errors, process.WaitForExitAsync()], _patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"still running after {_patience}: {program} {string.Join(' ', arguments)}");
        }

        return new Result(process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>Starts a program whose input, output and errors are pipes.</summary>
    public Process Start(string program, params string[] arguments)
    {
        Assert.True(File.Exists(Program), $"{Program} isn't built: run make");
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Compiles C with gcc into the test's folder.</summary>
    public string Compile(string name, string source, params string[] flags)
    {
        var c = Path.Combine(Folder, name + ".c");
        File.WriteAllText(c, source);
        var product = Path.Combine(Folder, name);
        var result = Run("gcc", ["-o", product, c, .. flags]);
        Assert.True(result.Status == 0, result.Errors);
        return product;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
