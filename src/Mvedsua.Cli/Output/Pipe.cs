using Microsoft.Win32.SafeHandles;

namespace Mvedsua.Cli.Output;

/// <summary>Standard output for verbs that print without end. Console.Out would swallow the error of a reader that
/// has gone (EPIPE) and let them print on for nobody.</summary>
internal static class Pipe
{
    internal static StreamWriter Open()
    {
        var handle = new SafeFileHandle(1, ownsHandle: false);
        return new StreamWriter(new FileStream(handle, FileAccess.Write, bufferSize: 0), bufferSize: 64 << 10);
    }
}
