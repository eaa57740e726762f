using System.Text;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Coordinator.Launch;

/// <summary>One file of a program: the program itself, its loader, a library.</summary>
/// <param name="Path">Where it was found, or its name when it wasn't.</param>
/// <param name="Kind">"program", "loader", "library", "missing" or "unreadable".</param>
/// <param name="Sites">Its system-call sites.</param>
/// <param name="Note">What else is to be said about it.</param>
public sealed record InspectedObject(string Path, string Kind, SiteCount Sites, string? Note);

/// <summary>What the shim would do with a file.</summary>
/// <param name="File">The file as named.</param>
/// <param name="Executable">The ELF program that would run: the file, or a script's interpreter.</param>
/// <param name="Interpreter">The loader; null without one.</param>
/// <param name="Libc">Version of glibc that it would use; null when there is none.</param>
/// <param name="BuildId">The program's build id; null without one.</param>
/// <param name="Objects">The program and all that it loads at its start.</param>
/// <param name="Refusals">What stands against running it, gravest first.</param>
public sealed record Inspection(
    string File,
    string Executable,
    string? Interpreter,
    string? Libc,
    string? BuildId,
    IReadOnlyList<InspectedObject> Objects,
    IReadOnlyList<LaunchRefusal> Refusals);

/// <summary>Says what the shim would do with a program, without running it.</summary>
public static class Inspector
{
    /// <exception cref="LaunchRefusedException">There is no such program.</exception>
    public static Inspection Inspect(string file)
    {
        // A library may be inspected too: it needn't be executable.
        var executable = IsScript(file) ? CommandResolver.Resolve([file]).Executable : Find(file);
        ElfImage image;
        try
        {
            image = ElfImage.Read(executable, withCode: true);
        }
        catch (ElfException)
        {
            return new Inspection(file, executable, null, null, null, [], ProgramChecks.Check(executable));
        }

        var isProgram = image.Interpreter is not null || image.IsFixedAddress || image.SoName is null;
        List<InspectedObject> objects = [Describe(image, isProgram ? "program" : "library")];
        string? libc = null;
        if (image.IsDynamic && (image.Interpreter ?? DefaultLoader) is var loader && File.Exists(loader) && LoaderCommand.IsLoader(loader))
        {
            foreach (var path in LibraryList.Of(loader, executable))
            {
                var known = Examine(path, path == loader ? "loader" : "library");
                objects.Add(known);
                if (Path.GetFileName(path) == "libc.so.6" && known.Kind == "library") libc = LibcVersion(path);
            }
        }

        return new Inspection(file, executable, image.Interpreter, libc, image.BuildId, objects,
            isProgram ? ProgramChecks.Check(executable) : []);
    }

    private static readonly System.Buffers.SearchValues<byte> _versionCharacters = System.Buffers.SearchValues.Create("0123456789."u8);
    private const string DefaultLoader = "/lib64/ld-linux-x86-64.so.2"; // the x86-64 ABI's name for it

    private static string Find(string file) =>
        File.Exists(file) ? Path.GetFullPath(file) : CommandResolver.Resolve([file]).Executable;

    private static bool IsScript(string file)
    {
        if (!File.Exists(file)) return false;
        using var stream = File.OpenRead(file);
        return stream.ReadByte() == '#' && stream.ReadByte() == '!';
    }

    private static InspectedObject Examine(string path, string kind)
    {
        if (!File.Exists(path)) return new(path, "missing", default, "the loader doesn't find it");
        try
        {
            return Describe(ElfImage.Read(path, withCode: true), kind);
        }
        catch (Exception e) when (e is ElfException or IOException or UnauthorizedAccessException)
        {
            return new(path, "unreadable", default, e.Message);
        }
    }

    private static InspectedObject Describe(ElfImage image, string kind)
    {
        var sites = SiteCounter.Count(image.Code);
        var note = sites switch
        {
            { Legacy: > 0, Invalid: 0 } => $"{sites.Legacy} 32-bit calls, refused at run time",
            { Syscall: > 0, Invalid: > 0 } => "some may be data",
            _ => null,
        };
        return new(image.Path, kind, sites, note);
    }

    // Every glibc carries its banner: "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36."
    private static string? LibcVersion(string path)
    {
        var mark = "release version "u8;
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        var at = bytes.IndexOf(mark);
        if (at < 0) return null;
        var rest = bytes[(at + mark.Length)..];
        var end = rest.IndexOfAnyExcept(_versionCharacters);
        return end <= 0 ? null : Encoding.ASCII.GetString(rest[..end]).TrimEnd('.');
    }
}
