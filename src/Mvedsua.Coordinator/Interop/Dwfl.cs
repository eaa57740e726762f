using System.Runtime.InteropServices;

namespace Mvedsua.Coordinator.Interop;

/// <summary>libdwfl (elfutils): modules, symbols and unwinding of another process. Only what reports and updates need.</summary>
internal static unsafe partial class Dwfl
{
    internal const string Library = "libdw.so.1";

    [StructLayout(LayoutKind.Sequential)]
    internal struct Callbacks
    {
        internal nint FindElf;
        internal nint FindDebugInfo;
        internal nint SectionAddress;
        internal nint DebugInfoPath;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct ThreadCallbacks
    {
        internal delegate* unmanaged<nint, nint, nint*, int> NextThread;
        internal delegate* unmanaged<nint, int, nint, nint*, byte> GetThread;
        internal delegate* unmanaged<nint, ulong, ulong*, nint, byte> MemoryRead;
        internal delegate* unmanaged<nint, nint, byte> SetInitialRegisters;
        internal nint Detach;
        internal nint ThreadDetach;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Symbol /* GElf_Sym */
    {
        internal uint Name;
        internal byte Info;
        internal byte Other;
        internal ushort Section;
        internal ulong Value;
        internal ulong Size;
    }

    [LibraryImport(Library, EntryPoint = "dwfl_begin")]
    internal static partial nint Begin(Callbacks* callbacks);

    [LibraryImport(Library, EntryPoint = "dwfl_end")]
    internal static partial void End(nint dwfl);

    [LibraryImport(Library, EntryPoint = "dwfl_linux_proc_report")]
    internal static partial int ReportProcess(nint dwfl, int pid);

    /// <summary>dwfl_report_elf: a file is loaded, its addresses moved by <paramref name="baseAddress"/>. 0: it can't be read.</summary>
    [LibraryImport(Library, EntryPoint = "dwfl_report_elf", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint ReportFile(nint dwfl, string name, string path, int descriptor, ulong baseAddress, [MarshalAs(UnmanagedType.U1)] bool isDistance);

    [LibraryImport(Library, EntryPoint = "dwfl_report_end")]
    internal static partial int ReportEnd(nint dwfl, nint removed, nint argument);

    [LibraryImport(Library, EntryPoint = "dwfl_attach_state")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool AttachState(nint dwfl, nint elf, int pid, ThreadCallbacks* callbacks, nint argument);

    [LibraryImport(Library, EntryPoint = "dwfl_getthread_frames")]
    internal static partial int GetThreadFrames(nint dwfl, int tid, delegate* unmanaged<nint, nint, int> callback,
        nint argument);

    [LibraryImport(Library, EntryPoint = "dwfl_frame_pc")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool FramePc(nint frame, ulong* pc, byte* isActivation);

    /// <summary>dwfl_frame_reg, since elfutils 0.188: 0 when the register is known.</summary>
    [LibraryImport(Library, EntryPoint = FrameRegisterName)]
    internal static partial int FrameRegister(nint frame, uint number, ulong* value);

    internal const string FrameRegisterName = "dwfl_frame_reg";

    [LibraryImport(Library, EntryPoint = "dwfl_thread_state_registers")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool SetRegisters(nint thread, int first, uint count, ulong* values);

    [LibraryImport(Library, EntryPoint = "dwfl_thread_state_register_pc")]
    internal static partial void SetPc(nint thread, ulong pc);

    [LibraryImport(Library, EntryPoint = "dwfl_addrmodule")]
    internal static partial nint ModuleAt(nint dwfl, ulong address);

    [LibraryImport(Library, EntryPoint = "dwfl_module_info")]
    internal static partial nint ModuleInfo(nint module, nint userData, ulong* start, ulong* end, nint dwarfBias,
        nint symbolBias, nint mainFile, nint debugFile);

    [LibraryImport(Library, EntryPoint = "dwfl_module_addrinfo")]
    internal static partial nint SymbolAt(nint module, ulong address, ulong* offset, Symbol* symbol, nint section,
        nint elf, nint bias);

    [LibraryImport(Library, EntryPoint = "dwfl_module_getsrc")]
    internal static partial nint SourceLine(nint module, ulong address);

    [LibraryImport(Library, EntryPoint = "dwfl_lineinfo")]
    internal static partial nint LineInfo(nint line, nint address, int* number, nint column, nint time, nint length);
}
