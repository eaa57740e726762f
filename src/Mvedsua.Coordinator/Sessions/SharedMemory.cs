using System.ComponentModel;
using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The session memory as the coordinator uses it: the control block, and header and cursors of each log,
/// mapped when they are first asked for.</summary>
internal sealed unsafe class SharedMemory : IDisposable
{
    private const ulong LogHead = MvAbi.SleepersOffset + MvAbi.Page; /* header, cursors, sleepers */
    private readonly nint[] _heads = new nint[MvAbi.Versions * MvAbi.MaxThreads];
    private readonly MvControl* _control;
    private readonly Lock _lock = new();

    private SharedMemory(SessionMemory memory)
    {
        Memory = memory;
        _control = (MvControl*)Map(0, MvAbi.ControlSpan, memory.Writable);
        Control = new SharedControl(memory.Control, _control);
    }

    internal SessionMemory Memory { get; }

    internal SharedControl Control { get; }

    /// <summary>Makes the memory of a new session.</summary>
    /// <exception cref="SessionException">The kernel refused.</exception>
    internal static SharedMemory Create(string name, long? logLimit, LagLimit? lag, int followers, int wanted)
    {
        try
        {
            SessionMemory memory = SessionMemory.Create(MemoryName(name));
            _ = Libc.Fchmod(memory.Descriptor, 0x180 /* 0600 */);
            memory.Control.Initialize((ulong)(logLimit ?? ByteSize.Memory / 4),
                lag is LagLimit.Bytes bytes ? (ulong)bytes.Count : 0,
                lag is LagLimit.Age age ? age.Time : TimeSpan.Zero, followers, wanted);
            SharedUInt32 coordinator = memory.Control.CoordinatorPid;
            coordinator.Value = (uint)Environment.ProcessId;
            return new SharedMemory(memory);
        }
        catch (Win32Exception e)
        {
            throw new SessionException(ExitStatus.LaunchRefused,
                $"The session memory can't be made ({e.Message}); 'mvedsua doctor' says what is missing.");
        }
    }

    /// <summary>Opens the memory of a running session through a process that holds it.</summary>
    /// <param name="name">The session's name.</param>
    /// <param name="pid">A process of the session.</param>
    /// <param name="writable">False: only to look.</param>
    /// <exception cref="SessionException">There is none, or it is not this release's.</exception>
    internal static SharedMemory Open(string name, int pid, bool writable)
    {
        string path = Find(name, pid) ?? throw new SessionException(ExitStatus.CoordinatorGone,
            $"Process {pid} runs, but holds no session memory named '{name}'.");
        try
        {
            return new SharedMemory(SessionMemory.Open(path, writable));
        }
        catch (Exception e) when (e is Win32Exception or SessionMemoryException)
        {
            throw new SessionException(ExitStatus.CoordinatorGone,
                $"The memory of session '{name}' can't be used: {e.Message}. The server is untouched.");
        }
    }

    /// <summary>Whether that process has the memory of that session open.</summary>
    internal static bool IsHeldBy(string name, int pid) => Find(name, pid) is not null;

    /// <summary>Header, cursors and sleepers of a log, to look at; null when that log was never begun.</summary>
    internal MvLogHeader* Log(int version, int slot)
    {
        lock (_lock)
        {
            ref nint head = ref _heads[version * (int)MvAbi.MaxThreads + slot];
            if (head == 0) head = (nint)Map(MvAbi.LogOffset(version, slot), LogHead, writable: false);
            var header = (MvLogHeader*)head;
            return header->Magic == MvAbi.LogMagic ? header : null;
        }
    }

    /// <summary>A reader's cursor of a log that <see cref="Log"/> gave.</summary>
    internal static MvLogCursor* Cursor(MvLogHeader* log, int reader) => (MvLogCursor*)((byte*)log + MvAbi.CursorOffset(reader));

    /// <summary>Which readers of a log that <see cref="Log"/> gave sleep until there is more in it.</summary>
    internal static MvLogSleepers* Sleepers(MvLogHeader* log) => (MvLogSleepers*)((byte*)log + MvAbi.SleepersOffset);

    /// <summary>Copies a part of the memory; what was never written reads as zeros, and stays a hole.</summary>
    internal bool TryCopy(ulong offset, Span<byte> destination)
    {
        fixed (byte* d = destination)
            return Libc.Pread(Memory.Descriptor, d, (ulong)destination.Length, (long)offset) == destination.Length;
    }

    public void Dispose()
    {
        _ = Libc.Munmap(_control, MvAbi.ControlSpan);
        foreach (nint head in _heads)
            if (head != 0) _ = Libc.Munmap((void*)head, LogHead);
        Memory.Dispose();
    }

    private static string MemoryName(string session) => "mvedsua-" + session;

    private void* Map(ulong offset, ulong length, bool writable)
    {
        int protection = Libc.PROT_READ | (writable ? Libc.PROT_WRITE : 0);
        void* address = Libc.Mmap(null, length, protection, Libc.MAP_SHARED, Memory.Descriptor, (long)offset);
        return address != Libc.MapFailed ? address : throw new Win32Exception();
    }

    /// <summary>Tells it from another memory of that name.</summary>
    internal ulong Inode => InodeOf($"/proc/self/fd/{Memory.Descriptor}");

    /// <summary>Of an open file, by its entry in a folder fd under /proc: proc_pid_fdinfo(5). 0: it is gone, or the kernel is older than 5.14.</summary>
    internal static ulong InodeOf(string descriptor)
    {
        try
        {
            string? line = File.ReadLines(descriptor.Replace("/fd/", "/fdinfo/", StringComparison.Ordinal)).FirstOrDefault(l => l.StartsWith("ino:", StringComparison.Ordinal));
            return ulong.TryParse(line?[4..], NumberStyles.Integer, CultureInfo.InvariantCulture, out ulong inode) ? inode : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Where that process has the memory of a session of that name open; null: nowhere. The descriptor's number is the shim's choice: its link
    /// names the memory.</summary>
    internal static string? Find(string name, int pid)
    {
        string target = $"/memfd:{MemoryName(name)} (deleted)";
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").FirstOrDefault(
                entry => new FileInfo(entry).LinkTarget == target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
