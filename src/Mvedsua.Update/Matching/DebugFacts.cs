using Mvedsua.Update.Debug;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Matching;

/// <summary>What a file's debug information says of its symbols. Safe for concurrent use while the file is open.</summary>
/// <param name="debug">The debug information.</param>
public sealed class DebugFacts(DebugFile debug) : ISymbolFacts
{
    private readonly Lazy<Dictionary<ulong, Variable>> _threadLocals = new(() =>
    {
        Dictionary<ulong, Variable> byOffset = [];
        foreach (var variable in debug.Variables.Where(v => v.IsThreadLocal)) byOffset.TryAdd(variable.Address, variable);
        return byOffset;
    });

    /* A function without any code has the address of what comes after it, perhaps in another file: then it isn't known whose code stands there. */
    private readonly Lazy<Dictionary<ulong, Unit?>> _unitsOfFunctions = new(() =>
    {
        Dictionary<ulong, Unit?> byAddress = [];
        foreach (var function in debug.Functions)
            if (!byAddress.TryAdd(function.Address, function.Unit) && !ReferenceEquals(byAddress[function.Address], function.Unit))
                byAddress[function.Address] = null;
        return byAddress;
    });

    /// <inheritdoc/>
    public string? OwnerOf(ElfSymbol variable) => Find(variable)?.Function;

    /// <inheritdoc/>
    public bool? EndsInArray(ElfSymbol variable) => Find(variable) is { } found ? EndsInArray(found.Type) : null;

    /// <inheritdoc/>
    public ulong? ElementSizeOf(ElfSymbol variable) => Find(variable) is { } found ? ElementSizeOf(found.Type) : null;

    /// <inheritdoc/>
    public bool? AreOfOneFile(ulong function, ElfSymbol variable) =>
        _unitsOfFunctions.Value.GetValueOrDefault(function) is { } unit && Find(variable) is { } found ? ReferenceEquals(unit, found.Unit) : null;

    private Variable? Find(ElfSymbol symbol) => symbol.Kind == SymbolKind.ThreadLocal
        ? _threadLocals.Value.GetValueOrDefault(symbol.Value) : debug.VariableAt(symbol.Value);

    private static bool EndsInArray(CType type) => type.Bare switch
    {
        ArrayType => true,
        RecordType record => record.Members.Any(m => (m.End == record.Size || m.Type.Size == 0) && EndsInArray(m.Type)),
        _ => false,
    };

    private static ulong ElementSizeOf(CType type) => type.Bare switch
    {
        ArrayType array => array.Element.Size,
        RecordType record => record.Members.Select(m => ElementSizeOf(m.Type)).DefaultIfEmpty().Max(),
        _ => 0,
    };
}
