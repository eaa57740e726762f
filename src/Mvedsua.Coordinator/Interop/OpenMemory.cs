using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mvedsua.Coordinator.Interop;

/// <summary>Writes the memory of a process through its open /proc/PID/mem, also where the process itself may not (proc(5)).</summary>
internal static unsafe class OpenMemory
{
    /// <summary>All of it. RandomAccess.Write can't be used: once the process is gone the kernel takes 0 bytes, and it would try again for ever.</summary>
    /// <exception cref="IOException">The process has ended, or has nothing there.</exception>
    internal static void Write(SafeFileHandle memory, ulong address, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint written = Libc.Pwrite((int)memory.DangerousGetHandle(), from + done, (ulong)(bytes.Length - done), (long)(address + (ulong)done));
                if (written == 0) throw new IOException("the process has ended");
                if (written < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR) throw new IOException(Marshal.GetLastPInvokeErrorMessage());
                if (written > 0) done += (int)written;
            }
        }
    }
}
