using System.Diagnostics;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The commands under test: out/mvedsua beside the real shim, and a copy of it beside one that only plays the
/// shim's part (tests/native/fake-session). Every session of this test run stands in one directory of its own.</summary>
internal static class Installation
{
    private static readonly Lazy<string> FakeProgram = new(MakeFake);

    static Installation()
    {
        Folder = Directory.CreateTempSubdirectory("coordinator-tests-").FullName;
        Environment.SetEnvironmentVariable("XDG_RUNTIME_DIR", Folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove();
    }

    /// <summary>$XDG_RUNTIME_DIR of this process and of all that it starts.</summary>
    internal static string Folder { get; }

    internal static string Root { get; } = FindRoot();

    /// <summary>The built command with the built shim.</summary>
    internal static string Real { get; } = Path.Combine(FindRoot(), "out", "mvedsua");

    /// <summary>The built command with the fake shim.</summary>
    internal static string Fake => FakeProgram.Value;

    /// <summary>Compiles C with gcc; returns the product's path.</summary>
    internal static string Compile(string name, string source, params string[] flags)
    {
        string product = Path.Combine(Folder, name);
        var start = new ProcessStartInfo("gcc", ["-o", product, .. flags, "-x", "c", "-"]) { RedirectStandardInput = true, RedirectStandardError = true };
        using Process gcc = Process.Start(start)!;
        gcc.StandardInput.Write(source);
        gcc.StandardInput.Close();
        string errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Assert.True(gcc.ExitCode == 0, errors);
        return product;
    }

    private static void Remove()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            /* A session that is just ending removes its own files. */
        }
    }

    private static string MakeFake()
    {
        string folder = Path.Combine(Folder, "fake");
        Directory.CreateDirectory(folder);
        string program = Path.Combine(folder, "mvedsua");
        File.Copy(Real, program);
        /* With the shim's own note, by which the command recognises it. */
        Compile("fake/libmvedsua.so", $"#include \"{Root}/tests/native/fake-session/fake.c\"\n#include \"{Root}/native/shim/abi_note.c\"\n",
            "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-Wl,-soname,libmvedsua.so", "-I", Path.Combine(Root, "native/include"));
        return program;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
