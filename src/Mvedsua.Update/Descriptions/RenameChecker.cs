using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Descriptions;

/// <summary>Checks renames first, since all other statements rest on them: both names must exist, nothing may be renamed twice or in a
/// circle.</summary>
internal sealed class RenameChecker(DebugFile old, DebugFile @new, PlaceResolver before, PlaceResolver after, Hints hints, Dictionary<string,
    string> functions, List<DescriptionError> errors)
{
    private readonly Dictionary<(string Kind, string Scope), Dictionary<string, string>> _renames = [];
    private readonly HashSet<(string, string, string)> _targets = [];

    internal void Check(IEnumerable<Statement> statements)
    {
        foreach (var statement in statements)
        {
            switch (statement)
            {
                case RenameType s when Enter("type", "", s.Old.ToString(), s.New.ToString(), s.New.At) && before.Type(s.Old) is { } from
                    && after.Type(s.New) is { } to:
                    if (from.Bare is RecordType a && to.Bare is RecordType b && a.IsUnion == b.IsUnion) hints.Types[from.Bare] = to.Bare;
                    else errors.Add(new DescriptionError(s.Old.At, $"{from} can't become {to}",
                        "a struct can become a struct, a union a union"));
                    break;
                case RenameSymbol { IsFunction: true } s when Enter("function", "", s.Old.Text, s.New.Text, s.New.At)
                    && before.Function(s.Old) is not null && after.Function(s.New) is not null:
                    functions[s.Old.Text] = s.New.Text;
                    break;
                case RenameSymbol { IsFunction: false } s when Enter("global", "", s.Old.Text, s.New.Text, s.New.At)
                    && Exists(before, old, s.Old, "old") && Exists(after, @new, s.New, "new"):
                    hints.OldGlobals[s.New.Text] = s.Old.Text;
                    break;
            }
        }

        /* Fields of renamed types are looked up in the type's new name, whatever the order of the lines. */
        foreach (var field in statements.OfType<RenameField>()) CheckField(field);
    }

    private void CheckField(RenameField statement)
    {
        if (before.Place(statement.Old) is not { Record: { } record } place || Counterpart(record, statement.Old.At) is not { } now) return;
        if (!Enter("field", record.ToString(), place.Field, statement.New.Text, statement.New.At)) return;
        if (now.Find(statement.New.Text) is null)
            errors.Add(new DescriptionError(statement.New.At, $"{now} has no field \"{statement.New.Text}\" in the new version",
                Spelling.DidYouMean(statement.New.Text, now.NamedMembers.Select(m => m.Name!))));
        else hints.OldFields[(now, statement.New.Text)] = place.Field;
    }

    /// <summary>What an old struct is called now; null when an error was noted.</summary>
    internal RecordType? Counterpart(RecordType record, Position at)
    {
        var now = hints.Types.TryGetValue(record, out var renamed) ? renamed
            : record.Tag is { } tag ? @new.TaggedType(record.IsUnion ? TagKind.Union : TagKind.Struct, tag)
            : record.TypedefName is { } name ? @new.Typedef(name)?.Bare : null;
        if (now is RecordType found) return found;
        errors.Add(new DescriptionError(at, $"the new version has no {record}", $"say what it is called now: rename {record} to NAME"));
        return null;
    }

    /// <summary>Notes a rename; false when it is an error.</summary>
    private bool Enter(string kind, string scope, string from, string to, Position at)
    {
        if (!_renames.TryGetValue((kind, scope), out var all)) _renames[(kind, scope)] = all = [];
        if (!all.TryAdd(from, to)) return Fail(at, $"{from} is renamed twice: to {all[from]} and to {to}");
        if (!_targets.Add((kind, scope, to))) return Fail(at, $"two {kind}s are renamed to {to}");
        for (var (at2, steps) = (to, 0); all.TryGetValue(at2, out var next) && steps <= all.Count; steps++)
        {
            if (next == from)
                return Fail(at, from == to ? $"{from} is renamed to itself"
                    : $"the renames go in a circle: {from} to {to}, and {to} back to {from}");
            at2 = next;
        }
        return true;
    }

    private bool Exists(PlaceResolver resolver, DebugFile file, Word name, string version) => resolver.Global(name.Text, out _)
        || Fail(name.At, $"the {version} version has no global \"{name.Text}\"",
            Spelling.DidYouMean(name.Text, file.Variables.Select(v => v.Name)));

    private bool Fail(Position at, string cause, string? cure = null)
    {
        errors.Add(new DescriptionError(at, cause, cure));
        return false;
    }
}
