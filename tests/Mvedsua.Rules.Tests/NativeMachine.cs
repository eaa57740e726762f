using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Tests;

/// <summary>The shim's interpreter (native/shim/rules), compiled as a library of its own.</summary>
internal sealed unsafe class NativeMachine : IDisposable
{
    private const int ThreadSize = 64 << 10; // more than struct mv_rules_thread has
    private static readonly Lazy<nint> Library = new(Compile);
    private readonly uint* _image;
    private readonly byte* _thread;
    private readonly byte* _memory;
    private readonly byte* _memoryEnd;

    /// <param name="image">The image.</param>
    /// <param name="thread">The thread's number.</param>
    /// <param name="memory">Bytes lent to it.</param>
    internal NativeMachine(byte[] image, int thread, int memory)
    {
        _image = (uint*)NativeMemory.Alloc((nuint)image.Length);
        image.CopyTo(new Span<byte>(_image, image.Length));
        _thread = (byte*)NativeMemory.AllocZeroed(ThreadSize);
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)memory);
        _memoryEnd = _memory + memory;
        var start = (delegate* unmanaged<uint*, byte*, uint, byte*, ulong, void>)NativeLibrary.GetExport(Library.Value, "mv_rules_start");
        start(_image, _thread, (uint)thread, _memory, (ulong)memory);
    }

    internal enum Verdict
    {
        Equal,
        Reconciled,
        Dropped,
        NeedsMore,
        Diverged,
        NoRoom,
    }

    internal (Verdict Verdict, int Consumed, int Rule, Answer? Answer) Decide(IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd)
    {
        using var host = new Host(pending, call);
        var table = new HostTable { Event = &Host.Event, Equal = &Host.AreEqual };
        Decision decision;
        var decide = (delegate* unmanaged<uint*, byte*, HostTable*, NativeCall*, byte, Decision*, void>)NativeLibrary.GetExport(Library.Value, "mv_rules_decide");
        decide(_image, _thread, &table, host.Call, isEnd ? (byte)1 : (byte)0, &decision);
        var received = new byte[]?[6];
        for (var i = 0; i < 6; i++)
        {
            var bytes = ((NativeBytes*)decision.Received)[i];
            if (bytes.At != null) received[i] = new Span<byte>(bytes.At, (int)bytes.Size).ToArray();
        }
        var answer = decision.Verdict != (int)Verdict.Reconciled ? null
            : decision.Executed != 0 ? Answer.Executed : new Answer(false, decision.Result, received);
        return ((Verdict)decision.Verdict, (int)decision.Consumed, decision.Rule, answer);
    }

    public void Dispose()
    {
        NativeMemory.Free(_image);
        NativeMemory.Free(_thread);
        NativeMemory.Free(_memory);
    }

    private static nint Compile()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln"))) folder = folder.Parent!;
        var shim = Path.Combine(folder.FullName, "native/shim");
        var directory = Directory.CreateTempSubdirectory("mvedsua-rules-");
        var library = Path.Combine(directory.FullName, "rules.so");
        // As the shim is built; what is undefined ends the test instead of going unnoticed.
        string[] arguments =
        [
            "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-mgeneral-regs-only", "-fPIC", "-shared",
            "-fsanitize=undefined", "-fno-sanitize=alignment", "-fsanitize-undefined-trap-on-error", "-I", shim, "-o", library,
            .. Directory.GetFiles(Path.Combine(shim, "rules"), "*.c"),
        ];
        using var gcc = Process.Start(new ProcessStartInfo("gcc", arguments) { RedirectStandardError = true })!;
        var errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Assert.True(gcc.ExitCode == 0, errors);
        var loaded = NativeLibrary.Load(library);
        directory.Delete(recursive: true); // it stays mapped
        return loaded;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct NativeBytes
    {
        public byte* At;
        public ulong Size;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct NativeCall
    {
        public uint Number;
        public byte HasResult;
        public byte Harmless;
        public long Result;
        public ulong SentBytes;
        public fixed ulong Arguments[6];
        public fixed ulong Sent[12];
        public fixed ulong Received[12];
        public ulong Id;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct HostTable
    {
        public void* Context;
        public delegate* unmanaged<void*, uint, NativeCall*> Event;
        public delegate* unmanaged<void*, NativeCall*, NativeCall*, int, byte> Equal;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Decision
    {
        public int Verdict;
        public uint Consumed;
        public int Rule;
        private readonly int _padding; // the answer is aligned as its 64-bit result
        public byte Executed;
        public long Result;
        public fixed ulong Received[12];
        private fixed ulong _sourceSent[12];
    }

    /// <summary>The events of one decision in native memory, which is gone after it: what the interpreter keeps, it has to copy.</summary>
    private sealed class Host : IDisposable
    {
        [ThreadStatic]
        private static Host? _current;

        // Kept events come back by their id in later decisions.
        private static readonly ConditionalWeakTable<CallRecord, object> Ids = [];
        private static readonly List<CallRecord> Records = [];
        private readonly List<nint> _memory = [];
        private readonly NativeCall*[] _events;

        internal Host(IReadOnlyList<CallRecord> pending, CallRecord call)
        {
            _current = this;
            _events = new NativeCall*[pending.Count];
            for (var i = 0; i < pending.Count; i++) _events[i] = Make(pending[i]);
            Call = Make(call);
        }

        internal NativeCall* Call { get; }

        [UnmanagedCallersOnly]
        internal static NativeCall* Event(void* context, uint ahead) => ahead < _current!._events.Length ? _current._events[ahead] : null;

        [UnmanagedCallersOnly]
        internal static byte AreEqual(void* context, NativeCall* leader, NativeCall* follower, int argument)
        {
            var (a, b) = (Records[(int)leader->Id], Records[(int)follower->Id]);
            return (argument < 0 ? Equality.Difference(a, b) : Equality.Difference(a, b, argument)) is null ? (byte)1 : (byte)0;
        }

        public void Dispose()
        {
            foreach (var memory in _memory)
            {
                var size = *(ulong*)memory;
                new Span<byte>((void*)memory, (int)size).Fill(0xa5); // whoever reads on reads garbage
                NativeMemory.Free((void*)memory);
            }
            _current = null;
        }

        private byte* Alloc(int size)
        {
            var memory = (byte*)NativeMemory.AllocZeroed((nuint)size + 16);
            *(ulong*)memory = (ulong)size + 16;
            _memory.Add((nint)memory);
            return memory + 16;
        }

        private NativeCall* Make(CallRecord record)
        {
            var call = (NativeCall*)Alloc(sizeof(NativeCall));
            (call->Number, call->HasResult, call->Result) = ((uint)record.Row.Number, record.Result is null ? (byte)0 : (byte)1, record.Result ?? 0);
            (call->Harmless, call->SentBytes) = (ArgumentFacts.IsHarmless(record.Row) ? (byte)1 : (byte)0, (ulong)record.SentBytes);
            for (var i = 0; i < 6; i++)
            {
                call->Arguments[i] = record.Arguments[i];
                Copy(record.Sent[i], (NativeBytes*)call->Sent + i);
                Copy(record.Received[i], (NativeBytes*)call->Received + i);
            }
            call->Id = (ulong)(int)Ids.GetValue(record, added =>
            {
                Records.Add(added);
                return Records.Count - 1;
            });
            return call;
        }

        private void Copy(byte[]? bytes, NativeBytes* to)
        {
            if (bytes is null) return;
            to->At = Alloc(bytes.Length);
            to->Size = (ulong)bytes.Length;
            bytes.CopyTo(new Span<byte>(to->At, bytes.Length));
        }
    }
}
