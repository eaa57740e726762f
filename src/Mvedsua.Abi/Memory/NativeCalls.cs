using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Mvedsua.Abi;

/// <summary>The libc entry points that Tmds.LibC lacks. All return -1 and set errno on error.</summary>
internal static unsafe partial class NativeCalls
{
    internal const long SysFutex = 202, SysFutexWaitv = 449;

    /// <summary>syscall(2) takes integers only, so that calling it as a function of fixed arity is sound on x86-64.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long Syscall(long number, long a, long b, long c, long d, long e, long f);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MemfdCreate(string name, uint flags);

    internal static Win32Exception Error(string what) => new(Marshal.GetLastPInvokeError(), $"{what}: {Marshal.GetLastPInvokeErrorMessage()}");
}
