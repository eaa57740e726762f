using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Types;

/// <summary>Compares unions. Which member is valid isn't known unless the description says so; without it only unions whose members are
/// all as they were can be carried.</summary>
internal sealed class UnionComparer(PairGraph graph, Comparer comparer)
{
    internal void Compare(RecordType old, RecordType now, Comparer.Part part)
    {
        var (path, into) = (part.Path, part.Into);
        if (part.Site.OldOwner is not null && graph.Hints.Valid.TryGetValue(part.Site.Old, out var cases))
        {
            var chosen = new List<MemberCase>();
            foreach (var (name, condition) in cases)
            {
                if (old.Find(name) is not { } before) continue;
                var found = CompareMember(old, now, before, part);
                into.Targets.AddRange(found.Targets);
                into.Differences.AddRange(found.Differences);
                into.HasOpaque |= found.HasOpaque;
                chosen.Add(new MemberCase(name, condition, found.Conversions));
            }

            into.Conversions.Add(new ChooseMember(part.From, part.To, path, chosen, part.Site.Record));
            if (old.Size != now.Size) into.Differ(DifferenceKind.Converted, path, $"takes {now.Size} bytes, took {old.Size}");
            return;
        }

        var all = old.Members.Select(m => (Member: m, Found: CompareMember(old, now, m, part))).ToList();
        foreach (var (member, found) in all)
        {
            if (found.Differences.Find(d => d.Kind != DifferenceKind.Notice) is not { } difference) continue;
            into.Differ(DifferenceKind.NeedsWord, path, $"a union, and its member \"{member.Name}\" has changed ({difference.Text})",
                $"valid {path} is {member.Name} when CONDITION");
        }

        into.Conversions.Add(new CopyBytes(part.From, part.To, path, Math.Min(old.Size, now.Size)));
        if (old.Size != now.Size) into.Differ(DifferenceKind.Converted, path, $"takes {now.Size} bytes, took {old.Size}");
        foreach (var (_, found) in all)
        {
            AddOpaque(found.Conversions, 0, 0, into);
            /* What a member points to is compared, so that a change there is seen; it isn't walked through the union. */
            into.Targets.AddRange(found.Targets);
        }
    }

    private Comparer.Findings CompareMember(RecordType old, RecordType now, Member before, Comparer.Part part)
    {
        var found = new Comparer.Findings();
        var name = before.Name is null ? null : graph.Hints.OldFields
            .FirstOrDefault(h => h.Key.Owner == (object)now && h.Value == before.Name).Key.Field ?? before.Name;
        var after = name is null ? now.Members.FirstOrDefault(m => m.Name is null) : now.Find(name);
        if (after is null) found.Differ(DifferenceKind.Converted, part.Path, $"member \"{before.Name}\" is gone");
        else
        {
            comparer.Compare(new Comparer.Part(before.Type, after.Type, part.From + before.Offset, part.To + after.Offset,
                $"{part.Path}.{before.Name ?? "{…}"}",
                new Site(old, now, before.Name ?? "", after.Name ?? "", part.From), found, before.BitShift, before.BitSize, after.BitShift,
                    after.BitSize));
        }
        return found;
    }

    private static void AddOpaque(IReadOnlyList<Conversion> conversions, ulong from, ulong to, Comparer.Findings into)
    {
        foreach (var conversion in conversions)
        {
            switch (conversion)
            {
                case FollowPointer p:
                    into.Conversions.Add(new OpaquePointer(from + p.From, to + p.To, p.Path, p.Target));
                    into.HasOpaque = true;
                    break;
                case OpaquePointer p:
                    into.Conversions.Add(p with { From = from + p.From, To = to + p.To });
                    into.HasOpaque = true;
                    break;
                case ConvertPart p:
                    AddOpaque(p.Pair.Conversions, from + p.From, to + p.To, into);
                    break;
                case ConvertElements p when p.Pair.Targets.Count > 0 || p.Pair.LeadsToOpaque:
                    for (ulong i = 0; i < p.Count; i++)
                        AddOpaque(p.Pair.Conversions, from + p.From + i * p.Pair.Old.Size, to + p.To + i * p.Pair.New.Size, into);
                    break;
            }
        }
    }
}
