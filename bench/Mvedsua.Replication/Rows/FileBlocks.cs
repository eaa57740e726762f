using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Rows;

/// <summary>st_blocks of an open file, by statx(2): the one stat call whose layout is the same on every machine.</summary>
internal static unsafe class FileBlocks
{
    private const int EmptyPath = 0x1000;
    private const uint WantBlocks = 0x400;

    /// <summary>In units of 512 bytes.</summary>
    internal static ulong Of(SafeFileHandle file)
    {
        var buffer = stackalloc byte[256]; // struct statx; stx_blocks at 48
        var empty = stackalloc byte[1];
        return Statx(file, empty, EmptyPath, WantBlocks, buffer) == 0 ? *(ulong*)(buffer + 48) : throw new BenchException($"statx: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(SafeFileHandle directory, byte* path, int flags, uint mask, byte* result);
}
