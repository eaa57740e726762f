using System.Text;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Drafts;

/// <summary>Writes the first draft of a description: renames that are probable, values that could be said, and what must be said.</summary>
public static class Draft
{
    /// <summary>The text; it is a description that can be read as it is. What only the author knows stands in it as a comment.</summary>
    /// <param name="old">The old version's debug information.</param>
    /// <param name="new">The new version's.</param>
    public static string Of(DebugFile old, DebugFile @new)
    {
        var text = new StringBuilder();
        text.AppendLine($"# Update of {Path.GetFileName(old.Path)} to {Path.GetFileName(@new.Path)}: a first draft.");
        text.AppendLine("# Lines that begin with # are comments; take the # away where a line is meant.");
        var renames = Renames(old, @new);
        if (renames.Count > 0)
            text.AppendLine().AppendLine("# Probably renamed. Check these: a wrong one carries a value to where it doesn't belong.");
        foreach (var line in renames) text.AppendLine(line);

        /* What remains is said of the comparison that the renames lead to. */
        var comparison = Comparison.Of(old, @new, Description.Read(string.Join('\n', renames), "draft", old, @new).Hints);
        var run = DryRun.Of(comparison);
        Section(text, "These must be said; the update is refused without.", run.Needs.Select(n => $"# {n.Cure ?? "?"}    # {n}"));
        Section(text, "New fields: they begin as zero unless said otherwise.", run.Questions
            .Where(q => q is { Kind: DifferenceKind.NewField, Cure: not null })
            .Select(q => $"# {q.Cure!.Replace("EXPRESSION", "0", StringComparison.Ordinal)}    # {q.Text}"));
        Section(text, "Fields that are gone: what they hold is dropped. If one was renamed: rename … to …", run.Questions
            .Where(q => q.Kind == DifferenceKind.GoneField).Select(q => $"# {q}"));
        Section(text, "Pointers of which types say nothing. Say what they point to where it is a type that has changed.",
            run.Opaque.Where(o => o.Kind == "void pointer").Select(o => $"# type {o.Path} is TYPE *"));
        Section(text, "Unions on the way to types that have changed. Say which member is valid.", run.Opaque.Where(o => o.Kind == "union")
            .Select(o => $"# valid {o.Path[..o.Path.LastIndexOf('.')]} is {o.Path[(o.Path.LastIndexOf('.') + 1)..]} when CONDITION"));
        Section(text, "Arrays whose length the allocator tells only roughly.", run.Opaque
            .Where(o => o.Kind.StartsWith("array", StringComparison.Ordinal)).Select(o => $"# length {o.Path} is EXPRESSION"));
        Section(text, "Variables that are gone: what they hold is left behind.", run.GoneVariables.Select(v => $"# {v}"));
        if (run.Types.Count == 0 && run.ConvertedVariables.Count == 0)
            text.AppendLine().AppendLine("# No type has changed: nothing has to be said of types.");
        text.AppendLine().AppendLine("# Where the new version goes on: the function with the event loop. Without it: at main, if that asks mvedsua_is_updating(); else in the function below main in which the main thread waits.");
        text.AppendLine("# resume FUNCTION(ARGUMENTS)");
        return text.ToString();
    }

    private static List<string> Renames(DebugFile old, DebugFile @new)
    {
        var lines = new List<string>();
        foreach (var (kind, from, to, reason) in RenameGuess.Tags(old, @new)) lines.Add($"rename {kind} {from} to {to}    # {reason}");
        var comparison = Comparison.Of(old, @new, Description.Read(string.Join('\n', lines), "draft", old, @new).Hints);
        foreach (var (from, to, reason) in RenameGuess.Variables(comparison))
            if (old.VariablesNamed(from.Name).Count() == 1 && @new.VariablesNamed(to.Name).Count() == 1)
                lines.Add($"rename global {from.Name} to {to.Name}    # {reason}");
        foreach (var pair in comparison.ChangedTypes)
        {
            if (pair is not { Old: RecordType { IsUnion: false } before, New: RecordType after } || !CanBeNamed(old, before)) continue;
            if (before.ToString() != after.ToString() && !comparison.Hints.Types.ContainsKey(before)) continue;
            foreach (var (from, to, reason) in RenameGuess.Fields(before, after)) lines.Add($"rename {before}.{from} to {to}    # {reason}");
        }
        return lines.Distinct().ToList();
    }

    private static bool CanBeNamed(DebugFile file, RecordType type) =>
        type.Tag is { } tag ? file.TaggedType(TagKind.Struct, tag) == type : type.TypedefName is { } name && file.Typedef(name)?.Bare == type;

    private static void Section(StringBuilder text, string title, IEnumerable<string> lines)
    {
        var all = lines.Distinct().ToList();
        if (all.Count == 0) return;
        text.AppendLine().AppendLine("# " + title);
        foreach (var line in all) text.AppendLine(line);
    }
}
