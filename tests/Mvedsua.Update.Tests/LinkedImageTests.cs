using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>Names of a report come from an image's file: from another one they would be wrong.</summary>
public sealed class LinkedImageTests : IDisposable
{
    private const string Without = "-Wl,--build-id=none", With = "-Wl,--build-id";
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    private string Build(string flag, string body = "return 0;") => _bench.Compile("program", $"int main(void) {{ {body} }}", flag);

    private static ImageRange Linked(string path) => ImageRange.Of(ElfFile.Read(path), 0x10000);

    [Theory]
    [InlineData(Without)]
    [InlineData(With)]
    public void An_untouched_file_is_still_the_one_that_was_linked(string flag) => Assert.True(Linked(Build(flag)).IsStill());

    [Theory]
    [InlineData(Without)]
    [InlineData(With)]
    public void One_that_was_built_anew_or_is_gone_is_not(string flag)
    {
        ImageRange linked = Linked(Build(flag));
        Build(flag, "return 1;");
        Assert.False(linked.IsStill());
        File.Delete(linked.Path);
        Assert.False(linked.IsStill());
        File.WriteAllText(linked.Path, "no program");
        Assert.False(linked.IsStill());
    }

    /// <summary>Nothing tells them apart but when they were written.</summary>
    [Fact]
    public void Another_program_of_the_same_size_without_a_build_id_is_not()
    {
        ImageRange linked = Linked(Build(Without, "return 1;"));
        Build(Without, "return 2;");
        Assert.Equal(linked.Stamp!.Value.Size, FileStamp.Of(linked.Path).Size);
        Assert.Null(linked.BuildId);
        Assert.False(linked.IsStill());
        Assert.False((linked with { Stamp = null }).IsStill());
    }

    [Fact]
    public void A_touched_one_is_known_by_its_build_id_alone()
    {
        ImageRange with = Linked(Build(With));
        File.SetLastWriteTimeUtc(with.Path, DateTime.UnixEpoch);
        Assert.True(with.IsStill());
        ImageRange without = Linked(Build(Without));
        File.SetLastWriteTimeUtc(without.Path, DateTime.UnixEpoch);
        Assert.False(without.IsStill());
    }

    [Fact]
    public void What_is_kept_of_an_image_as_json_still_knows_its_file()
    {
        string path = Build(Without);
        LinkedImage image = LinkedImage.FromJson(LinkedImage.First(ElfFile.Read(path), 0x10000).ToJson());
        Assert.Equal(Linked(path), image.Images[0]);
        Assert.True(image.Images[0].IsStill());
    }
}
