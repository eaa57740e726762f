using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>Where functions, and parts of functions, begin in a file's code.</summary>
internal sealed class Functions
{
    private readonly ulong[] _starts;
    private readonly Dictionary<ulong, string> _names = [];
    private readonly Dictionary<ulong, ulong> _ends = []; // of those whose size is known

    internal Functions(ElfFile file)
    {
        foreach (var symbol in file.Symbols)
        {
            if (symbol.IsDefined && file.Sections[symbol.Section].IsCode && symbol.Kind is SymbolKind.Function or SymbolKind.IndirectFunction
                || (symbol is { Kind: SymbolKind.None, IsLocal: false, IsDefined: true } && file.Sections[symbol.Section].IsCode))
            {
                _names.TryAdd(symbol.Value, symbol.Name);
                if (symbol.Size > 0) _ends[symbol.Value] = Math.Max(symbol.End, _ends.GetValueOrDefault(symbol.Value));
            }
        }

        _starts = [.. _names.Keys.Order()];
    }

    internal IReadOnlyList<ulong> Starts => _starts;

    internal bool IsEntry(ulong address) => _names.ContainsKey(address);

    /// <summary>Where the function that holds an address begins; null: no function is known to.</summary>
    internal ulong? StartOf(ulong address) => Before(address) is { } start && address < _ends.GetValueOrDefault(start) ? start : null;

    /// <summary>The last start that isn't behind an address.</summary>
    private ulong? Before(ulong address)
    {
        var at = Array.BinarySearch(_starts, address);
        if (at < 0) at = ~at - 1;
        return at < 0 ? null : _starts[at];
    }

    /// <summary>For messages: the function that holds an address.</summary>
    internal string NameAt(ulong address) => Before(address) is { } start ? $"{_names[start]}()" : $"code at {address:x}";

    /// <summary>The first start behind an address, or the end of its section.</summary>
    internal ulong Next(ulong address, ElfSection section)
    {
        var at = Array.BinarySearch(_starts, address);
        at = at < 0 ? ~at : at + 1;
        return at < _starts.Length && _starts[at] < section.End ? _starts[at] : section.End;
    }
}
