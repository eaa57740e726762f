using System.Diagnostics;

namespace Mvedsua.Update.Tests;

/// <summary>A folder of its own for a test, and gcc to make real programs in it.</summary>
public sealed class Workbench : IDisposable
{
    /// <summary>How the programs of these tests are built unless a test says otherwise: as a server would be, with the relocations
    /// kept.</summary>
    public static readonly string[] Ordinary = ["-g", "-O2", "-Wl,--emit-relocs"];

    public string Folder { get; } = Directory.CreateTempSubdirectory("mvedsua-update-").FullName;

    /// <summary>Compiles a program that calls agent() and is to be updated.</summary>
    public string CompileLive(string name, string source, params ReadOnlySpan<string> flags) =>
        CompileLive(name, [("program.c", source)], flags);

    /// <summary>As above, of several files.</summary>
    public string CompileLive(string name, (string File, string Source)[] sources, params ReadOnlySpan<string> flags)
    {
        return Compile(name, sources, [.. flags.IsEmpty ? Ordinary : flags, CompileAgentLibrary(), $"-Wl,-rpath,{Folder}"]);
    }

    /// <summary>The library that has agent(), and files of tests/native/update that call it.</summary>
    public string CompileAgentLibrary(params ReadOnlySpan<string> files)
    {
        var library = PathOf("libagent.so");
        if (!File.Exists(library))
            Gcc(Folder, ["-O2", "-fPIC", "-shared", "-o", library, .. ((string[])["agent.c", .. files]).Select(f => Path.Combine(AppContext.BaseDirectory, f))]);
        return library;
    }

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Compiles one C file into a program of that name, in a folder of its own, so that two versions can have files of the
    /// same name.</summary>
    public string Compile(string name, string source, params ReadOnlySpan<string> flags) =>
        Compile(name, [("program.c", source)], flags);

    /// <summary>Compiles C files, in this order, into a program of that name; headers among them are only written.</summary>
    public string Compile(string name, (string File, string Source)[] sources, params ReadOnlySpan<string> flags)
    {
        var folder = Directory.CreateDirectory(PathOf(name + ".src")).FullName;
        foreach (var (file, source) in sources)
        {
            var path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, source);
        }

        var product = PathOf(name);
        Gcc(folder, [.. sources.Select(s => s.File).Where(f => !f.EndsWith(".h", StringComparison.Ordinal)), "-o", product, .. flags]);
        return product;
    }

    private static void Gcc(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("gcc", arguments) { RedirectStandardError = true, WorkingDirectory = folder };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
