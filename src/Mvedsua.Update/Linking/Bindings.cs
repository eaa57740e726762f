using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>What of a file's symbols lives at another address than in the file's own image.</summary>
internal sealed class Bindings
{
    private readonly Dictionary<ulong, ulong> _data = [];
    private readonly Dictionary<ulong, ulong> _functions = [];
    private readonly Dictionary<int, ulong> _symbols = [];

    /// <summary>Those of a version as it was linked.</summary>
    internal static Bindings Of(LinkedImage image, ElfFile file)
    {
        var bindings = new Bindings();
        foreach (var (index, address) in image.Elsewhere)
        {
            var symbol = file.Symbols[index];
            if (file.Sections[symbol.Section].IsCode) bindings.AddFunction(symbol, address);
            else if (symbol.Size > 0) bindings.AddData(symbol, address);
            else bindings.AddMark(symbol, address);
        }

        return bindings;
    }

    /// <summary>The symbols and their addresses.</summary>
    internal IReadOnlyDictionary<int, ulong> Symbols => _symbols;

    /// <summary>Of two functions that became one, a pointer by address gets the first; one by name the right one.</summary>
    internal void AddFunction(ElfSymbol symbol, ulong address)
    {
        _functions.TryAdd(symbol.Value, address);
        _symbols[symbol.Index] = address;
    }

    internal void AddData(ElfSymbol symbol, ulong address)
    {
        _data[symbol.Value] = address;
        _symbols[symbol.Index] = address;
    }

    internal void AddMark(ElfSymbol symbol, ulong address) => _symbols[symbol.Index] = address;

    internal void RemoveData(ElfFile file, ulong start)
    {
        _data.Remove(start);
        foreach (var index in _symbols.Keys.Where(i => file.Symbols[i].Value == start && !file.Sections[file.Symbols[i].Section].IsCode).ToArray())
            _symbols.Remove(index);
    }

    /// <summary>The address that stands for a function; null when it is its entry in the image.</summary>
    internal ulong? Function(ulong entry, ElfSymbol symbol) =>
        _symbols.TryGetValue(symbol.Index, out var named) && symbol.Value == entry ? named
        : _functions.TryGetValue(entry, out var address) ? address : null;

    /// <summary>Where an address inside or at the end of an object is; null when the object is in the image.</summary>
    internal ulong? Data(DataObject? one, ulong target) =>
        one is not null && _data.TryGetValue(one.Start, out var address) ? unchecked(address + (target - one.Start)) : null;

    /// <summary>Where the object that begins at an address is; null when it is in the image.</summary>
    internal ulong? Data(ulong start) => _data.TryGetValue(start, out var address) ? address : null;

    /// <summary>Where a mark of the linker is; null when it is in the image.</summary>
    internal ulong? Mark(ElfSymbol symbol) => _symbols.TryGetValue(symbol.Index, out var address) ? address : null;
}
