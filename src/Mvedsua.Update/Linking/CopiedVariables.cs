using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>
/// A library's variable that a program names (stdout, environ) lives in the program's image: the dynamic linker copies its first value there
/// and binds the libraries to the copy. The copy of whichever version named it first stays the place; one that only the new version names is
/// made here in the same way.
/// </summary>
internal sealed class CopiedVariables
{
    private readonly record struct Copy(string Name, ulong From, ulong Place, int Size);

    private readonly LoadedLibraries _libraries;
    private readonly Dictionary<ulong, ulong> _places = []; // of those that have a copy already, by the library's own
    private readonly List<Copy> _made = [];
    private readonly List<(ulong Slot, Copy Copy)> _slots = [];

    internal CopiedVariables(LinkedImage old, LoadedLibraries libraries)
    {
        _libraries = libraries;
        foreach (var (name, address) in old.Copies)
            if (libraries.Find(name, null) is { } own) _places.TryAdd(own, address);
    }

    /// <summary>Where what a library defines is for all of the process.</summary>
    internal ulong PlaceOf(ulong definition) => _places.GetValueOrDefault(definition, definition);

    /// <summary>Finds out what is to be copied for a new version; writes nothing.</summary>
    /// <returns>The new copies, by name; places are as linked.</returns>
    /// <exception cref="UpdateRefusedException">No library has the variable, or it has a copy already under another name.</exception>
    internal IReadOnlyList<CopiedVariable> Plan(IUpdatedProcess process, ElfFile file, Bindings bindings)
    {
        foreach (var relocation in file.DynamicRelocations)
        {
            if (relocation.Type != RelocationType.Copy || bindings.Data(relocation.Offset) is not null) continue;
            var symbol = file.DynamicSymbols[relocation.Symbol];
            var from = _libraries.Find(symbol.Name, symbol.Version)
                ?? throw new UpdateRefusedException($"{file.Path} needs the variable {symbol.Name}, which no library of the process has");
            if (_places.ContainsKey(from))
                throw new UpdateRefusedException($"{file.Path} names the variable {symbol.Name} of a library, which earlier versions named otherwise: use the same name");
            _made.Add(new Copy(symbol.Name, from, relocation.Offset, (int)symbol.Size));
        }

        if (_made.Count > 0)
        {
            var memory = new ProcessMemory(process);
            foreach (var (slot, target) in _libraries.All.SelectMany(l => l.VariableSlots(memory)))
                if (_made.FirstOrDefault(c => c.From == target) is { Name: not null } copy) _slots.Add((slot, copy));
        }

        return [.. _made.Select(c => new CopiedVariable(c.Name, c.Place))];
    }

    /// <summary>Copies the values and binds the libraries to the copies.</summary>
    internal void Write(IUpdatedProcess process, ulong baseAddress)
    {
        foreach (var copy in _made)
        {
            var value = new byte[copy.Size];
            process.Read(copy.From, value);
            process.Write(baseAddress + copy.Place, value);
        }

        foreach (var (slot, copy) in _slots) process.Write(slot, BitConverter.GetBytes(baseAddress + copy.Place));
    }
}
