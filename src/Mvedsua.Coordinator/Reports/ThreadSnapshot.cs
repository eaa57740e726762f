using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Reports.Backtraces;
using Mvedsua.Update;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Reports;

/// <summary>What a backtrace of a thread needs of its process: the registers that its shim saved at its last call, its stack, and where which
/// files are mapped. Taking it is some system calls; to name the addresses, debug information is read, which takes a hundred times as long
/// and does without the process. Not safe for concurrent use.</summary>
internal sealed class ThreadSnapshot : IDisposable
{
    private readonly ulong _site;
    private readonly Unwinder? _unwinder;
    private readonly string? _problem;
    private readonly bool _hasRegisters;

    private ThreadSnapshot(int pid, IReadOnlyList<ImageRange> images, in MvThreadInfo thread)
    {
        _site = thread.Site;
        if (_site == 0) return;
        _unwinder = Unwinder.Open(pid, images, out _problem);
        _hasRegisters = new RemoteMemory(pid).TryRead(thread.Frame, out MvRegisters registers);
        /* In a hook (pthread, vDSO) the shim saves its own registers: no call of the program's is to go on. */
        if (_hasRegisters) _unwinder?.Capture(Registers(registers), isAcrossStacks: registers.Continuation == 0);
    }

    /// <param name="pid">The process.</param>
    /// <param name="images">What updates have loaded into it.</param>
    /// <param name="thread">Its thread.</param>
    internal static ThreadSnapshot Take(int pid, IReadOnlyList<ImageRange> images, in MvThreadInfo thread) => new(pid, images, thread);

    internal IReadOnlyList<string> Backtrace()
    {
        if (_site == 0) return ["(this thread has made no call that left its registers)"];
        if (_unwinder is null) return [$"0x{_site:x}", $"({_problem})"];
        if (!_hasRegisters) return [_unwinder.Symbolise(_site, isReturnAddress: true).ToString(), "(its registers can't be read)"];
        Backtrace trace = _unwinder.Unwind();
        var lines = trace.Frames.Select(f => f.ToString()).ToList();
        if ((_problem ?? trace.Problem) is { } problem) lines.Add($"({problem})");
        return lines;
    }

    public void Dispose() => _unwinder?.Dispose();

    /// <summary>The frames of a thread that stands still in a system call, with their registers.</summary>
    /// <param name="pid">Its process.</param>
    /// <param name="images">What updates have loaded into it.</param>
    /// <param name="frame">Where its shim has saved the registers.</param>
    /// <param name="problem">Why there are none.</param>
    internal static IReadOnlyList<CallFrame> Frames(int pid, IReadOnlyList<ImageRange> images, ulong frame, out string? problem)
    {
        using Unwinder? unwinder = Unwinder.Open(pid, images, out problem);
        if (unwinder is null) return [];
        if (!new RemoteMemory(pid).TryRead(frame, out MvRegisters registers))
        {
            problem = "its registers can't be read";
            return [];
        }
        unwinder.Capture(Registers(registers), isAcrossStacks: false);
        return unwinder.FramesWithRegisters(out problem);
    }

    /* rcx and r11 are lost at a syscall instruction. */
    private static InitialRegisters Registers(in MvRegisters r) => new(
        [r.Rax, r.Rdx, r.Site, r.Rbx, r.Rsi, r.Rdi, r.Rbp, r.Rsp, r.R8, r.R9, r.R10, 0, r.R12, r.R13, r.R14, r.R15], r.Site);
}
