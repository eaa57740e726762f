using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Update;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Reports.Backtraces;

/// <summary>The integer registers of a thread of the server, as it left them with the shim.</summary>
/// <param name="Dwarf">In DWARF's order for x86-64 (psABI 3.6.2): rax rdx rcx rbx rsi rdi rbp rsp r8 … r15.</param>
/// <param name="InstructionPointer">rip.</param>
public sealed record InitialRegisters(IReadOnlyList<ulong> Dwarf, ulong InstructionPointer)
{
    /// <summary>The stack pointer.</summary>
    public ulong StackPointer => Dwarf[7];
}

/// <summary>Symbolised backtraces of a process that is neither stopped nor traced: registers come from the shim, the
/// stack through process_vm_readv, modules from /proc/PID/maps. Not safe for concurrent use.</summary>
public sealed unsafe class Unwinder : IDisposable
{
    private const int MaximumFrames = 64, StackWindow = 256 << 10;
    private readonly int _pid;
    private readonly nint _dwfl;
    private readonly Dwfl.Callbacks* _callbacks;
    private readonly Dwfl.ThreadCallbacks* _threadCallbacks;
    private GCHandle _self;
    private RemoteMemory _memory;
    private InitialRegisters? _registers;
    private readonly List<ulong> _frames = [];
    private List<CallFrame>? _calls; /* null: nobody wants registers */
    private int? _result; /* of libdwfl, once the frames are found */

    private Unwinder(int pid, nint dwfl, Dwfl.Callbacks* callbacks)
    {
        _pid = pid;
        _dwfl = dwfl;
        _callbacks = callbacks;
        _memory = new RemoteMemory(pid);
        _self = GCHandle.Alloc(this);
        _threadCallbacks = (Dwfl.ThreadCallbacks*)NativeMemory.AllocZeroed((nuint)sizeof(Dwfl.ThreadCallbacks));
        _threadCallbacks->NextThread = &NextThread;
        _threadCallbacks->GetThread = &GetThread;
        _threadCallbacks->MemoryRead = &ReadMemory;
        _threadCallbacks->SetInitialRegisters = &SetInitialRegisters;
    }

    /// <summary>Opens a running process.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="images">What stands in its memory and is no mapping of a file: the images of updates.</param>
    /// <param name="problem">Why not, when the result is null.</param>
    public static Unwinder? Open(int pid, IReadOnlyList<ImageRange> images, out string? problem)
    {
        if (!NativeLibrary.TryLoad(Dwfl.Library, out nint library))
        {
            problem = $"{Dwfl.Library} is not installed (Debian package libdw1): addresses stay unsymbolised";
            return null;
        }
        var callbacks = (Dwfl.Callbacks*)NativeMemory.AllocZeroed((nuint)sizeof(Dwfl.Callbacks));
        callbacks->FindElf = NativeLibrary.GetExport(library, "dwfl_linux_proc_find_elf");
        callbacks->FindDebugInfo = NativeLibrary.GetExport(library, "dwfl_standard_find_debuginfo");
        nint dwfl = Dwfl.Begin(callbacks);
        int reported = dwfl == 0 ? -1 : Dwfl.ReportProcess(dwfl, pid);
        /* A file that is gone, or another one by now, stays without names. */
        foreach (ImageRange image in reported == 0 ? images.Where(image => image.IsStill()) : [])
            Dwfl.ReportFile(dwfl, image.Path, image.Path, -1, image.Base, isDistance: true);
        if (reported != 0 || Dwfl.ReportEnd(dwfl, 0, 0) != 0)
        {
            if (dwfl != 0) Dwfl.End(dwfl);
            NativeMemory.Free(callbacks);
            problem = $"the mappings of process {pid} can't be read";
            return null;
        }
        problem = null;
        var unwinder = new Unwinder(pid, dwfl, callbacks);
        if (!Dwfl.AttachState(dwfl, 0, pid, unwinder._threadCallbacks, GCHandle.ToIntPtr(unwinder._self)))
            problem = $"process {pid} can't be unwound";
        return unwinder;
    }

    /// <summary>Takes these registers and the stack above them: from here on the process may go on, or be gone.</summary>
    /// <param name="registers">The thread's.</param>
    /// <param name="isAcrossStacks">The frames lead from the shim's stack to another, whose place only they tell: they are found at once, which takes some
    /// milliseconds.</param>
    public void Capture(InitialRegisters registers, bool isAcrossStacks)
    {
        _registers = registers;
        _memory = new RemoteMemory(_pid);
        _memory.Prefetch(registers.StackPointer, StackWindow);
        if (isAcrossStacks) FindFrames();
    }

    /// <summary>The frames above the captured registers.</summary>
    public Backtrace Unwind()
    {
        int result = _result ?? FindFrames();
        /* The innermost address stands behind a syscall instruction, the others behind a call. */
        var frames = _frames.Select(pc => Symbolise(pc, isReturnAddress: true)).ToList();
        return new Backtrace(frames, result < 0 && frames.Count < 2 ? "the stack could not be unwound further" : null);
    }

    /// <summary>The frames above the captured registers, with the registers of each. Instead of <see cref="Unwind"/>.</summary>
    /// <param name="problem">Why there are none.</param>
    public IReadOnlyList<CallFrame> FramesWithRegisters(out string? problem)
    {
        problem = null;
        if (!NativeLibrary.TryLoad(Dwfl.Library, out nint library) || !NativeLibrary.TryGetExport(library, Dwfl.FrameRegisterName, out _))
        {
            problem = $"{Dwfl.Library} is older than elfutils 0.188, and doesn't tell registers";
            return [];
        }
        _calls = [];
        FindFrames();
        return _calls;
    }

    private int FindFrames()
    {
        /* The thread's number means nothing here: the callbacks give the same registers for any. */
        int result = Dwfl.GetThreadFrames(_dwfl, _pid, &OnFrame, GCHandle.ToIntPtr(_self));
        if (_frames.Count == 0) _frames.Add(_registers!.InstructionPointer);
        _result = result;
        return result;
    }

    /// <summary>What stands at an address.</summary>
    /// <param name="address">An address of the process.</param>
    /// <param name="isReturnAddress">True: the call before it is meant (the next instruction may be another line's,
    /// or another function's after a call that never returns).</param>
    public StackFrame Symbolise(ulong address, bool isReturnAddress)
    {
        ulong probe = isReturnAddress ? address - 1 : address;
        nint module = Dwfl.ModuleAt(_dwfl, probe);
        if (module == 0) return new StackFrame(address, null, null, 0, null);
        ulong start, end, offset = 0;
        string? path = Marshal.PtrToStringUTF8(Dwfl.ModuleInfo(module, 0, &start, &end, 0, 0, 0, 0));
        Dwfl.Symbol symbol;
        string? name = Marshal.PtrToStringUTF8(Dwfl.SymbolAt(module, probe, &offset, &symbol, 0, 0, 0));
        string? source = null;
        nint line = Dwfl.SourceLine(module, probe);
        int number = 0;
        if (line != 0 && Marshal.PtrToStringUTF8(Dwfl.LineInfo(line, 0, &number, 0, 0, 0)) is { } file)
            source = $"{Path.GetFileName(file)}:{number}";
        ulong distance = name is null ? address - start : offset + (address - probe);
        return new StackFrame(address, path is null ? null : Path.GetFileName(path), name, distance, source);
    }

    public void Dispose()
    {
        Dwfl.End(_dwfl);
        NativeMemory.Free(_callbacks);
        NativeMemory.Free(_threadCallbacks);
        _self.Free();
    }

    private static Unwinder From(nint argument) => (Unwinder)GCHandle.FromIntPtr(argument).Target!;

    [UnmanagedCallersOnly]
    private static int NextThread(nint dwfl, nint argument, nint* thread)
    {
        if (*thread != 0) return 0;
        *thread = argument;
        return From(argument)._pid;
    }

    [UnmanagedCallersOnly]
    private static byte GetThread(nint dwfl, int tid, nint argument, nint* thread)
    {
        *thread = argument;
        return 1;
    }

    [UnmanagedCallersOnly]
    private static byte ReadMemory(nint dwfl, ulong address, ulong* result, nint argument) =>
        From(argument)._memory.TryRead(address, out *result) ? (byte)1 : (byte)0;

    [UnmanagedCallersOnly]
    private static byte SetInitialRegisters(nint thread, nint argument)
    {
        InitialRegisters registers = From(argument)._registers!;
        ulong* values = stackalloc ulong[17];
        for (int i = 0; i < 16; i++) values[i] = registers.Dwarf[i];
        values[16] = registers.InstructionPointer; /* DWARF's return-address column */
        if (!Dwfl.SetRegisters(thread, 0, 17, values)) return 0;
        Dwfl.SetPc(thread, registers.InstructionPointer);
        return 1;
    }

    /// <param name="frame">A frame.</param>
    /// <param name="inner">What it has called; null: nothing, it stands in its system call.</param>
    private static ulong?[] Registers(nint frame, CallFrame? inner)
    {
        const uint Rbx = 3;
        var registers = new ulong?[16];
        ulong value;
        for (uint i = 0; i < registers.Length; i++)
            if ((inner is null || IsPreserved(i)) && Dwfl.FrameRegister(frame, i, &value) == 0) registers[i] = value;
        /* libdwfl's table of what a function leaves alone when it says nothing of it has rax where rbx is meant (elfutils, backends/x86_64_cfi.c; so in 0.188). */
        registers[Rbx] ??= inner?.Registers[(int)Rbx];
        return registers;
    }

    /// <summary>By a function, for its caller: rbx, rbp, rsp, r12 to r15.</summary>
    private static bool IsPreserved(uint register) => register is 3 or 6 or 7 or >= 12;

    [UnmanagedCallersOnly]
    private static int OnFrame(nint frame, nint argument)
    {
        Unwinder self = From(argument);
        ulong pc;
        byte activation;
        if (!Dwfl.FramePc(frame, &pc, &activation)) return 1;
        self._frames.Add(pc);
        self._calls?.Add(new CallFrame(pc, Registers(frame, self._calls.LastOrDefault()), activation != 0));
        return self._frames.Count < MaximumFrames ? 0 : 1;
    }
}
