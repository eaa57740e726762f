using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Tests.Servers;

/// <summary>What the files of two versions of Redis show of an update, before any server is touched.</summary>
public sealed class RedisFileTests
{
    private const ulong Base = 0x5555_5555_4000;

    [Theory]
    [MemberData(nameof(RedisVersions.Pairs), MemberType = typeof(RedisVersions))]
    public void Every_variable_of_Redis_has_its_place_in_the_other_version(string pair)
    {
        var (old, @new) = RedisVersions.Build(pair);
        using var types = TypedUpdate.Prepare(old, @new, null);
        var file = ElfFile.Read(old);
        var match = Relinker.Prepare(LinkedImage.First(file, Base), file, ElfFile.Read(@new), types.Options).Match;

        Assert.InRange(match.Pairs.Count, 4000, int.MaxValue);
        Assert.Empty(match.Ambiguous);
        Assert.DoesNotContain(match.Added.Concat(match.Removed), s => s.Class is SymbolClass.Data or SymbolClass.ThreadLocal);
        Assert.Equal(pair.StartsWith('8') ? ["shared"] : [], match.SizeChanged.Where(p => p.Old.Class == SymbolClass.Data).Select(p => p.Old.Name));
        Assert.Empty(types.Comparison.Needs);
        Assert.False(types.Comparison.ChangesHeap);
    }
}
