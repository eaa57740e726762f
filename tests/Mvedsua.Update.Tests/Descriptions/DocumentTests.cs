using System.Text.RegularExpressions;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Update.Tests.Descriptions;

/// <summary>What docs/update-descriptions.md shows is what the parser reads.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void The_examples_of_the_documentation_are_descriptions()
    {
        var blocks = Block().Matches(File.ReadAllText(PathOfDocument())).Select(m => m.Groups[1].Value).ToList();
        Assert.True(blocks.Count >= 2);
        foreach (var block in blocks)
        {
            var (statements, errors) = DescriptionParser.Parse(block);
            Assert.Empty(errors);
            Assert.NotEmpty(statements);
        }
    }

    [Fact]
    public void The_tutorials_description_fits_the_tutorials_versions()
    {
        const string common = "int serve(struct entry **t, unsigned n) { return 0; }";
        var description = Block().Match(File.ReadAllText(PathOfDocument())).Groups[1].Value;
        using var versions = new TwoVersions("struct entry { struct entry *next; char *key; char *val; int hits; }; struct entry **table; unsigned size;" + common,
            "enum kind { TEXT, NUMBER }; struct entry { struct entry *next; char *key; char *value; long hits; enum kind kind; long expires; }; struct entry **table; unsigned size, limit;" + common,
            description);
        Assert.Equal("serve", versions.Description.Resume!.Function.Name);
        Assert.DoesNotContain(versions.Comparison.Graph.Pairs, p => p.NeedsWord);
    }

    private static string PathOfDocument()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Mvedsua.sln"))) return Path.Combine(folder, "docs", "update-descriptions.md");
        throw new FileNotFoundException("docs/update-descriptions.md");
    }

    [GeneratedRegex("```update\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
