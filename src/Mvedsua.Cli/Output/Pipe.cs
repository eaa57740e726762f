using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mvedsua.Cli.Output;

/// <summary>Standard output for verbs that print without end. Console.Out would swallow the error of a reader that
/// has gone (EPIPE) and let them print on for nobody.</summary>
internal static partial class Pipe
{
    private const short Error = 8, HangUp = 16; /* POLLERR, POLLHUP */

    internal static StreamWriter Open()
    {
        var handle = new SafeFileHandle(1, ownsHandle: false);
        return new StreamWriter(new FileStream(handle, FileAccess.Write, bufferSize: 0), bufferSize: 64 << 10);
    }

    /// <summary>Tells once whoever reads standard output has gone, for verbs that may have nothing to print for long: poll(2) reports that unasked. (A file
    /// has no reader that could go.)</summary>
    /// <param name="then">On a thread of its own; the process may be ending.</param>
    internal static void WhenReaderGoes(Action then) => new Thread(() =>
    {
        var output = new PollFd { Fd = 1 };
        int found;
        do found = Poll(ref output, 1, -1);
        while (found < 0 && Marshal.GetLastPInvokeError() == 4 /* EINTR */);
        if (found > 0 && (output.Returned & (Error | HangUp)) != 0) then();
    }) { IsBackground = true }.Start();

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollFd fds, ulong count, int milliseconds);

    private struct PollFd
    {
        internal int Fd;
        internal short Events, Returned;
    }
}
