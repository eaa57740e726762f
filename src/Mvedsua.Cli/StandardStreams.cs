using System.Runtime.InteropServices;

namespace Mvedsua.Cli;

/// <summary>A standard stream that our parent closed must not become the number of a file of ours: what is printed would
/// be written into it. It leads nowhere instead; the server still finds it closed.</summary>
internal static unsafe partial class StandardStreams
{
    private const int ReadWrite = 2, CloseOnExec = 0x80000, GetFlags = 1; // O_*, F_GETFD

    /// <summary>To be called before anything is opened.</summary>
    internal static void Fill()
    {
        for (var stream = 0; stream <= 2; stream++)
        {
            if (fcntl(stream, GetFlags) < 0) _ = open("/dev/null", ReadWrite | CloseOnExec); // the lowest free number
        }
    }

    [LibraryImport("libc")]
    private static partial int fcntl(int descriptor, int command);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);
}
