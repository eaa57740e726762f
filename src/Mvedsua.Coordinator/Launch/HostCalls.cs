using System.Runtime.InteropServices;
using Tmds.Linux;

namespace Mvedsua.Coordinator.Launch;

/// <summary>Questions to the kernel that .NET has no call for. Each leaves nothing behind.</summary>
internal static unsafe partial class HostCalls
{
    private const int ExecuteOk = 1; // X_OK
    private const int EffectiveIds = 0x200; // AT_EACCESS
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint RegularFile = 0x8000, FormatMask = 0xf000; // S_IFREG, S_IFMT
    private const int OpenFiles = 7; // RLIMIT_NOFILE

    [StructLayout(LayoutKind.Sequential)]
    internal struct Limit
    {
        internal ulong Soft, Hard;
    }

    /// <summary>Follows links; false when the path leads nowhere.</summary>
    internal static bool Exists(string path) => Mode(path) is not null;

    internal static bool IsRegularFile(string path) => (Mode(path) & FormatMask) == RegularFile;

    /// <summary>st_mode, or null when there is no such file.</summary>
    internal static uint? Mode(string path)
    {
        stat status;
        fixed (byte* p = Bytes(path))
        {
            return LibC.stat(p, &status) == 0 ? (uint)status.st_mode : null;
        }
    }

    /// <summary>A regular file that this user may execute where it is mounted.</summary>
    internal static bool MayExecute(string path) =>
        IsRegularFile(path) && faccessat(CurrentDirectory, path, ExecuteOk, EffectiveIds) == 0;

    internal static bool HasCapabilities(string path) => getxattr(path, "security.capability", null, 0) > 0;

    /// <summary>0, or the errno of memfd_create.</summary>
    internal static int ProbeMemfd()
    {
        fixed (byte* name = "mvedsua-probe\0"u8)
        {
            var descriptor = LibC.memfd_create(name, 1 /* MFD_CLOEXEC */);
            if (descriptor < 0) return LibC.errno;
            _ = LibC.close(descriptor);
            return 0;
        }
    }

    /// <summary>0, or the errno of making a page executable that was writable.</summary>
    internal static int ProbeWriteThenExecute()
    {
        var page = LibC.mmap(null, 4096, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS, -1, 0);
        if (page == LibC.MAP_FAILED) return LibC.errno;
        *(byte*)page = 0xc3;
        var error = LibC.mprotect(page, 4096, LibC.PROT_READ | LibC.PROT_EXEC) == 0 ? 0 : LibC.errno;
        _ = LibC.munmap(page, 4096);
        return error;
    }

    internal static Limit DescriptorLimit()
    {
        Limit limit;
        return getrlimit(OpenFiles, &limit) == 0 ? limit : default;
    }

    /// <summary>0 or more: the call's result; otherwise -errno.</summary>
    internal static long Call(long number, nint a = 0, nint b = 0, nint c = 0, nint d = 0, nint e = 0)
    {
        var result = syscall(number, a, b, c, d, e, 0);
        return result == -1 ? -Marshal.GetLastPInvokeError() : result;
    }

    /// <summary>The release of uname(2), such as "6.1.0-13-amd64".</summary>
    internal static string KernelRelease()
    {
        const int field = 65, release = 2; // struct utsname
        var buffer = stackalloc byte[6 * field];
        return uname(buffer) == 0 ? Marshal.PtrToStringUTF8((nint)(buffer + (release * field)))! : "";
    }

    /// <summary>Version of the glibc that this process uses.</summary>
    internal static string GlibcVersion() => Marshal.PtrToStringUTF8(gnu_get_libc_version()) ?? "";

    /// <summary>"EPERM", or the number where there is no name in use here.</summary>
    internal static string ErrorName(int error) => Marshal.PtrToStringUTF8(strerrorname_np(error)) ?? $"errno {error}";

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text + '\0');

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int faccessat(int directory, string path, int mode, int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getxattr(string path, string name, void* value, nuint size);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, Limit* limit);

    [LibraryImport("libc")]
    private static partial int uname(byte* name);

    [LibraryImport("libc")]
    private static partial nint gnu_get_libc_version();

    [LibraryImport("libc")]
    private static partial nint strerrorname_np(int error);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c, nint d, nint e, nint f);
}
