using Mvedsua.Abi.Calls;

namespace Mvedsua.Calls.Tests;

/// <summary>How a call is settled that the leader was making as it died: the table that drives the shim, and docs/failover.md, which tells of it.</summary>
public sealed class SettlementTests
{
    private static readonly Dictionary<string, string[]> Ways = Read();

    [Fact]
    public void Every_call_with_an_effect_outside_has_a_settlement()
    {
        const CallFlags Effects = CallFlags.Consume | CallFlags.Emit | CallFlags.OpensDescriptor | CallFlags.ClosesDescriptor;
        HashSet<string> settled = [.. Ways.Values.SelectMany(calls => calls)];
        string[] missing = [.. CallTable.All
            .Where(row => !row.Flags.HasFlag(CallFlags.NoFollow) && !settled.Contains(row.Name) &&
                (row.Class == CallClass.Both || (row.Class == CallClass.Replayed && (row.Flags & Effects) != 0)))
            .Select(row => row.Name)];
        Assert.Empty(missing);
    }

    [Fact]
    public void A_call_is_settled_in_one_way_and_only_if_a_leader_makes_it()
    {
        string[] all = [.. Ways.Values.SelectMany(calls => calls)];
        Assert.Equal(all.Distinct(), all);
        foreach (string name in all)
            Assert.True(CallTable.ByName(name) is { Class: CallClass.Replayed or CallClass.Both } row && !row.Flags.HasFlag(CallFlags.NoFollow), name);
    }

    [Fact]
    public void The_document_names_each_call_in_the_row_of_its_way()
    {
        Dictionary<string, string> rows = File.ReadLines(Path.Combine(Repository.Root, "docs", "failover.md"))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length == 5 && cells[1].StartsWith('`'))
            .ToDictionary(cells => cells[1].Trim('`'), cells => cells[2]);
        Assert.Equal(Ways.Keys.Order(), rows.Keys.Order());
        foreach ((string way, string[] calls) in Ways) Assert.Equal(string.Join(", ", calls), rows[way]);
    }

    private static Dictionary<string, string[]> Read() =>
        File.ReadLines(Path.Combine(Repository.Root, "native", "shim", "calls", "table", "settle.tbl"))
            .Select(line => line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length > 1)
            .GroupBy(words => words[0])
            .ToDictionary(group => group.Key, group => group.SelectMany(words => words[1..]).ToArray());
}
