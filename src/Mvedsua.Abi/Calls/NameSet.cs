using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;

namespace Mvedsua.Abi.Calls;

/// <summary>The names of one kind of constant (names.tbl). Immutable.</summary>
public sealed class NameSet
{
    private static readonly FrozenDictionary<string, NameSet> Sets = Load();

    private readonly bool _isEnum;
    private readonly ulong _mask;
    private readonly List<(string Name, long Value, string Message)> _names = [];

    private NameSet(bool isEnum, ulong mask) => (_isEnum, _mask) = (isEnum, mask);

    /// <summary>A set by its name in names.tbl.</summary>
    /// <exception cref="KeyNotFoundException">There is no such set.</exception>
    public static NameSet Of(string name) => Sets[name];

    /// <summary>All sets with their names.</summary>
    public static IReadOnlyDictionary<string, NameSet> All => Sets;

    /// <summary>Names with their values, in the order of the file.</summary>
    public IEnumerable<(string Name, long Value)> Names => _names.Select(entry => (entry.Name, entry.Value));

    /// <summary>The name of exactly this value, or null.</summary>
    public string? NameOf(long value)
    {
        foreach (var (name, known, _) in _names)
            if (known == value) return name;
        return null;
    }

    /// <summary>The value of a name, or null.</summary>
    public long? ValueOf(string name)
    {
        foreach (var (known, value, _) in _names)
            if (string.Equals(known, name, StringComparison.Ordinal)) return value;
        return null;
    }

    /// <summary>The message beside the name of this value; empty when there is none.</summary>
    public string MessageOf(long value)
    {
        foreach (var (_, known, message) in _names)
            if (known == value) return message;
        return "";
    }

    /// <summary>A value by its names: one of them, or several joined by "|"; what has no name in hexadecimal.</summary>
    public string Format(long value)
    {
        if (NameOf(value) is { } exact && (_isEnum || value == 0 || (_mask & (ulong)value) == (ulong)value)) return exact;
        if (_isEnum) return value is > -4096 and < 4096 ? value.ToString(CultureInfo.InvariantCulture) : $"0x{value:x}";
        var rest = (ulong)value;
        var parts = new SortedDictionary<int, string>();
        if (_mask != 0 && NameOf((long)(rest & _mask)) is { } masked)
        {
            parts[-1] = masked;
            rest &= ~_mask;
        }
        // Names of several bits (O_SYNC) go before the ones they contain (O_DSYNC).
        foreach (var (entry, index) in _names.Select((entry, index) => (entry, index))
                     .OrderByDescending(pair => BitOperations.PopCount((ulong)pair.entry.Value)))
        {
            var bits = (ulong)entry.Value;
            if (bits == 0 || (bits & _mask) != 0 || (rest & bits) != bits) continue;
            parts[index] = entry.Name;
            rest &= ~bits;
        }
        if (rest != 0) parts[int.MaxValue] = $"0x{rest:x}";
        return parts.Count == 0 ? "0" : string.Join('|', parts.Values);
    }

    private static FrozenDictionary<string, NameSet> Load()
    {
        var sets = new Dictionary<string, NameSet>(StringComparer.Ordinal);
        NameSet? current = null;
        foreach (var words in CallTableParser.Lines(CallTable.Resource("names.tbl")))
        {
            if (words[0] == "set")
            {
                var mask = Array.IndexOf(words, "mask");
                current = new(words.Contains("enum"), mask < 0 ? 0 : (ulong)CallTableParser.Number(words[mask + 1]));
                sets.Add(words[1], current);
            }
            else
            {
                current!._names.Add((words[0], CallTableParser.Number(words[1]), string.Join(' ', words.Skip(2))));
            }
        }
        return sets.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
