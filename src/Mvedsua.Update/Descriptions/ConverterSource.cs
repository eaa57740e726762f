using System.Diagnostics;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Descriptions;

/// <summary>The author's C file with functions that convert structs.</summary>
/// <param name="File">Its path.</param>
/// <param name="Folder">The description's: where the compiler runs, so that its flags name headers from there.</param>
/// <param name="Flags">Words for the compiler, divided by blanks.</param>
/// <param name="Functions">Those that the description names.</param>
public sealed record ConverterSource(string File, string Folder, string Flags, IReadOnlyList<string> Functions)
{
    /// <summary>Compiles it with cc into a shared object: <c>cc -g -O2 -shared -fPIC FLAGS -o OUTPUT FILE</c>. Its file is gone when this returns:
    /// nobody would remove it behind a coordinator that is killed in an update.</summary>
    /// <exception cref="UpdateRefusedException">There is no compiler, it fails (with its words), or a function is missing.</exception>
    public ElfFile Compile()
    {
        var folder = Directory.CreateTempSubdirectory("mvedsua-convert-");
        try
        {
            return Compile(Path.Combine(folder.FullName, "convert.so"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private ElfFile Compile(string output)
    {
        var start = new ProcessStartInfo("cc", ["-g", "-O2", "-shared", "-fPIC", .. Flags.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            "-o", output, File])
        {
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        try
        {
            var (status, words) = Tool.Run(start);
            if (status != 0) throw new UpdateRefusedException($"the converters can't be compiled ({File}):\n{words.TrimEnd()}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new UpdateRefusedException($"the converters can't be compiled ({File}): there is no C compiler (cc): install Debian's package gcc", e);
        }

        var compiled = ElfFile.Read(output);
        if (compiled.ThreadLocals is not null) throw new UpdateRefusedException($"{File}: functions that convert can't have thread-local variables");
        var defined = compiled.DynamicSymbols.Where(s => s.IsDefined).Select(s => s.Name).ToHashSet();
        if (Functions.FirstOrDefault(f => !defined.Contains(f)) is { } missing)
            throw new UpdateRefusedException($"{File} has no function {missing}(), which the description names{(Spelling.DidYouMean(missing, defined) is { } near ? $": {near}" : ": is it static?")}");
        return compiled;
    }
}
