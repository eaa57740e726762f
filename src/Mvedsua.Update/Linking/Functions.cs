using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>Where functions, and parts of functions, begin in a file's code.</summary>
internal sealed class Functions
{
    private readonly ulong[] _starts;
    private readonly Dictionary<ulong, string> _names = [];

    internal Functions(ElfFile file)
    {
        foreach (var symbol in file.Symbols)
        {
            if (symbol.IsDefined && file.Sections[symbol.Section].IsCode && symbol.Kind is SymbolKind.Function or SymbolKind.IndirectFunction
                || (symbol is { Kind: SymbolKind.None, IsLocal: false, IsDefined: true } && file.Sections[symbol.Section].IsCode))
                _names.TryAdd(symbol.Value, symbol.Name);
        }

        _starts = [.. _names.Keys.Order()];
    }

    internal IReadOnlyList<ulong> Starts => _starts;

    internal bool IsEntry(ulong address) => _names.ContainsKey(address);

    /// <summary>Where the function that holds an address begins; null: no function does.</summary>
    internal ulong? StartOf(ulong address)
    {
        var at = Array.BinarySearch(_starts, address);
        if (at < 0) at = ~at - 1;
        return at < 0 ? null : _starts[at];
    }

    /// <summary>For messages: the function that holds an address.</summary>
    internal string NameAt(ulong address) => StartOf(address) is { } start ? $"{_names[start]}()" : $"code at {address:x}";

    /// <summary>The first start behind an address, or the end of its section.</summary>
    internal ulong Next(ulong address, ElfSection section)
    {
        var at = Array.BinarySearch(_starts, address);
        at = at < 0 ? ~at : at + 1;
        return at < _starts.Length && _starts[at] < section.End ? _starts[at] : section.End;
    }
}
