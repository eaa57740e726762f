using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Drafts;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Tests.Drafts;

/// <summary>A draft names what was probably renamed and what must be said; a dry run tells what would be done.</summary>
public sealed class DraftTests
{
    private const string Old = """
        struct entry { struct entry *next; char *key; char *val; int hits; };
        struct thing { int a, b, c; };
        struct cell { void *data; union { long n; struct entry *e; } u; struct cell *next; };
        struct entry **table; int limit; double gone_value; struct thing *things; struct cell *cells; struct { int a; } same;
        """;

    private const string New = """
        enum kind { TEXT, NUMBER };
        struct entry { struct entry *next; char *key; char *value; int hits; enum kind kind; struct { float x; } *where; };
        struct object { int a, b, c, d; };
        struct cell { void *data; union { long n; struct entry *e; } u; struct cell *next; };
        struct entry **table; int maximum; struct object *things; struct cell *cells; struct { int a; } same; int fresh;
        """;

    [Fact]
    public void A_draft_names_probable_renames_new_fields_and_what_types_do_not_say()
    {
        using var versions = new TwoVersions(Old, New);
        var lines = Draft.Of(versions.Old, versions.New).Split('\n').Select(l => l.TrimEnd()).ToList();
        Assert.Contains(lines, l => l.StartsWith("rename struct entry.val to value ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("rename struct thing to object ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("rename global limit to maximum ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("# init struct entry.kind = 0 ", StringComparison.Ordinal));
        Assert.Contains("# type struct cell.data is TYPE *", lines);
        Assert.Contains("# valid struct cell.u is e when CONDITION", lines);
        Assert.Contains("# gone_value", lines);
    }

    [Theory]
    [InlineData(Old, New)]
    [InlineData(New, Old)]
    [InlineData("struct a { int x; double d; } *g; int i;", "struct b { int y; int d; } *g; long i;")]
    [InlineData("typedef struct { int x, y; } p; p *g;", "typedef struct { int x, z; } p; p *g;")]
    [InlineData("int a;", "int a;")]
    public void Every_draft_is_a_description_that_is_accepted(string old, string @new)
    {
        using var versions = new TwoVersions(old, @new);
        Description.Read(Draft.Of(versions.Old, versions.New), "draft", versions.Old, versions.New);
    }

    [Fact]
    public void A_dry_run_tells_what_is_converted_how_and_what_must_be_said()
    {
        using var versions = new TwoVersions("struct entry { char *k; int v; } *table; double rate; int old_one;", "struct entry { char *k; long v; int expires; } *table; int rate; int new_one;");
        var run = DryRun.Of(versions.Comparison);
        Assert.False(run.IsPossible);
        Assert.True(run.WalksHeap);
        var writer = new StringWriter();
        DryRunText.Write(writer, run);
        var text = writer.ToString();
        Assert.Contains("struct entry  (16 bytes, now 24; reached by table → struct entry)", text, StringComparison.Ordinal);
        Assert.Contains("  + field \"expires\" is new (offset 16); begins as zero", text, StringComparison.Ordinal);
        Assert.Contains("  ~ v: was int, is long int", text, StringComparison.Ordinal);
        Assert.Contains("double: was double, is int", text, StringComparison.Ordinal);
        Assert.Contains("new: new_one", text, StringComparison.Ordinal);
        Assert.Contains("gone: old_one", text, StringComparison.Ordinal);
    }
}
