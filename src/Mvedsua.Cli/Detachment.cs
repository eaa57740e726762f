using System.Runtime.InteropServices;

namespace Mvedsua.Cli;

/// <summary>Makes this process independent of the terminal and of the pipes it was started with.</summary>
internal static unsafe partial class Detachment
{
    private const int WriteOnly = 1, Create = 0x40, Append = 0x400, CloseOnExec = 0x80000; // O_*

    /// <summary>A session of its own: the terminal's ^C and hang-up don't reach it (setsid(2)).</summary>
    internal static void LeaveSession() => _ = setsid();

    /// <summary>From now on standard output and error go to a file that only this user can read.</summary>
    internal static void RedirectOutput(string path)
    {
        var file = open(path, WriteOnly | Create | Append | CloseOnExec, 0x180 /* 0600 */);
        if (file < 0) return; // the session's directory is going away: so are its readers
        _ = dup2(file, 1);
        _ = dup2(file, 2);
        _ = close(file);
        // Whoever has printed something already keeps a duplicate of the old descriptor.
        Console.SetOut(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        Console.SetError(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true });
    }

    [LibraryImport("libc")]
    private static partial int setsid();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int dup2(int from, int to);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
