using Microsoft.Win32.SafeHandles;

namespace Mvedsua.Update.Elf;

/// <summary>By what a file is recognised that nobody has written to since.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">When it was written last, in ticks (UTC).</param>
public readonly record struct FileStamp(long Size, long Modified)
{
    /// <summary>Of the file that has this path now.</summary>
    /// <exception cref="IOException">There is none.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be opened.</exception>
    public static FileStamp Of(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        return Of(file);
    }

    internal static FileStamp Of(SafeFileHandle file) => new(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file).Ticks);
}
