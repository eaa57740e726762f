using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace Mvedsua.Abi;

/// <summary>The memory that a session's processes share: control block and event logs, in one memfd.
/// Thread-safe but for <see cref="Dispose"/>.</summary>
public sealed unsafe class SessionMemory : IDisposable
{
    private const int ReadWrite = 2, CloseOnExec = 0x80000; // O_RDWR, O_CLOEXEC
    private const uint MemfdCloseOnExec = 1, MemfdAllowSealing = 2;
    private const int AddSeals = 1033; // F_ADD_SEALS
    private const int SealAll = 1 | 2 | 4; // F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW

    private readonly SafeFileHandle _file;
    private readonly MappedSpan _control;

    private SessionMemory(SafeFileHandle file, bool writable)
    {
        _file = file;
        Writable = writable;
        var size = Length;
        if (size < MvAbi.ControlSpan)
        {
            throw new SessionMemoryException($"the session memory has {size} bytes; the control block alone takes {MvAbi.ControlSpan}");
        }

        _control = MappedSpan.Map(Descriptor, 0, MvAbi.ControlSpan, writable);
    }

    public bool Writable { get; }

    /// <summary>Bytes that the file has now.</summary>
    public ulong Length => (ulong)RandomAccess.GetLength(_file);

    /// <summary>Bytes of memory that the file holds now.</summary>
    public ulong HeldBytes
    {
        get
        {
            stat status;
            return LibC.fstat(Descriptor, &status) == 0 ? (ulong)(long)status.st_blocks * 512 : throw NativeCalls.Error("fstat");
        }
    }

    /// <summary>The memfd's descriptor number in this process.</summary>
    public int Descriptor => (int)_file.DangerousGetHandle();

    public ControlBlock Control => new((MvControl*)_control.Address);

    /// <summary>Makes a new session memory: all zero, sparse, its size sealed (so that no truncation can ever make
    /// a process that maps it fault). The descriptor is close-on-exec.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">memfd_create or a later call failed.</exception>
    public static SessionMemory Create(string name)
    {
        var fd = NativeCalls.MemfdCreate(name, MemfdCloseOnExec | MemfdAllowSealing);
        if (fd < 0) throw NativeCalls.Error("memfd_create");
        var file = new SafeFileHandle(fd, ownsHandle: true);
        if (LibC.ftruncate(fd, (long)MvAbi.SessionSize) != 0 || LibC.fcntl(fd, AddSeals, SealAll) != 0)
        {
            var error = LibC.errno;
            file.Dispose();
            throw new System.ComponentModel.Win32Exception(error, "the session memory can't be made: " + Marshal.GetPInvokeErrorMessage(error));
        }

        return new SessionMemory(file, writable: true);
    }

    /// <summary>Opens the session memory of another process by path: <c>/proc/PID/fd/N</c>.</summary>
    /// <param name="path">Path of the memfd.</param>
    /// <param name="writable">Needed to request anything of the leader and to read a live log.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">It can't be opened or mapped.</exception>
    /// <exception cref="SessionMemoryException">It is no session memory of this ABI version, or too short.</exception>
    public static SessionMemory Open(string path, bool writable)
    {
        var fd = NativeCalls.Open(path, CloseOnExec | (writable ? ReadWrite : 0));
        if (fd < 0) throw NativeCalls.Error(path);
        return Open(new SafeFileHandle(fd, ownsHandle: true), writable);
    }

    /// <summary>As above, for a descriptor of this process, which is owned (and closed) by the result.</summary>
    public static SessionMemory Open(SafeFileHandle file, bool writable)
    {
        SessionMemory? memory = null;
        try
        {
            memory = new SessionMemory(file, writable);
            memory.Control.Check();
            return memory;
        }
        catch
        {
            memory?._control.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes a log's writer forget a reader that has ended (by SIGKILL, say): what it held may be reused.
    /// Safe beside the writer; a reader that lives on would read what is being overwritten.</summary>
    public void DropReader(int version, int slot, int reader)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)version, MvAbi.Versions);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, MvAbi.MaxThreads);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)reader, MvAbi.MaxReaders);
        var offset = MvAbi.LogOffset(version, slot) + MvAbi.CursorOffset(reader);
        if (Length < offset + MvAbi.Page) return;
        using var page = MappedSpan.Map(Descriptor, offset, MvAbi.Page, writable: true);
        Volatile.Write(ref ((MvLogCursor*)page.Address)->Active, (uint)MvCursorState.Unused);
    }

    /// <summary>Maps one log, up to the end of the file. <paramref name="backed"/>: how many bytes that is.</summary>
    internal MappedSpan? MapLog(int version, int slot, out ulong backed)
    {
        var offset = MvAbi.LogOffset(version, slot);
        var length = Length;
        backed = length > offset ? Math.Min(length - offset, MvAbi.LogSpan) : 0;
        if (backed < MvAbi.LogData) return null;
        var span = MappedSpan.Map(Descriptor, offset, MvAbi.LogSpan, writable: false);
        try
        {
            span.MakeWritable(MvAbi.CursorOffset(0), MvAbi.SleepersOffset + MvAbi.Page - MvAbi.CursorOffset(0));
            return span;
        }
        catch
        {
            span.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _control.Dispose();
        _file.Dispose();
    }
}

/// <summary>A file that is no session memory of this version.</summary>
public sealed class SessionMemoryException : Exception
{
    public SessionMemoryException(string message) : base(message)
    {
    }

    public SessionMemoryException(string message, Exception innerException) : base(message, innerException)
    {
    }

    public SessionMemoryException()
    {
    }
}
