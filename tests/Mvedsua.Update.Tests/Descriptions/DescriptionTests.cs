using CsCheck;
using Mvedsua.Tests;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Tests.Descriptions;

/// <summary>A description means what it says, or is refused with place, cause and cure.</summary>
public sealed class DescriptionTests : IClassFixture<DescriptionTests.Versions>
{
    private readonly Versions _versions;

    public DescriptionTests(Versions versions) => _versions = versions;

    /// <summary>Both versions, compiled once.</summary>
    public sealed class Versions : IDisposable
    {
        private readonly Workbench _workbench = new();

        public Versions()
        {
            Old = DebugFile.Open(_workbench.Compile("old", """
                enum kind { NUMBER, TEXT = 4, SAME };
                struct item { enum kind kind; union { long number; char *text; } value; int ttl; float ratio; };
                struct node { struct node *next; void *data; int count; struct item *items; char tail[]; };
                typedef struct { int a; union { int x; struct node *y; }; } pair_t;
                struct gone { int a; }; struct swap_a { int a; }; struct swap_b { int b; };
                int limit; struct node *head; pair_t pair; void *handle; struct gone gone; struct swap_a sa; struct swap_b sb;
                void worker(void *p) { } int serve(struct node *n, int flags) { return 0; }
                int main(void) { struct item i; return sizeof i; }
                struct item one;
                """, "-g", "-w"));
            New = DebugFile.Open(_workbench.Compile("new", """
                enum kind { NUMBER, STRING = 4, SAME = 9 };
                struct item { enum kind kind; union { long number; char *text; } value; long expires; double ratio; int total; unsigned char small; char *note; };
                struct node { struct node *next; void *data; int count; struct item *items; char tail[]; };
                typedef struct { int a; union { int x; struct node *y; }; } pair_t;
                struct here { int a; }; struct swap_a { int a; }; struct swap_b { int b; };
                int maximum; struct node *head; pair_t pair; void *handle; struct here gone; int table[3]; struct swap_a sa; struct swap_b sb;
                void worker2(void *p) { static int turns; turns++; }
                int serve(struct node *n, int flags) { static int turns; return turns++; }
                int main(void) { return 0; }
                struct item one;
                """, "-g", "-w"));
        }

        internal DebugFile Old { get; }
        internal DebugFile New { get; }

        internal Description Read(string text) => Description.Read(text, Path.Combine(_workbench.Folder, "test.update"), Old, New);

        internal string Write(string name, string text)
        {
            File.WriteAllText(_workbench.PathOf(name), text);
            return _workbench.PathOf(name);
        }

        public void Dispose()
        {
            Old.Dispose();
            New.Dispose();
            _workbench.Dispose();
        }
    }

    [Fact]
    public void Every_statement_is_understood()
    {
        _versions.Write("convert.c", "void finish(const void *from, void *to) { }\n");
        var d = _versions.Read("""
            # everything
            rename struct gone to here
            rename struct item.ttl to expires       # a field
            rename global limit to maximum
            rename function worker to worker2
            init struct item.total = kind == TEXT ? ttl * 2 : -1
            init maximum = limit + 0x10
            convert struct item.expires = (ttl + 60) * 1000
            convert struct node by finish
            converters "convert.c"
            type struct node.data is struct item *
            type handle is struct node **
            valid struct item.value is number when kind == NUMBER
            valid struct item.value is text when kind == old TEXT || kind == new STRING
            valid pair_t.x is y when a != 0
            length struct node.items is count
            length struct node.tail is count * 2 + 1
            keep struct item.value.text
            init worker2.turns = limit
            call worker2(&head)
            call serve(0, 7)
            resume serve(head, -3)
            thread worker restarts at worker2
            update at epoll_wait
            on failure retry 8 every 500 ms
            """);
        Assert.Equal("worker2", d.RenamedFunctions["worker"]);
        Assert.Equal("limit", d.Hints.OldGlobals["maximum"]);
        Assert.Contains(d.Hints.Values.Keys, k => k.Item1 is Variable { Name: "turns", Function: "worker2" });
        Assert.Equal(["worker2", "serve"], d.Calls.Select(c => c.Function.Name));
        Assert.True(d.Calls[0].Arguments[0].IsAddress);
        Assert.Equal("serve", d.Resume!.Function.Name);
        Assert.Equal(-3, d.Resume.Arguments[1].Number);
        Assert.Equal("head", d.Resume.Arguments[0].Variable!.Name);
        Assert.False(d.Resume.Arguments[0].IsAddress);
        Assert.Equal([new ThreadRule("worker", "worker2")], d.Threads);
        Assert.Equal(new UpdatePoint("epoll_wait", false), d.At);
        Assert.Equal(new FailurePolicy(8, TimeSpan.FromMilliseconds(500)), d.OnFailure);
        Assert.Equal(["finish"], d.Converters!.Functions);
        Assert.Contains(d.Converters.Compile().DynamicSymbols, s => s.Name == "finish");
        Assert.Equal(2, d.Hints.Valid.Single(v => v.Key.Field == "value").Value.Count);
        Assert.Equal("y", Assert.Single(d.Hints.Valid.Single(v => v.Key.Field.Length == 0).Value).Member);
        Assert.Equal(2, d.Hints.Targets.Count);
        Assert.Equal(2, d.Hints.Lengths.Count);
    }

    [Theory]
    [InlineData("renam struct a to b", 1, 1, "begins no statement", "did you mean \"rename\"?")]
    [InlineData("init struct item.totl = 1", 1, 18, "struct item has no field \"totl\" in the new version", "did you mean \"total\"?")]
    [InlineData("init struct itme.total = 1", 1, 6, "the new version has no struct itme", "did you mean \"item\"?")]
    [InlineData("\n  init struct item.total = tlt + 1", 2, 28, "struct item has no field \"tlt\" in the old version", "did you mean \"ttl\"?")]
    [InlineData("init struct item.total = MOST_ITEMS", 1, 26, "no global or enumerator is called so", "#define")]
    [InlineData("init struct item.total = SAME", 1, 26, "SAME is 5 in the old version and 9 in the new one", "old SAME")]
    [InlineData("init struct item.total = 1.5", 1, 26, "this is a floating point number", "")]
    [InlineData("init struct item.total = ratio % 2", 1, 26, "% is for integers", "")]
    [InlineData("init struct item.small = 256", 1, 26, "256 doesn't fit struct item.small, which holds 0 to 255", "")]
    [InlineData("init struct item.total = ttl / 0", 1, 32, "division by zero", "")]
    [InlineData("init struct item.note = 1", 1, 6, "only numbers can be given a value", "begins as null")]
    [InlineData("init struct item.total = 1\ninit struct item.total = 2", 2, 1, "said twice", "")]
    [InlineData("rename struct swap_a to swap_b\nrename struct swap_b to swap_a", 2, 25, "the renames go in a circle", "")]
    [InlineData("rename struct gone to here\nrename struct gone to swap_a", 2, 23, "renamed twice", "")]
    [InlineData("rename struct gone to nowhere", 1, 23, "the new version has no struct nowhere", "")]
    [InlineData("rename global limit to maximun", 1, 24, "the new version has no global \"maximun\"", "did you mean \"maximum\"?")]
    [InlineData("rename struct item.ttl to expiry", 1, 27, "struct item has no field \"expiry\" in the new version", "")]
    [InlineData("resume srve(head, 0)", 1, 8, "the new version has no function \"srve\"", "did you mean \"serve\"?")]
    [InlineData("resume serve(head)", 1, 8, "takes 2 arguments, not 1", "")]
    [InlineData("resume serve(&head, 0)", 1, 14, "the parameter is struct node *, and this is struct node **", "")]
    [InlineData("resume serve(hed, 0)", 1, 14, "the new version has no global \"hed\"", "did you mean \"head\"?")]
    [InlineData("init turns = 1", 1, 6, "several files or functions of the new version have a static \"turns\"", "write FUNCTION.turns")]
    [InlineData("init serve.turn = 1", 1, 12, "serve() has no static variable \"turn\" in the new version", "did you mean \"turns\"?")]
    [InlineData("init serve.turns.x = 1", 1, 18, "int has no fields", "")]
    [InlineData("call srve(head, 0)", 1, 6, "the new version has no function \"srve\"", "did you mean \"serve\"?")]
    [InlineData("call serve(head)", 1, 6, "takes 2 arguments, not 1", "")]
    [InlineData("call serve", 1, 11, "stands where '(' is expected", "the form is: call FUNCTION(ARGUMENTS)")]
    [InlineData("type struct node.count is struct item *", 1, 6, "struct node.count is int, no pointer", "")]
    [InlineData("type struct node.data is struct item", 1, 26, "struct item is no pointer", "struct item *")]
    [InlineData("type struct node.data is struct gone *", 1, 26, "the new version has no struct gone", "rename struct gone to NAME")]
    [InlineData("valid struct item.ttl is number when kind == 0", 1, 7, "struct item.ttl is int, no union", "")]
    [InlineData("valid struct item.value is numer when kind == 0", 1, 28, "has no member \"numer\"", "did you mean \"number\"?")]
    [InlineData("length struct node.count is 1", 1, 8, "struct node.count is int", "")]
    [InlineData("convert struct node by finish", 1, 24, "where finish() stands is not said", "converters")]
    [InlineData("converters \"nothing.c\"", 1, 12, "there is no file", "")]
    [InlineData("convert struct node finish", 1, 21, "'finish' stands where '=' is expected", "the form is: convert")]
    [InlineData("init struct item.total = (1", 1, 28, "the end of the line stands where ')' is expected", "")]
    [InlineData("init struct item.total = 08", 1, 26, "'08' is no number", "")]
    [InlineData("keep struct item.total @", 1, 24, "the character '@' means nothing here", "")]
    [InlineData("update at epoll_wait\nupdate at poll", 2, 1, "said twice", "line 1")]
    [InlineData("on failure retry 0 every 5 ms", 1, 18, "between 1 and 1000", "")]
    public void An_error_is_told_with_its_place_its_cause_and_its_cure(string text, int line, int column, string cause, string cure)
    {
        var message = Assert.Throws<UpdateRefusedException>(() => _versions.Read(text)).Message;
        Assert.Contains($"test.update:{line}:{column}: ", message, StringComparison.Ordinal);
        Assert.Contains(cause, message, StringComparison.Ordinal);
        Assert.Contains(cure, message, StringComparison.Ordinal);
        Assert.Contains("^", message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_told_at_once_in_their_order()
    {
        var message = Assert.Throws<UpdateRefusedException>(() => _versions.Read("foo\ninit struct item.x = 1\nresume nobody()\n")).Message;
        Assert.StartsWith("the description has 3 errors:", message, StringComparison.Ordinal);
        Assert.True(message.IndexOf(":1:1:", StringComparison.Ordinal) < message.IndexOf(":2:18:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("void finish(int)", "can't be compiled")]
    [InlineData("__thread int calls; void finish(void) { calls++; }", "can't have thread-local variables")]
    [InlineData("void finsh(void) { }", "has no function finish(), which the description names: did you mean \"finsh\"?")]
    public void Converters_that_do_not_compile_or_lack_a_function_are_refused_with_the_compilers_words(string source, string cause)
    {
        var file = _versions.Write($"bad{source.Length}.c", source + "\n");
        var d = _versions.Read($"convert struct node by finish\nconverters \"{file}\"");
        Assert.Contains(cause, Assert.Throws<UpdateRefusedException>(() => d.Converters!.Compile()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1 + 2 * 3", "7")]
    [InlineData("(1 + 2) * 3 - -4", "13")]
    [InlineData("7 / 2 + 7 % 4", "6")]
    [InlineData("1 << 4 | 3", "19")]
    [InlineData("6 & 4 == 4", "1")]
    [InlineData("!0 && ~0 == -1", "1")]
    [InlineData("0 ? 1 : 0 ? 2 : 3", "3")]
    [InlineData("'a' + '\\n'", "107")]
    [InlineData("ttl * 1000 + kind", "5004")]
    [InlineData("value.number > 3 || 1 / ttl", "0")]
    public void Expressions_have_the_meaning_of_C(string text, string expected)
    {
        var value = _versions.Read($"init struct item.total = {text}").Hints.Values.Single().Value;
        var record = new byte[24];
        record[0] = 4;
        record[16] = 5;
        Assert.Equal(expected, value.Evaluate(record).ToString());
    }

    [Fact]
    public void Damaged_descriptions_are_refused_with_places_that_lie_in_them_or_understood()
    {
        string[] pieces =
        [
            "rename ", "struct ", "item", "node", ".", "ttl", "count", " to ", "global ", "init ", "convert ", " = ", " by ", "type ", " is ", " * ", "valid ", " when ", "length ", "keep ",
            "resume ", "call ", "serve", "(", ")", ",", "&", "head", "thread ", "worker ", "ends", "update at ", "on failure ", "retry 3 every 5 ms", "\n", "\n\n", "#x\n", "\"a\"", "'x'", "1", "0x1f", "1.5", "99999999999999999999999999999999999999999",
            "==", "?", ":", "!", "-", "pair_t", "value", "y", "é", "\0", "\t", "TEXT", "old ", "new ", "handle", "limit",
        ];
        var understood = 0;
        Gen.OneOf(Fuzzing.OneOf(pieces).List[0, 40].Select(p => string.Concat(p)), Gen.String, Gen.Int[1, 3000].Select(n => "init limit = " + new string('(', n)), Gen.Int[1, 3000].Select(n => "init limit = " + new string('-', n) + "1"), Gen.Int[1, 3000].Select(n => "init limit = 1" + string.Concat(Enumerable.Repeat("+1", n)))).SampleUntil(text =>
        {
            var (statements, found) = DescriptionParser.Parse(text);
            var errors = found.ToList();
            DescriptionChecker.Check(statements, "/nowhere/x", _versions.Old, _versions.New, errors);
            if (errors.Count == 0) understood++;
            var lines = text.Split('\n');
            foreach (var error in errors)
            {
                Assert.InRange(error.At.Line, 1, lines.Length);
                Assert.InRange(error.At.Column, 1, lines[error.At.Line - 1].Length + 1);
                Assert.NotEmpty(error.Show("x", text));
            }
        }, () => understood > 0, Fuzzing.Seconds);
        Assert.True(understood > 0);
    }
}
