using Mvedsua.Replication.Instructions;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class InstructionTests
{
    private const string Gcc = "GCC: (Debian 12.2.0-14+deb12u1) 12.2.0", Accept = "if that is meant to be: make bench-check ACCEPT=1, and commit bench/instructions.tsv";
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);
    private static string Accepted => Path.Combine(Paths.Root, "bench", "instructions.tsv");

    [Fact]
    public void The_table_is_read_as_it_was_written()
    {
        InstructionEntry[] entries = [new("solo: getppid", 21, Gcc), new("leader: mutex, lock and unlock, two threads", 306, Gcc)];
        Assert.Equal(entries, InstructionTable.Parse(InstructionTable.Format(entries)));
    }

    [Theory]
    [InlineData("", "at its head")]
    [InlineData("# only this\n", "at its head")]
    [InlineData("path\tinstructions\tcompiler\nsolo: getppid 21 gcc\n", "line 2 ")]
    [InlineData("# of\npath\tinstructions\tcompiler\na\t1\tgcc\nsolo: getppid\tmany\tgcc\n", "line 4 ")]
    public void A_table_that_is_none_is_refused_at_its_line(string text, string told) =>
        Assert.Contains(told, Assert.Throws<BenchException>(() => InstructionTable.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_hot_path_has_an_entry_and_a_name_of_its_own()
    {
        string[] names = [.. HotPath.All.Select(p => p.Name)];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(names.Order(), InstructionTable.Parse(File.ReadAllText(Accepted)).Select(e => e.Path).Order());
    }

    [Fact]
    public void Three_percent_more_are_let_pass_and_one_instruction_beyond_is_not()
    {
        Assert.False(Judge(1000, 1030).Failed);
        Assert.Empty(Judge(1000, 1030).Notes);
        var verdict = Judge(1000, 1031);
        Assert.True(verdict.Failed);
        Assert.Equal(["leader: read   1000 ->   1031  TAKES MORE"], verdict.Paths);
        Assert.Equal(["1 of 1 paths take more than 3 % beyond what was accepted", Accept], verdict.Notes);
        Assert.True(Judge(21, 22).Failed);
    }

    [Fact]
    public void Less_is_told_and_is_no_failure()
    {
        var verdict = Judge(1000, 999);
        Assert.False(verdict.Failed);
        Assert.Equal(["leader: read   1000 ->    999  less"], verdict.Paths);
        Assert.Equal(["1 of 1 paths take less than what was accepted", Accept], verdict.Notes);
    }

    [Fact]
    public void A_path_in_one_of_the_two_only_fails()
    {
        var counts = new Dictionary<string, Sample> { ["new"] = new(5, 5, 6, 3) };
        var verdict = InstructionVerdict.Of([new InstructionEntry("old", 5, Gcc)], counts, Gcc);
        Assert.True(verdict.Failed);
        Assert.Equal(["new      - ->      5 [5–6]"], verdict.Paths);
        Assert.Equal(["new has no entry", "old is not counted any more", Accept], verdict.Notes);
    }

    [Fact]
    public void Another_compiler_is_told_and_compared_all_the_same()
    {
        const string told = "the shim was compiled by GCC: 14.1, the accepted counts are of " + Gcc + ": a difference may be the compiler's";
        Assert.Equal([told], Judge(1000, 1000, "GCC: 14.1").Notes);
        Assert.True(Judge(1000, 2000, "GCC: 14.1").Failed);
    }

    [Fact]
    public void The_library_tells_its_compiler()
    {
        Assert.Equal(Gcc, InstructionCheck.ParseCompiler($"\nString dump of section '.comment':\n  [     0]  {Gcc}\n\n"));
        Assert.Throws<BenchException>(() => InstructionCheck.ParseCompiler("readelf: Warning: Section '.comment' was not dumped because it does not exist\n"));
    }

    [Fact]
    public void Counts_are_numbers_with_blanks_between_them()
    {
        Assert.Equal([539, 539, 541], StepCounter.Parse("539 539 541"));
        Assert.Throws<BenchException>(() => StepCounter.Parse(""));
        Assert.Throws<BenchException>(() => StepCounter.Parse("count-instructions: the thread ended"));
    }

    [Fact]
    public void A_command_line_that_is_none_and_a_folder_without_products_have_their_own_status()
    {
        var errors = new StringWriter();
        Assert.Equal(2, InstructionCheck.Run(["--all"], TextWriter.Null, errors));
        Assert.Equal(3, InstructionCheck.Run(["/nowhere"], TextWriter.Null, errors));
        Assert.Contains("could not be counted: /nowhere/libmvedsua.so is missing", errors.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The check itself, on the shim as it is: one entry is lowered, so it fails by that one, and by no other.</summary>
    [Fact]
    public void A_path_that_takes_more_than_its_entry_ends_the_check_with_status_1_and_its_name()
    {
        const string path = "leader: read of 64 bytes";
        var entries = InstructionTable.Parse(File.ReadAllText(Accepted));
        var was = entries.Single(e => e.Path == path).Instructions;
        var table = Path.GetTempFileName();
        try
        {
            File.WriteAllText(table, InstructionTable.Format(entries.Select(e => e.Path == path ? e with { Instructions = was / 2 } : e)));
            var (status, output, errors) = Programs.RunToEnd(Path.Combine(AppContext.BaseDirectory, "Mvedsua.InstructionCheck"), ["--table", table, Built.Paths.Out], _patience);
            Assert.SkipWhen(errors.Contains("can't be traced", StringComparison.Ordinal), errors);
            Assert.Equal("", errors);
            Assert.True(status == 1, output);
            Assert.Matches($@"(?m)^{path} +{was / 2} -> +\d+.*  TAKES MORE$", output);
            Assert.Contains(Accept, output, StringComparison.Ordinal);
            Assert.SkipWhen(output.Contains("the shim was compiled by ", StringComparison.Ordinal), "the other paths' counts are another compiler's");
            Assert.True(output.Contains($"1 of {entries.Count} paths take more", StringComparison.Ordinal), output);
        }
        finally
        {
            File.Delete(table);
        }
    }

    private static InstructionVerdict Judge(int was, int @is, string compiler = Gcc) =>
        InstructionVerdict.Of([new InstructionEntry("leader: read", was, Gcc)], new Dictionary<string, Sample> { ["leader: read"] = new(@is, @is, @is, 3) }, compiler);
}
