using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Starts the server so that it can't tell who started it: the dispositions and the mask that the
/// coordinator was itself given, its working directory, its standard streams, and no descriptor more than the
/// session memory.</summary>
internal static unsafe class ServerProcess
{
    private const short SetSignalMask = 0x08, SetSignalDefault = 0x04;
    private const int AttributeSpace = 512; /* posix_spawnattr_t is 336 bytes, file_actions 80 (glibc, x86-64) */

    /// <summary>Starts <paramref name="path"/> and returns its pid.</summary>
    /// <param name="path">Executable; absolute, or relative to the working directory.</param>
    /// <param name="arguments">argv, its first element included.</param>
    /// <param name="environment">The complete environment, as NAME=VALUE.</param>
    /// <param name="inherited">A close-on-exec descriptor of this process which the server gets under the same number.</param>
    /// <exception cref="SessionException">The kernel refused; the message names the cause.</exception>
    internal static int Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment,
        int inherited)
    {
        byte* space = stackalloc byte[2 * AttributeSpace];
        byte* actions = space, attributes = space + AttributeSpace;
        ulong* set = stackalloc ulong[16]; /* sigset_t */
        using var argv = new NativeStrings(arguments);
        using var envp = new NativeStrings(environment);

        Check(Libc.SpawnActionsInit(actions));
        Check(Libc.SpawnAttributesInit(attributes));
        try
        {
            /* dup2 of a descriptor onto itself clears close-on-exec in the child alone (glibc 2.29 and later). */
            Check(Libc.SpawnActionsAddDup2(actions, inherited, inherited));
            Check(Libc.SpawnAttributesSetFlags(attributes, SetSignalMask | SetSignalDefault));
            new Span<ulong>(set, 16).Clear();
            set[0] = ~InheritedSignals.Ignored;
            Check(Libc.SpawnAttributesSetDefault(attributes, set));
            set[0] = InheritedSignals.Blocked;
            Check(Libc.SpawnAttributesSetMask(attributes, set));
            int error = Libc.PosixSpawn(out int pid, path, actions, attributes, argv.Pointer, envp.Pointer);
            if (error != 0)
                throw new SessionException(ExitStatus.LaunchRefused,
                    $"cannot start '{path}': {Marshal.GetPInvokeErrorMessage(error)}");
            return pid;
        }
        finally
        {
            _ = Libc.SpawnAttributesDestroy(attributes);
            _ = Libc.SpawnActionsDestroy(actions);
        }
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new SessionException(ExitStatus.LaunchRefused,
                $"cannot prepare the start: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>A NULL-terminated array of C strings.</summary>
    private sealed class NativeStrings : IDisposable
    {
        private readonly nint[] _strings;
        private readonly byte** _array;

        internal NativeStrings(IReadOnlyList<string> values)
        {
            _array = (byte**)NativeMemory.AllocZeroed((nuint)values.Count + 1, (nuint)sizeof(byte*));
            _strings = new nint[values.Count];
            for (int i = 0; i < values.Count; i++)
                _array[i] = (byte*)(_strings[i] = Marshal.StringToCoTaskMemUTF8(values[i]));
        }

        internal byte** Pointer => _array;

        public void Dispose()
        {
            foreach (nint text in _strings) Marshal.FreeCoTaskMem(text);
            NativeMemory.Free(_array);
        }
    }
}
