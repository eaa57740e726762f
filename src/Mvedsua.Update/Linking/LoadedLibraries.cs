using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>
/// The libraries of a process in the order in which the dynamic linker searches them (preloaded ones first), and what they define. Read
/// from the process's memory: the files may have been replaced since. A snapshot.
/// </summary>
internal sealed class LoadedLibraries
{
    private const int MostLibraries = 4096;

    private readonly IUpdatedProcess _process;
    private readonly List<LoadedLibrary> _libraries = [];
    private readonly Dictionary<ulong, ulong> _chosen = []; // by resolver

    /// <param name="process">The process.</param>
    /// <param name="dynamicSection">Address of the program's dynamic section, in which the dynamic linker left its list (DT_DEBUG).</param>
    /// <exception cref="UpdateRefusedException">The list can't be found or followed.</exception>
    internal LoadedLibraries(IUpdatedProcess process, ulong dynamicSection)
    {
        _process = process;
        var memory = new ProcessMemory(process);
        var list = memory.Dynamic(dynamicSection).FirstOrDefault(d => d.Tag == ElfLayout.DtDebug).Value;
        if (list == 0) throw new UpdateRefusedException("the dynamic linker's list of libraries can't be found in the process: is it dynamically linked?");
        // struct r_debug: r_map at 8; struct link_map: l_addr, l_name, l_ld, l_next. The first is the program itself.
        var map = memory.Word(memory.Word(list + 8) + 24);
        for (var i = 0; map != 0; map = memory.Word(map + 24), i++)
        {
            if (i == MostLibraries) throw new UpdateRefusedException("the dynamic linker's list of libraries has no end");
            var name = memory.String(memory.Word(map + 8));
            // The kernel's is not searched by the dynamic linker.
            if (!name.StartsWith("linux-vdso", StringComparison.Ordinal))
                _libraries.Add(new LoadedLibrary(memory, name, memory.Word(map), memory.Word(map + 16)));
        }
    }

    internal IReadOnlyList<LoadedLibrary> All => _libraries;

    /// <summary>The address that a reference by name and version is bound to; null when no library defines it.</summary>
    internal ulong? Find(string name, string? version)
    {
        foreach (var library in _libraries)
        {
            if (library.Find(name, version) is not { } found) continue;
            if (found.Kind != SymbolKind.IndirectFunction) return found.Address;
            if (!_chosen.TryGetValue(found.Address, out var chosen))
                _chosen[found.Address] = chosen = _process.Call(found.Address, []);
            return chosen;
        }

        return null;
    }
}
