using System.Diagnostics;

namespace Mvedsua.Launch.Tests;

/// <summary>A folder of its own for a test, and the tools to make real programs in it.</summary>
public sealed class Workbench : IDisposable
{
    public Workbench() => Folder = Directory.CreateTempSubdirectory("mvedsua-launch-").FullName;

    public string Folder { get; }

    /// <summary>The smallest program that could be a server's: it does nothing but end.</summary>
    public const string Empty = "int main(void) { return 0; }";

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Compiles C with gcc and returns the product's path.</summary>
    public string Compile(string name, string source, params ReadOnlySpan<string> flags)
    {
        var c = PathOf(name + ".c");
        File.WriteAllText(c, source);
        var product = PathOf(name);
        var (status, _, errors) = Run("gcc", ["-o", product, c, .. flags]);
        Assert.True(status == 0, errors);
        return product;
    }

    /// <summary>Writes a file that may be executed.</summary>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        var path = PathOf(name);
        File.WriteAllBytes(path, content);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    public static (int Status, string Output, string Errors) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    /// <summary>True when a Debian package's tool is there; sbin is not in everybody's PATH.</summary>
    public static string? Find(string tool) =>
        new[] { "/usr/bin/", "/usr/sbin/", "/sbin/" }.Select(folder => folder + tool).FirstOrDefault(File.Exists);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
