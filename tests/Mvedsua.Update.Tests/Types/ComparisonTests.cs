using Mvedsua.Update.Types;

namespace Mvedsua.Update.Tests.Types;

/// <summary>What is said to differ is what does, and nothing else.</summary>
public sealed class ComparisonTests
{
    [Theory]
    [InlineData("struct s { int a; char *b; } g;", "typedef int number; struct s { const number a; char *restrict b; } g;")]
    [InlineData("struct s { struct s *next, *prev; struct t *t; }; struct t { struct s *s; } g;", "struct t; struct s { struct s *next, *prev; struct t *t; }; struct t { struct s *s; } g;")]
    [InlineData("enum e { A, B }; struct s { enum e e; } g;", "enum e { A, B, C }; struct s { enum e e; } g;")]
    [InlineData("struct s { union { long a; double b; } u; struct { int x; }; } g;", "struct s { union { long a; double b; } u; struct { int x; }; } g;")]
    [InlineData("typedef struct { int a; } t; t g[4];", "typedef struct { int a; } t; t g[4];")]
    [InlineData("struct s { unsigned a : 3, b : 5; char tail[]; }; struct s *g;", "struct s { unsigned a : 3, b : 5; char tail[]; }; struct s *g;")]
    [InlineData("long double g; _Complex double h; int (*f)(int);", "long double g; _Complex double h; int (*f)(int);")]
    public void Versions_with_the_same_layout_do_not_differ(string old, string @new)
    {
        using var versions = new TwoVersions(old, @new);
        Assert.Empty(versions.Differences);
        Assert.DoesNotContain(versions.Comparison.Graph.Pairs, p => p.IsChanged || p.LeadsToChange);
        Assert.Empty(versions.Comparison.ChangedTypes);
    }

    [Theory]
    [InlineData("struct entry { long k, v, h; } g;", "struct entry { long k, v, h; int expires; } g;", "struct entry: field \"expires\" is new (offset 24)")]
    [InlineData("struct s { int a, b; } g;", "struct s { int b, a; } g;", "struct s: field \"a\" stands at offset 4, stood at 0")]
    [InlineData("struct s { int a, b; } g;", "struct s { int a; } g;", "struct s: field \"b\" is gone; what it held is dropped")]
    [InlineData("struct s { int a; } g;", "struct s { long a; } g;", "struct s.a: was int, is long int")]
    [InlineData("struct s { long a; } g;", "struct s { int a; } g;", "struct s.a: was long int, is int; a value that doesn't fit is refused")]
    [InlineData("struct s { unsigned a : 3; } g;", "struct s { unsigned a : 5; } g;", "struct s.a: was unsigned int : 3, is unsigned int : 5")]
    [InlineData("struct s { char t[8]; } g;", "struct s { char t[16]; } g;", "struct s.t: has 16 elements, had 8; the new ones are zero")]
    [InlineData("struct s { char t[8]; } g;", "struct s { char t[4]; } g;", "struct s.t: has 4 elements, had 8; a text that doesn't fit is refused")]
    [InlineData("enum e { A, B }; enum e g;", "enum e { Z, A, B }; enum e g;", "enum e: the names of enum e have other values: A was 0, is 1")]
    [InlineData("struct p { int x; }; struct s { struct p p[2]; } g;", "struct p { int x, y; }; struct s { struct p p[2]; } g;", "struct s.p: holds struct p, which has changed")]
    [InlineData("int g;", "long g;", "int: was int, is long int")]
    [InlineData("int *g;", "long *g;", "int: was int, is long int")]
    [InlineData("struct s { double a; } g;", "struct s { int a; } g;", "struct s.a: was double, is int")]
    [InlineData("struct a { int x; } *g;", "struct b { int x; } *g;", "struct a: was struct a, is struct b")]
    [InlineData("struct s { int *p; } g;", "struct s { int p; } g;", "struct s.p: was int *, is int")]
    [InlineData("struct s { union { int a; } u; } g;", "struct s { union { long a; } u; } g;", "struct s.u: a union, and its member \"a\" has changed (was int, is long int)")]
    [InlineData("struct s { void (*f)(int); } g;", "struct s { void (*f)(long); } g;", "struct s.f: was void (*)(int), is void (*)(long int): functions that it may point to already take what they took before")]
    public void A_difference_is_told_in_words_that_name_its_place(string old, string @new, string expected)
    {
        using var versions = new TwoVersions(old, @new);
        Assert.Contains(expected, versions.Differences);
    }

    [Theory]
    [InlineData("double", "int", true)]
    [InlineData("int", "double", false)]
    [InlineData("int *", "int", true)]
    [InlineData("unsigned char", "short", false)]
    [InlineData("int", "struct { int a; }", true)]
    public void Only_what_cannot_be_converted_needs_a_word(string old, string @new, bool needsWord)
    {
        using var versions = new TwoVersions($"struct s {{ {old} a; }} g;", $"struct s {{ {@new} a; }} g;");
        Assert.Equal(needsWord, versions.RootOf("g").NeedsWord);
    }

    [Fact]
    public void What_leads_to_a_changed_type_is_found_through_cycles_and_nothing_else_is()
    {
        const string rest = """
            struct ring { struct ring *next, *prev; struct holder *holder; };
            struct holder { struct entry **entries; };
            struct apart { struct apart *next; char *text; };
            struct ring ring; struct apart apart; struct apart *list[4]; void *unknown;
            """;
        using var versions = new TwoVersions("struct entry { int a; };" + rest, "struct entry { long a; };" + rest);
        Assert.True(versions.RootOf("ring").LeadsToChange);
        Assert.False(versions.RootOf("ring").IsChanged);
        Assert.False(versions.RootOf("apart").LeadsToChange);
        Assert.False(versions.RootOf("list").LeadsToChange);
        Assert.True(versions.RootOf("unknown").LeadsToOpaque);
        Assert.False(versions.RootOf("ring").LeadsToOpaque);
        Assert.True(versions.Comparison.ChangesHeap);
        var changed = Assert.Single(versions.Comparison.ChangedTypes);
        Assert.Equal("ring → struct holder → struct entry * → struct entry", versions.Comparison.PathTo(changed));
    }

    [Fact]
    public void Variables_are_matched_by_name_unit_and_function()
    {
        using var versions = new TwoVersions(
            "int kept; static long hidden = 1; int old_name; int dropped; int f(void) { static int n; return n++ + hidden++; }",
            "int kept; static long hidden = 1; int new_name; int added; int f(void) { static int n; return n++ + hidden++; }",
            "rename global old_name to new_name");
        Assert.Equal(["hidden", "kept", "n", "old_name"], versions.Comparison.Roots.Select(r => r.Old.Name).Order());
        Assert.Equal("new_name", versions.Comparison.Roots.Single(r => r.Old.Name == "old_name").New.Name);
        Assert.Equal("dropped", Assert.Single(versions.Comparison.Matching.Gone).Name);
        Assert.Equal("added", Assert.Single(versions.Comparison.Matching.New).Name);
    }
}
