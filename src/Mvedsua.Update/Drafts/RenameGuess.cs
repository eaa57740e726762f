using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Drafts;

/// <summary>Guesses what was renamed: what is gone and what is new, of the same type and among the same neighbours.</summary>
internal static class RenameGuess
{
    /// <summary>Fields of a pair of structs.</summary>
    internal static IEnumerable<(string Old, string New, string Reason)> Fields(RecordType old, RecordType now)
    {
        var (before, after) = (Named(old), Named(now));
        var (gone, added) = (before.Where(m => after.All(n => n.Name != m.Name)).ToList(), after.Where(n => before.All(m => m.Name != n.Name))
            .ToList());
        foreach (var field in gone)
        {
            var alike = added.Where(n => n.Type.ToString() == field.Type.ToString() && n.BitSize == field.BitSize).ToList();
            var near = alike.Where(n => Neighbours(before, field).Intersect(Neighbours(after, n)).Any() || n.Offset == field.Offset).ToList();
            if (near.Count == 0 || (near.Count > 1 && near.Count(n => n.Offset == field.Offset) != 1)) continue;
            var chosen = near.Count == 1 ? near[0] : near.Single(n => n.Offset == field.Offset);
            added.Remove(chosen);
            yield return (field.Name!, chosen.Name!, chosen.Offset == field.Offset ? "same type, same place" : "same type, same neighbour");
        }
    }

    /// <summary>Variables.</summary>
    internal static IEnumerable<(Variable Old, Variable New, string Reason)> Variables(Comparison comparison)
    {
        var added = comparison.Matching.New.Where(v => v is { IsExternal: true, Function: null }).ToList();
        foreach (var gone in comparison.Matching.Gone.Where(v => v is { IsExternal: true, Function: null }))
        {
            var alike = added.Where(n => n.Unit.FileName == gone.Unit.FileName && n.Type.ToString() == gone.Type.ToString()).ToList();
            if (alike.Count > 1)
                alike = alike.Where(n => Neighbours(comparison.Old, gone).Intersect(Neighbours(comparison.New, n)).Any()).ToList();
            if (alike.Count != 1) continue;
            added.Remove(alike[0]);
            yield return (gone, alike[0], $"same type ({gone.Type}), same file");
        }
    }

    /// <summary>Tags: a struct that is gone and a new one with mostly the same fields.</summary>
    internal static IEnumerable<(string Kind, string Old, string New, string Reason)> Tags(DebugFile old, DebugFile now)
    {
        foreach (var kind in new[] { TagKind.Struct, TagKind.Union })
        {
            var (before, after) = (old.Tags(kind).ToHashSet(), now.Tags(kind).ToHashSet());
            var added = after.Except(before).Select(t => now.TaggedType(kind, t)).OfType<RecordType>().ToList();
            foreach (var gone in before.Except(after).Order(StringComparer.Ordinal).Select(t => old.TaggedType(kind, t)).OfType<RecordType>())
            {
                var best = added.Select(n => (Type: n, Common: Common(gone, n)))
                    .Where(n => 2 * n.Common > Math.Max(gone.Members.Count, n.Type.Members.Count)).OrderByDescending(n => n.Common)
                    .FirstOrDefault();
                if (best.Type is null) continue;
                added.Remove(best.Type);
                yield return (kind == TagKind.Struct ? "struct" : "union", gone.Tag!, best.Type.Tag!,
                    $"{best.Common} of {gone.Members.Count} fields have the same name and type");
            }
        }
    }

    private static int Common(RecordType old, RecordType now) =>
        Named(old).Count(m => now.Find(m.Name!) is { } n
            && n.Type.ToString().Replace(now.Tag!, old.Tag, StringComparison.Ordinal) == m.Type.ToString());

    private static IEnumerable<string> Neighbours(DebugFile file, Variable variable)
    {
        var unit = file.Variables.Where(v => v.Unit == variable.Unit && v.Function is null).ToList();
        var at = unit.IndexOf(variable);
        if (at > 0) yield return unit[at - 1].Name;
        if (at < unit.Count - 1) yield return unit[at + 1].Name;
    }

    private static List<Member> Named(RecordType record) => record.NamedMembers.ToList();

    private static IEnumerable<string> Neighbours(List<Member> fields, Member field)
    {
        var at = fields.IndexOf(field);
        yield return at == 0 ? "^" : fields[at - 1].Name!;
        yield return at == fields.Count - 1 ? "$" : fields[at + 1].Name!;
    }
}
