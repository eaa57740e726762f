using System.Runtime.InteropServices;

namespace Mvedsua.Abi.Tests;

/// <summary>Where the coordinator puts compiled rules, and what it tells of them.</summary>
public sealed class RulesTests
{
    private static readonly uint[] Largest = [.. Enumerable.Range(0, (int)(MvAbi.RulesSpan / 4)).Select(i => (uint)i | 1)];

    [Fact]
    public void Each_versions_rules_stand_in_their_own_places_and_touch_nobody_elses()
    {
        using var memory = SessionMemory.Create("rules-test");
        memory.Control.Initialize(1 << 20, 0, TimeSpan.Zero, 0, 0);
        for (var version = 0; version < MvAbi.Versions; version++)
        {
            memory.Control.WriteRules(version, [.. Largest.Select(word => word ^ (uint)version << 24)], [1, 2, (uint)version]);
            for (var before = 0; before <= version; before++)
            {
                Assert.Equal(Largest.Select(word => word ^ (uint)before << 24), At(memory, MvAbi.RulesOffset(before, reverse: false), Largest.Length));
                Assert.Equal([1, 2, (uint)before, 0], At(memory, MvAbi.RulesOffset(before, reverse: true), 4));
            }
        }

        memory.Control.Check();
        Assert.Equal(0u, At(memory, MvAbi.LogOffset(0, 0), 1)[0]);
    }

    [Fact]
    public void A_member_tells_the_size_of_its_rules_and_none_where_there_are_none()
    {
        using var memory = SessionMemory.Create("rules-test");
        memory.Control.WriteRules(2, [1, 2, 3], [4]);
        var member = memory.Control.Member(2);
        Assert.Equal((3u, 1u, true), (member.ForwardRules, member.ReverseRules, member.HasRules));
        Assert.Null(member.UpdatedFrom);
        Assert.False(memory.Control.Member(1).HasRules);
        memory.Control.WriteRules(2, [], []);
        Assert.False(memory.Control.Member(2).HasRules);
    }

    [Fact]
    public void What_has_no_room_is_refused_and_nothing_is_told()
    {
        using var memory = SessionMemory.Create("rules-test");
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Control.WriteRules(0, [.. Largest, 1], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Control.WriteRules(0, [1], [.. Largest, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Control.WriteRules((int)MvAbi.Versions, [1], []));
        Assert.False(memory.Control.Member(0).HasRules);
    }

    [Fact]
    public void Memory_for_rules_is_held_only_where_there_are_some()
    {
        using var memory = SessionMemory.Create("rules-test");
        var before = memory.HeldBytes;
        memory.Control.WriteRules(3, [1], [1]);
        Assert.InRange(memory.HeldBytes - before, 1ul, 4 * MvAbi.Page);
    }

    private static uint[] At(SessionMemory memory, ulong offset, int words)
    {
        using var file = File.OpenHandle($"/proc/self/fd/{memory.Descriptor}");
        var read = new uint[words];
        Assert.Equal(4 * words, RandomAccess.Read(file, MemoryMarshal.AsBytes(read.AsSpan()), (long)offset));
        return read;
    }
}
