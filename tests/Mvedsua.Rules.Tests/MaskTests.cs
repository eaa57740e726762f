using System.Text;
using System.Text.RegularExpressions;
using Mvedsua.Rules.Cases;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Tests;

/// <summary>Some lines may differ in any follower's answers, whatever its rules say (native/shim/roles/masks.tbl). A case knows nothing of that.</summary>
public sealed partial class MaskTests
{
    private static readonly string[] s_masks = [.. Mask().Matches(File.ReadAllText(Path.Combine(SampleTests.Root(), "native", "shim", "roles", "masks.tbl"))).Select(match => match.Groups[1].Value + ":")];

    public static TheoryData<string> CaseFiles => SampleTests.CaseFiles;

    [Theory]
    [MemberData(nameof(CaseFiles))]
    public void What_diverges_in_a_case_diverges_in_a_server_too(string file)
    {
        Assert.Contains("used_memory:", s_masks);
        foreach (var one in CaseParser.Parse(File.ReadAllText(Path.Combine(SampleTests.Root(), "rules", file))).Cases)
            if (one.Follower[^1].End == ExpectedEnd.Diverges && one.Leader.Count > 0)
                Assert.False(IsMasked(Lines(one.Leader[^1]), Lines(one.Follower[^1].Call)), $"{file}: {one.Name}: all that differs may differ, by masks.tbl");
    }

    [Fact]
    public void Lines_that_any_follower_may_have_otherwise_are_no_difference()
    {
        Assert.True(IsMasked(["$15\r", "used_memory:980\r", ""], ["$16\r", "used_memory:9801\r", ""]));
        Assert.False(IsMasked(["$15\r", "used_memory:980\r", ":1\r"], ["$15\r", "used_memory:981\r", ":2\r"]));
        Assert.False(IsMasked(["used_memory:980\r"], ["used_memory_rss:980\r"]));
        Assert.False(IsMasked(["used_memory:980\r"], ["used_memory:980\r"]));
    }

    private static string[] Lines(CallRecord call) => Encoding.Latin1.GetString([.. call.Sent.SelectMany(bytes => bytes ?? [])]).Split('\n');

    /// <summary>As mv_mask_equal has it, but for blocks of lines.</summary>
    private static bool IsMasked(string[] told, string[] own)
    {
        if (told.Length != own.Length) return false;
        (string Told, string Own)[] different = [.. told.Zip(own).Where(pair => pair.First != pair.Second && !(Length().IsMatch(pair.First) && Length().IsMatch(pair.Second)))];
        return different.Length > 0 && different.All(pair => Array.Exists(s_masks, mask => pair.Told.StartsWith(mask, StringComparison.Ordinal) && pair.Own.StartsWith(mask, StringComparison.Ordinal)));
    }

    [GeneratedRegex("""MV_MASK\("([^"]+)"\)""")]
    private static partial Regex Mask();

    [GeneratedRegex("^[$=][0-9]+\r?$")]
    private static partial Regex Length();
}
