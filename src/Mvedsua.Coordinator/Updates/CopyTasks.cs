using Microsoft.Win32.SafeHandles;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Reports;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Update;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Updates;

/// <summary>A copy of the leader on its way to another version, which carries out tasks that stand in the control block
/// (native/shim/update/tasks.c). One thread at a time.</summary>
internal sealed class CopyTasks : IUpdatedProcess, IDisposable
{
    /// <summary>A task that takes longer is a function that hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ArrivalPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    private readonly ControlBlock _control;
    private readonly Follower _copy;
    private readonly IReadOnlyList<ImageRange> _images;
    private readonly SafeFileHandle _memory;

    /// <param name="control">The session's.</param>
    /// <param name="copy">It stands still.</param>
    /// <param name="images">What updates have loaded into it.</param>
    /// <exception cref="UpdateRefusedException">Its memory can't be opened.</exception>
    internal CopyTasks(ControlBlock control, Follower copy, IReadOnlyList<ImageRange> images)
    {
        (_control, _copy, _images) = (control, copy, images);
        try
        {
            _memory = File.OpenHandle($"/proc/{copy.Pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpdateRefusedException($"the memory of the copy (pid {copy.Pid}) can't be opened: {Why(e.Message)}", e);
        }
    }

    public IReadOnlyList<Mapping> Mappings
    {
        get
        {
            try
            {
                return [.. File.ReadLines($"/proc/{_copy.Pid}/maps").Select(Mapping.Parse)];
            }
            catch (IOException e)
            {
                throw Gone(e.Message);
            }
        }
    }

    public ulong InitialStack => ProcStat.Of(_copy.Pid)?.InitialStack ?? throw Gone("it ended");

    public IReadOnlyList<CallFrame> MainFrames
    {
        get
        {
            MvThreadInfo main = _control.Thread(_copy.Version, 0);
            if (main.Site == 0) throw new UpdateRefusedException("the copy was made at an update point of the program's, which is no system call"); /* (native/shim/update/tasks.c) */
            var frames = ThreadSnapshot.Frames(_copy.Pid, _images, main.Frame, out string? problem);
            return problem is null ? frames : throw new UpdateRefusedException(problem);
        }
    }

    public IReadOnlyList<UpdatedThread> Threads =>
        [.. from slot in Enumerable.Range(0, (int)MvAbi.MaxThreads)
            let thread = _control.Thread(_copy.Version, slot)
            where thread.State is not (MvThreadState.Free or MvThreadState.Exited) && thread.Start != 0
            select new UpdatedThread(slot, thread.LogicalTid, thread.Start)];

    public void Read(ulong address, Span<byte> into)
    {
        for (int done = 0; done < into.Length;)
        {
            int read = Attempt(into[done..], address + (ulong)done);
            if (read == 0) throw Gone($"{address:x} can't be read");
            done += read;
        }
    }

    private int Attempt(Span<byte> into, ulong address)
    {
        try
        {
            return RandomAccess.Read(_memory, into, (long)address);
        }
        catch (IOException e)
        {
            throw Gone($"{address:x} can't be read: {e.Message}");
        }
    }

    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        try
        {
            OpenMemory.Write(_memory, address, bytes);
        }
        catch (IOException e)
        {
            throw Gone($"{address:x} can't be written: {e.Message}");
        }
    }

    public ulong Call(ulong function, ReadOnlySpan<ulong> arguments) => (ulong)Do(MvTaskKind.Call, [function, .. arguments]);

    /// <summary>In batches; the words stand at the far end of the stack on which the functions run.</summary>
    public void CallMany(ulong function, ReadOnlySpan<ulong> arguments, int perCall, Span<ulong> results)
    {
        const int Batch = 1 << 18; /* words: a quarter of the stack */
        ulong at = _control.Task(_copy.Version).StackLow;
        int calls = Batch / perCall;
        var words = new ulong[Math.Min(calls, results.Length) * perCall];
        for (int done = 0; done < results.Length; done += calls)
        {
            int count = Math.Min(calls, results.Length - done);
            Span<ulong> batch = words.AsSpan(0, count * perCall);
            Write(at, System.Runtime.InteropServices.MemoryMarshal.AsBytes(arguments.Slice(done * perCall, count * perCall)));
            Do(MvTaskKind.Each, [function, at, (ulong)count, (ulong)perCall]);
            Read(at, System.Runtime.InteropServices.MemoryMarshal.AsBytes(batch));
            for (int i = 0; i < count; i++) results[done + i] = batch[i * perCall];
        }
    }

    public void Map(ulong address, ulong length, MemoryProtection protection) =>
        Checked(Do(MvTaskKind.Map, [address, length, (ulong)protection]), "map memory", address);

    public void Protect(ulong address, ulong length, MemoryProtection protection) =>
        Checked(Do(MvTaskKind.Protect, [address, length, (ulong)protection]), "change the protection of memory", address);

    /// <summary>The new version runs from here on; nothing more can be asked. Returns when all its threads have come to where their
    /// leader's stand.</summary>
    internal void Resume(UpdateOutcome outcome)
    {
        CopyTask task = _control.Task(_copy.Version);
        /* Below what the first step's frames will need: at the far end of its stack. */
        ulong at = task.StackLow;
        var words = new ulong[8 * outcome.Steps.Count];
        for (int i = 0; i < outcome.Steps.Count; i++)
        {
            words[8 * i] = outcome.Steps[i].Function;
            for (int a = 0; a < outcome.Steps[i].Arguments.Count; a++) words[8 * i + 1 + a] = outcome.Steps[i].Arguments[a];
        }
        Write(at, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(words));
        foreach (var thread in outcome.Threads)
            if (Do(MvTaskKind.Restart, [(ulong)thread.Slot, thread.Start]) != 0) throw new UpdateRefusedException($"the thread in slot {thread.Slot} of the copy can't be begun anew");
        Do(MvTaskKind.Resume, [at, (ulong)outcome.Steps.Count, outcome.Exit, outcome.HasStatus ? 1u : 0]);
    }

    /// <summary>In what a task that takes too long is stuck.</summary>
    private string Stuck(MvTaskKind kind)
    {
        if (kind != MvTaskKind.Resume) return "a function that the update called did not return";
        var calls = from slot in Enumerable.Range(0, (int)MvAbi.MaxThreads)
                    let thread = _control.Thread(_copy.Version, slot)
                    where thread.State is not (MvThreadState.Free or MvThreadState.Exited)
                    select $"{thread.LogicalTid}: {Abi.Calls.CallTable.ByNumber(thread.InCall)?.Name ?? "none"}";
        return $"not all threads of the new version came to where the old version's stand (their last calls are {string.Join(", ", calls)}; one that waits for a lock may have held it before)";
    }

    private long Do(MvTaskKind kind, ReadOnlySpan<ulong> arguments)
    {
        CopyTask task = _control.Task(_copy.Version);
        uint number = task.Post(kind, arguments);
        long begin = System.Diagnostics.Stopwatch.GetTimestamp();
        for (uint done; (done = task.Done.Value) != number;)
        {
            Member member = _control.Member(_copy.Version);
            bool resumed = kind == MvTaskKind.Resume && member.State == MvMemberState.Replaying; /* it says so just before the task is done */
            if (member.Generation != _copy.Generation || (member.State != MvMemberState.Updating && !resumed) || member.Pid == 0) throw Gone("it ended");
            if (ProcessIdentity.Of(_copy.Pid) is null) throw Gone("it ended");
            TimeSpan patience = kind == MvTaskKind.Resume ? ArrivalPatience : Patience;
            if (System.Diagnostics.Stopwatch.GetElapsedTime(begin) > patience)
                throw new UpdateRefusedException($"{Stuck(kind)} within {patience.TotalSeconds:0} s");
            task.Done.Wait(done, LookAgain);
        }
        return task.Result;
    }

    private static void Checked(long result, string what, ulong address)
    {
        if (result != 0)
            throw new UpdateRefusedException($"the copy could not {what} at {address:x}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage((int)-result)}");
    }

    private UpdateRefusedException Gone(string what) => new($"the copy (pid {_copy.Pid}) could not be updated: {Why(what)}");

    /// <summary>Its own word, if it left one.</summary>
    private string Why(string otherwise)
    {
        Member member = _control.Member(_copy.Version);
        return member.Generation == _copy.Generation && member.Reason != MvReason.None
            ? Reasons.Explain(member.Reason, member.ReasonCode, member.ReasonText) : otherwise;
    }

    public void Dispose() => _memory.Dispose();
}
