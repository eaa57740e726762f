using System.Runtime.InteropServices;
using Tmds.Linux;

namespace Mvedsua.Abi;

/// <summary>A range of the session memory mapped into this process; unmapped when disposed.</summary>
internal sealed unsafe class MappedSpan : SafeHandle
{
    private readonly ulong _size;

    private MappedSpan(void* address, ulong size) : base(0, ownsHandle: true)
    {
        _size = size;
        SetHandle((nint)address);
    }

    internal byte* Address => (byte*)handle;

    public override bool IsInvalid => handle == 0;

    /// <exception cref="System.ComponentModel.Win32Exception">mmap failed.</exception>
    internal static MappedSpan Map(int fd, ulong offset, ulong size, bool writable)
    {
        var address = LibC.mmap(null, (size_t)size, Protection(writable), LibC.MAP_SHARED, fd, (long)offset);
        return address == LibC.MAP_FAILED ? throw Failed() : new MappedSpan(address, size);
    }

    /// <summary>Makes a part of the mapping writable, where the file was opened for writing.</summary>
    internal void MakeWritable(ulong offset, ulong size)
    {
        if (LibC.mprotect(Address + offset, (size_t)size, Protection(true)) != 0) throw Failed();
    }

    protected override bool ReleaseHandle() => LibC.munmap((void*)handle, (size_t)_size) == 0;

    private static int Protection(bool writable) => writable ? LibC.PROT_READ | LibC.PROT_WRITE : LibC.PROT_READ;

    private static System.ComponentModel.Win32Exception Failed() =>
        new(LibC.errno, "the session memory can't be mapped: " + Marshal.GetPInvokeErrorMessage(LibC.errno));
}
