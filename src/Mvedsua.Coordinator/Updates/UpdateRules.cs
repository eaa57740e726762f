using System.Runtime.InteropServices;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;
using Mvedsua.Rules.Bytecode;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Language;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Updates;

/// <summary>A file of rules as it was when an update took it.</summary>
/// <param name="Path">Where it stood.</param>
/// <param name="Text">What stood in it.</param>
internal sealed record RulesFile(string Path, string Text);

/// <summary>Both files of an update.</summary>
/// <param name="Forward">For the new version following the old one.</param>
/// <param name="Reverse">For the old version following the new one; null: there are none.</param>
internal sealed record RulesFiles(RulesFile Forward, RulesFile? Reverse);

/// <summary>
/// The rules of an update, compiled. What the files show against them is refused in <see cref="Load"/>, before any process is touched.
/// Immutable, safe from any thread.
/// </summary>
public sealed class UpdateRules
{
    private const string ForwardName = "forward.rules", ReverseName = "reverse.rules", CommonName = "common.rules";

    private readonly uint[] _forward, _reverse;

    private UpdateRules(CompiledFile? forward, CompiledFile? reverse, string summary)
    {
        (_forward, _reverse, Summary) = (forward?.Image ?? [], reverse?.Image ?? [], summary);
        Warnings = [.. forward?.Warnings ?? [], .. reverse?.Warnings ?? []];
        Files = forward is null ? null : new RulesFiles(forward.Source, reverse?.Source);
    }

    /// <summary>An update without rules: both versions are compared call by call.</summary>
    public static UpdateRules None { get; } = new(null, null, "no rules");

    /// <summary>How many there are, as a part of a sentence.</summary>
    public string Summary { get; }

    /// <summary>Lines for people, as <c>mvedsua rules check</c> prints them: what their author hardly meant.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>What they were made of; null: there are none.</summary>
    internal RulesFiles? Files { get; }

    /// <summary>The image for the new version following the old one.</summary>
    internal ReadOnlySpan<uint> Forward => _forward;

    /// <summary>The image for the old version following the new one; empty: there is none.</summary>
    internal ReadOnlySpan<uint> Reverse => _reverse;

    /// <summary>Reads, checks and compiles the rules of a folder.</summary>
    /// <param name="folder">common.rules stands in it, for both directions; or forward.rules must, and reverse.rules may.</param>
    /// <exception cref="UpdateRefusedException">A file can't be read, or holds what can't be used; with every place, cause and cure.</exception>
    public static UpdateRules Load(string folder)
    {
        if (!Directory.Exists(folder)) throw new UpdateRefusedException($"{folder} is no folder: the one in which {ForwardName} stands is to be named");
        string forwardPath = Path.Combine(folder, ForwardName), reversePath = Path.Combine(folder, ReverseName);
        string commonPath = Path.Combine(folder, CommonName);
        if (Path.Exists(commonPath))
        {
            if (Path.Exists(forwardPath) || Path.Exists(reversePath))
                throw new UpdateRefusedException($"{folder} holds {CommonName}, which is for both directions, and {ForwardName} or {ReverseName} as well: it is to hold either");
            (forwardPath, reversePath) = (commonPath, commonPath);
        }

        if (!Path.Exists(forwardPath)) throw new UpdateRefusedException($"there is no {ForwardName} in {folder}: it says how the new version follows the old one (nor {CommonName}, for both directions)");
        CompiledFile forward = Compile(forwardPath);
        CompiledFile? reverse = Path.Exists(reversePath) ? Compile(reversePath) : null;
        if (forward.Errors.Count > 0 || reverse?.Errors.Count > 0)
            throw new UpdateRefusedException($"the rules can't be used:\n{string.Join('\n', [.. forward.Errors, .. reverse?.Errors ?? []])}");
        string reversed = reverse is null ? $"none reverse (no {ReverseName}: after a promotion the old version is compared call by call)" : $"{reverse.Rules} reverse";
        return new UpdateRules(forward, reverse, $"{Sides.Count((ulong)forward.Rules, "rule")} forward, {reversed}");
    }

    /// <param name="Source">The file.</param>
    /// <param name="Image">Empty when there are errors.</param>
    /// <param name="Rules">How many.</param>
    /// <param name="Errors">Lines for people.</param>
    /// <param name="Warnings">Likewise.</param>
    private sealed record CompiledFile(RulesFile Source, uint[] Image, int Rules, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings);

    private static CompiledFile Compile(string path)
    {
        string text = Read(path);
        var source = new RulesFile(path, text);
        CheckedText read = RuleChecker.Check(text);
        List<Problem> problems = [.. read.Problems, .. read.Rules is { } rules ? LiveChecker.Check(rules) : []];
        List<string> errors = Shown(ProblemKind.Error), warnings = Shown(ProblemKind.Warning);
        if (errors.Count > 0) return new(source, [], 0, errors, warnings);
        byte[] image = Compiler.Compile(read.Rules!);
        if ((ulong)image.Length > MvAbi.RulesSpan)
            return new(source, [], 0, [$"{path}: error: compiled, these rules take {ByteSize.Format(image.Length)}; there is room for {ByteSize.Format((long)MvAbi.RulesSpan)} (fewer rules, or shorter strings)"], warnings);
        try
        {
            _ = Mvedsua.Rules.Bytecode.Image.Open(image); /* the follower reads it without a further look */
        }
        catch (FormatException e)
        {
            throw new UpdateRefusedException($"{path} was compiled wrongly, which is a fault in Mvedsua: {e.Message}", e);
        }
        return new(source, MemoryMarshal.Cast<byte, uint>(image).ToArray(), read.Rules!.Names.Count(), [], warnings);

        List<string> Shown(ProblemKind kind) => [.. ProblemText.Lines(path, text, problems.Where(problem => problem.Kind == kind).OrderBy(problem => problem.At))];
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpdateRefusedException($"{path} can't be read: {e.Message}", e);
        }
    }
}
