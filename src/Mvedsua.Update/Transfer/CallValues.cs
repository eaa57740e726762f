using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Transfer;

/// <summary>What the functions that a description names are called with, in a process of the new version.</summary>
internal static class CallValues
{
    /// <summary>As they are now.</summary>
    /// <param name="call">The function and its arguments.</param>
    /// <param name="image">The new version in the process.</param>
    /// <param name="file">The new version's file.</param>
    /// <param name="process">The process.</param>
    internal static ulong[] Of(FunctionCall call, LinkedImage image, ElfFile file, IUpdatedProcess process) =>
        [.. call.Arguments.Select(a => Of(a, image, file, process))];

    private static ulong Of(CallArgument argument, LinkedImage image, ElfFile file, IUpdatedProcess process)
    {
        if (argument.Variable is not { } variable) return (ulong)argument.Number;
        var symbol = file.Symbols.First(s => s.IsDefined && s.Value == variable.Address && s.Kind == SymbolKind.Data);
        var place = image.AddressOf(symbol) + argument.Offset;
        if (argument.IsAddress) return place;
        Span<byte> bytes = stackalloc byte[argument.Form.Span];
        process.Read(place, bytes);
        return unchecked((ulong)argument.Form.Read(bytes).Whole);
    }
}
