using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>
/// How the stack is unwound through a new image's code, for exceptions and for threads that end with clean-ups to run. The unwinder asks the
/// dynamic linker for an image's tables, which doesn't know this one: they are registered with the unwinder itself.
/// </summary>
internal sealed class UnwindTables
{
    private readonly ulong _table, _register;

    /// <exception cref="UpdateRefusedException">The version unwinds and the process has no unwinder yet.</exception>
    internal UnwindTables(ElfFile file, ulong baseAddress, LoadedLibraries libraries)
    {
        if (file.Sections.FirstOrDefault(s => s is { Name: ".eh_frame", Size: > 4, IsLoaded: true }) is not { } table) return;
        _table = baseAddress + table.Address;
        _register = libraries.Find("__register_frame", null) ?? 0;
        // Without clean-ups the unwinder may stop at a frame that it does not know.
        if (_register == 0 && file.Sections.Any(s => s.Name == ".gcc_except_table"))
        {
            throw new UpdateRefusedException($"{file.Path} has clean-ups that run as the stack is unwound, and the process has not loaded libgcc_s.so.1, "
                + "which does it. Link with -lgcc_s");
        }
    }

    /// <summary>Registers them; the image must be loaded.</summary>
    internal void Register(IUpdatedProcess process)
    {
        if (_register != 0) process.Call(_register, [_table]);
    }
}
