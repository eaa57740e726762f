using Mvedsua.Abi;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Coordinator.Launch;

/// <summary>Finds libmvedsua.so: beside the command, or in the lib folder of the same installation.</summary>
public static class ShimLibrary
{
    /// <summary>Its file name, and the SONAME by which it is recognised.</summary>
    public const string FileName = "libmvedsua.so";

    private const uint Layout = MvAbi.AbiVersion;

    /// <summary>Absolute path of a library that can be preloaded.</summary>
    /// <exception cref="LaunchRefusedException">It is missing, or isn't this project's.</exception>
    public static string Locate() => LocateFrom(Path.GetDirectoryName(Environment.ProcessPath)!);

    internal static string LocateFrom(string folder)
    {
        string[] candidates = [Path.Combine(folder, FileName), Path.GetFullPath(Path.Combine(folder, "../lib/mvedsua", FileName))];
        var path = Array.Find(candidates, File.Exists)
            ?? throw LaunchRefusedException.Because(RefusalKind.LibraryMissing,
                $"{FileName} is neither in {folder} nor in ../lib/mvedsua from there; build it with 'make all' or install it beside mvedsua.");
        // ld.so splits LD_PRELOAD at blanks and colons and knows no quoting.
        if (path.AsSpan().IndexOfAny(" \t\n:$") >= 0)
        {
            throw LaunchRefusedException.Because(RefusalKind.LibraryUnusable,
                $"the path {path} holds a blank, a colon or a dollar sign, which LD_PRELOAD can't carry; move Mvedsua to another folder.");
        }

        try
        {
            var image = ElfImage.Read(path);
            if (image.SoName != FileName || image.ShimLayout is not { } layout) throw Unusable(path, "it is another library");
            if (layout != Layout)
                throw Unusable(path, $"it is of another release: it speaks layout {layout}, this command layout {Layout}");
            return path;
        }
        catch (Exception e) when (e is ElfException or IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, e.Message);
        }
    }

    private static LaunchRefusedException Unusable(string path, string why) => LaunchRefusedException.Because(
        RefusalKind.LibraryUnusable, $"{path} can't be preloaded ({why.TrimEnd('.')}); build it again with 'make all'.");
}
