using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Instructions;

/// <summary>What a hot path took when it was last accepted.</summary>
internal sealed record InstructionEntry(string Path, int Instructions, string Compiler);

/// <summary>bench/instructions.tsv.</summary>
internal static class InstructionTable
{
    private const string Head = "path\tinstructions\tcompiler";

    /// <exception cref="BenchException">A line is not one of the table; the message names it.</exception>
    internal static IReadOnlyList<InstructionEntry> Parse(string text)
    {
        var lines = text.Split('\n').Select((l, i) => (Text: l, Number: i + 1)).Where(l => l.Text.Length > 0 && l.Text[0] != '#').ToArray();
        if (lines.Length == 0 || lines[0].Text != Head) throw new BenchException("the table of instructions has no line 'path instructions compiler' at its head");
        return [.. lines[1..].Select(l => l.Text.Split('\t') is [var path, var count, var compiler] && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var instructions)
            ? new InstructionEntry(path, instructions, compiler)
            : throw new BenchException($"line {l.Number} of the table of instructions is not path, number and compiler, with tabs between them: '{l.Text}'"))];
    }

    internal static string Format(IEnumerable<InstructionEntry> entries) => string.Join('\n',
    [
        "# Instructions of the shim on its hot paths (docs/bench-instructions.md). Written by make bench-check ACCEPT=1.",
        Head,
        .. entries.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Path}\t{e.Instructions}\t{e.Compiler}")),
        "",
    ]);
}
