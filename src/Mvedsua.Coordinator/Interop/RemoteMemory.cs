namespace Mvedsua.Coordinator.Interop;

/// <summary>Reads the memory of a running process without stopping it (process_vm_readv(2)). Pages are kept as they
/// were when first read, so that an unwinder sees one state of a stack that goes on changing.</summary>
internal sealed unsafe class RemoteMemory(int pid)
{
    private const int PageSize = 4096;
    private readonly Dictionary<ulong, byte[]?> _pages = [];

    /// <summary>Reads and keeps that range now, in one call; what isn't mapped is left out.</summary>
    internal void Prefetch(ulong address, int length)
    {
        ulong first = address & ~(PageSize - 1ul);
        byte[] buffer = new byte[length + PageSize & ~(PageSize - 1)];
        nint got = Copy(first, buffer);
        for (int at = 0; at + PageSize <= got; at += PageSize)
            _pages[first + (ulong)at] = buffer[at..(at + PageSize)];
    }

    /// <summary>Reads eight bytes; false when they aren't mapped.</summary>
    internal bool TryRead(ulong address, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        for (int i = 0; i < 8; i++)
        {
            byte[]? page = Page(address + (ulong)i & ~(PageSize - 1ul));
            if (page is null)
            {
                value = 0;
                return false;
            }
            bytes[i] = page[(int)(address + (ulong)i & PageSize - 1)];
        }
        value = BitConverter.ToUInt64(bytes);
        return true;
    }

    /// <summary>Reads a structure, in one call; false when part of it isn't mapped.</summary>
    internal bool TryRead<T>(ulong address, out T value) where T : unmanaged
    {
        byte[] bytes = new byte[sizeof(T)];
        bool whole = Copy(address, bytes) == bytes.Length;
        value = whole ? System.Runtime.InteropServices.MemoryMarshal.Read<T>(bytes) : default;
        return whole;
    }

    private byte[]? Page(ulong start)
    {
        if (_pages.TryGetValue(start, out byte[]? page)) return page;
        byte[] fresh = new byte[PageSize];
        return _pages[start] = Copy(start, fresh) == PageSize ? fresh : null;
    }

    private nint Copy(ulong address, byte[] destination)
    {
        fixed (byte* d = destination)
        {
            var local = new Libc.IoVector { Base = d, Length = (ulong)destination.Length };
            var remote = new Libc.IoVector { Base = (void*)address, Length = (ulong)destination.Length };
            return Libc.ProcessVmReadv(pid, &local, 1, &remote, 1, 0);
        }
    }
}
