namespace Mvedsua.Update;

/// <summary>
/// A copy of the leader that stands still in the shim and does what it is told, one request at a time. Not safe for concurrent
/// use. Every member throws <see cref="UpdateRefusedException"/> when the process is gone or can't do what was asked.
/// </summary>
public interface IUpdatedProcess
{
    /// <summary>Copies memory of the process; all of <paramref name="into"/> is filled, or it throws.</summary>
    void Read(ulong address, Span<byte> into);

    /// <summary>Writes private memory of the process, read-only memory too.</summary>
    void Write(ulong address, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Calls a function of the process with at most six integer arguments (System V ABI) and returns its result (RAX). A
    /// crash in it is an exception that names the signal and the address.
    /// </summary>
    ulong Call(ulong function, ReadOnlySpan<ulong> arguments);

    /// <summary>Calls a function many times, in order. State transfer allocates and frees a million objects so: what answers requests one at a time
    /// should make one request of it.</summary>
    /// <param name="function">Its address.</param>
    /// <param name="arguments">Those of the first call, of the second…</param>
    /// <param name="perCall">How many arguments each call has: 1 to 6.</param>
    /// <param name="results">What each call returned; its length is the number of calls.</param>
    void CallMany(ulong function, ReadOnlySpan<ulong> arguments, int perCall, Span<ulong> results)
    {
        for (var i = 0; i < results.Length; i++) results[i] = Call(function, arguments.Slice(i * perCall, perCall));
    }

    /// <summary>Maps anonymous private memory at just that place (MAP_FIXED_NOREPLACE): never over anything.</summary>
    /// <param name="address">A page's start.</param>
    /// <param name="length">In bytes, a multiple of the page's size.</param>
    /// <param name="protection">What it may be used for.</param>
    void Map(ulong address, ulong length, MemoryProtection protection);

    /// <summary>Changes what whole pages may be used for (mprotect(2)).</summary>
    void Protect(ulong address, ulong length, MemoryProtection protection);

    /// <summary>Where the kernel put the program's arguments: the address of argc (proc_pid_stat(5), startstack).</summary>
    ulong InitialStack => throw new UpdateRefusedException("where the program's arguments are is not known");

    /// <summary>The main thread's frames, the innermost first: as it stood when the process was stopped. To be asked before anything else is, which may
    /// make system calls.</summary>
    IReadOnlyList<CallFrame> MainFrames => throw new UpdateRefusedException("the main thread's frames are not known");

    /// <summary>The threads besides the main thread whose start routines are known.</summary>
    IReadOnlyList<UpdatedThread> Threads => [];

    /// <summary>What is mapped, in the order of addresses, read anew at each use.</summary>
    IReadOnlyList<Mapping> Mappings { get; }
}
