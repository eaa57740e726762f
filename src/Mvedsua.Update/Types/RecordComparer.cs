using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Update.Types;

/// <summary>Compares structs: their fields by name, whatever their order.</summary>
internal sealed class RecordComparer(PairGraph graph, Comparer comparer)
{
    internal void Compare(RecordType old, RecordType now, string path, Site site, Comparer.Findings into)
    {
        if (old.IsUnion != now.IsUnion || !Correspond(old, now))
        {
            into.Differ(DifferenceKind.NeedsWord, path, $"was {old}, is {now}", $"rename {old} to {now}");
            return;
        }

        if (old.IsUnion)
        {
            comparer.Compare(new Comparer.Part(old, now, 0, 0, path, site, into));
            return;
        }

        var hasConverter = graph.Hints.Converters.TryGetValue(now, out var function);
        var before = Fields(old);
        var taken = new HashSet<Member>();
        foreach (var field in Fields(now))
        {
            var (label, name) = ($"{path}.{field.Name ?? "{…}"}", field.Name ?? "");
            var oldName = graph.Hints.OldFields.GetValueOrDefault((now, name), name);
            var source = field.Name is null ? before.Find(m => m.Name is null && IsSameUnion(m.Type, field.Type))
                : before.Find(m => m.Name == oldName);
            if (source is not null) taken.Add(source);
            if (field.Name is not null && graph.Hints.Values.TryGetValue((now, name), out var value)
                && NumberForm.Of(field.Type, field.BitShift, field.BitSize) is { } form)
            {
                into.Conversions.Add(new SetValue(0, field.Offset, label, form, value));
                into.Differ(DifferenceKind.Described, path,
                    $"field \"{name}\" is {(source is null ? "new" : "computed")}, set by the description");
            }
            else if (source is null) AddNew(field, path, hasConverter, into);
            else CompareField(old, now, source, field, path, label, hasConverter, into);
        }

        foreach (var field in before.Where(f => !taken.Contains(f)))
            into.Differ(DifferenceKind.GoneField, path, $"field \"{field.Name ?? "{…}"}\" is gone; what it held is dropped");
        if (old.Size != now.Size && !into.Differences.Exists(d => d.Kind != DifferenceKind.Notice))
            into.Differ(DifferenceKind.Converted, path, $"takes {now.Size} bytes, took {old.Size}");
        if (!hasConverter) return;
        into.Conversions.Add(new CallFunction(0, 0, path, function!));
        into.Differ(DifferenceKind.Described, path, $"is finished by {function}()");
    }

    private void CompareField(RecordType old, RecordType now, Member source, Member field, string path, string label, bool hasConverter,
        Comparer.Findings into)
    {
        var found = new Comparer.Findings();
        var site = new Site(old, now, source.Name ?? "", field.Name ?? "", 0);
        if (source.Name != field.Name && field.Name is not null)
            into.Differ(DifferenceKind.Described, path, $"field \"{field.Name}\" was \"{source.Name}\"");
        comparer.Compare(new Comparer.Part(source.Type, field.Type, source.Offset, field.Offset, label, site, found, source.BitShift,
            source.BitSize, field.BitShift, field.BitSize));
        if ((source.Offset, source.BitShift) != (field.Offset, field.BitShift))
            into.Differ(DifferenceKind.Converted, path,
                $"field \"{field.Name ?? "{…}"}\" stands at offset {Place(field)}, stood at {Place(source)}");
        into.Conversions.AddRange(found.Conversions);
        into.Targets.AddRange(found.Targets);
        into.HasOpaque |= found.HasOpaque;
        /* What can't be converted without a word is the function's work, when there is one. */
        foreach (var difference in found.Differences)
            into.Differences.Add(hasConverter && difference.Kind == DifferenceKind.NeedsWord
                ? difference with { Kind = DifferenceKind.Described, Cure = null } : difference);
    }

    private static void AddNew(Member field, string path, bool hasConverter, Comparer.Findings into) =>
        into.Differ(hasConverter ? DifferenceKind.Described : DifferenceKind.NewField, path,
            $"field \"{field.Name ?? "{…}"}\" is new (offset {Place(field)})",
            hasConverter || field.Name is null ? null : $"init {path}.{field.Name} = EXPRESSION");

    private static string Place(Member field) => field.IsBitField ? $"{field.Offset}, bit {field.BitShift}" : $"{field.Offset}";

    private bool Correspond(RecordType old, RecordType now) =>
        graph.Hints.Types.TryGetValue(old, out var renamed) ? renamed == now
        : old.Tag == now.Tag && (old.Tag is not null || old.TypedefName == now.TypedefName || old.TypedefName is null
            || now.TypedefName is null);

    /// <summary>The fields as C names them: those of anonymous structs stand beside the others, an anonymous union is one field.</summary>
    private static List<Member> Fields(RecordType record) => record.Members.SelectMany(m =>
        m is { Name: null, Type.Bare: RecordType { IsUnion: false } inner } ? Fields(inner).Select(i => i.Moved(m.Offset)) : [m])
            .Where(m => m.Name is not null || m.Type.Bare is RecordType).ToList();

    private static bool IsSameUnion(CType old, CType now) => old.Bare is RecordType { IsUnion: true } o
        && now.Bare is RecordType { IsUnion: true } n
        && o.NamedMembers.Select(m => m.Name).Intersect(n.NamedMembers.Select(m => m.Name)).Any();
}
