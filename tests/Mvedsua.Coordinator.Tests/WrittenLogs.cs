using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A session memory of which the test plays both sides: version 0 leads and publishes for version 1, of generation 1, which reads.</summary>
internal sealed unsafe class WrittenLogs : IDisposable
{
    private const int Leader = 0, Reader = 1;
    private readonly MvControl* _control;
    private readonly byte*[] _logs;

    internal WrittenLogs(int threads, int follower)
    {
        Memory = SharedMemory.Create("written", 1 << 20, null, followers: 0, wanted: 0);
        _control = (MvControl*)Map(0, MvAbi.ControlSpan);
        _control->LogGeneration = 1;
        _control->LeaderPid = 1;
        _control->Generation = 1;
        _control->Publishing[Reader] = 1;
        MvMember* member = (MvMember*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _control->Members[Reader]);
        (member->Pid, member->Generation, member->State) = ((uint)follower, 1, MvMemberState.Replaying);
        _logs = new byte*[threads];
        for (int slot = 0; slot < threads; slot++)
        {
            _logs[slot] = (byte*)Map(MvAbi.LogOffset(Leader, slot), MvAbi.LogData + MvAbi.LogChunk);
            _control->Threads[Leader * (int)MvAbi.MaxThreads + slot].State = MvThreadState.Running;
            Begin(slot, generation: 1);
        }
    }

    internal SharedMemory Memory { get; }

    internal static Follower Who(int follower) => new(Reader, follower, 1);

    /// <summary>The log of a thread is begun, again from event 0 on.</summary>
    internal void Begin(int slot, ulong generation)
    {
        Header(slot)->Generation = _control->LogGeneration = generation;
        Header(slot)->Sequence = 0;
        Header(slot)->High = MvAbi.LogData + MvAbi.LogChunk;
        Header(slot)->Magic = MvAbi.LogMagic;
        SharedMemory.Cursor(Header(slot), Reader)->Sequence = 0;
        SharedMemory.Cursor(Header(slot), Reader)->Active = 1;
    }

    /// <summary>The leader makes a call.</summary>
    internal void Publish(int slot, ushort call = 39 /* getpid */)
    {
        ulong number = Header(slot)->Sequence;
        var e = new MvEvent { Size = (uint)sizeof(MvEvent), Call = call, Sequence = number };
        e.Check = LogChecks.OfEvent(in e);
        ((MvEvent*)(_logs[slot] + MvAbi.LogData))[number] = e;
        SharedMemory.Sleepers(Header(slot))->Bits = 0;
        Volatile.Write(ref Header(slot)->Sequence, number + 1);
    }

    /// <summary>The follower replays one.</summary>
    internal void Replay(int slot)
    {
        MvLogCursor* cursor = SharedMemory.Cursor(Header(slot), Reader);
        Volatile.Write(ref cursor->Sequence, cursor->Sequence + 1);
    }

    /// <summary>The follower's thread sleeps until there is more.</summary>
    internal void Sleep(int slot) => Volatile.Write(ref SharedMemory.Sleepers(Header(slot))->Bits, 1u << Reader);

    /// <summary>Somebody else ends the follower.</summary>
    internal void EndPublishing() => Volatile.Write(ref _control->Publishing[Reader], 0);

    public void Dispose() => Memory.Dispose();

    private MvLogHeader* Header(int slot) => (MvLogHeader*)_logs[slot];

    private void* Map(ulong offset, ulong length) =>
        Libc.Mmap(null, length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, Memory.Memory.Descriptor, (long)offset);
}
