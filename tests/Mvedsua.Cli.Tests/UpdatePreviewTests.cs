using System.Diagnostics;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Tests;

/// <summary>What two files tell of an update, without a server.</summary>
public sealed class UpdatePreviewTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Fact]
    public void A_dry_run_tells_what_changes_and_its_status_whether_more_must_be_said()
    {
        var old = Compile("old", "struct entry { int v; } *table; int main(void) { return 0; }");
        var grown = Compile("grown", "struct entry { int v; long expires; } *table; int main(void) { return 0; }");
        var turned = Compile("turned", "struct entry { void *v; } *table; int main(void) { return 0; }");

        var possible = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", grown);
        Assert.Equal(0, possible.Status);
        Assert.Contains("field \"expires\" is new (offset 8)", possible.Output, StringComparison.Ordinal);

        Assert.Contains("\nLinking: ", possible.Output, StringComparison.Ordinal);
        Assert.Contains("Where the new version goes on is found as the update is made: the function below main in which the main thread waits; or say resume FUNCTION(ARGUMENTS).", possible.Output, StringComparison.Ordinal);

        var open = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", turned);
        Assert.Equal(1, open.Status);
        Assert.Contains("struct entry.v: was int, is void *", open.Output, StringComparison.Ordinal);

        var draft = _mvedsua.Run("update", "--draft", "--from", old, "--to", grown);
        Assert.Equal(0, draft.Status);
        Assert.Contains("# init struct entry.expires = 0", draft.Output, StringComparison.Ordinal);

        var description = Path.Combine(_mvedsua.Folder, "kv.update");
        File.WriteAllText(description, "init struct entry.expirse = 1\n");
        var wrong = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", grown, "--description", description);
        Assert.Equal(1, wrong.Status);
        Assert.Contains($"{description}:1:19: struct entry has no field \"expirse\" in the new version", wrong.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_tells_what_linking_would_be_refused_for()
    {
        var old = Compile("old", "int table; int main(void) { return 0; }");
        var wide = Compile("wide", "int table; _Thread_local int counter; int main(void) { return counter; }");
        var refused = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", wide);
        Assert.Equal((1, ""), (refused.Status, refused.Errors));
        Assert.Contains($"Linking would be refused: the thread-local counter is new in {wide}", refused.Output, StringComparison.Ordinal);

        var early = Compile("early", "int table; __attribute__((constructor)) static void make(void) { table = 1; } int main(void) { return 0; }");
        refused = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", early);
        Assert.Equal((1, ""), (refused.Status, refused.Errors));
        Assert.Contains($"Linking would be refused: {early} has a constructor that the old version has not, which would not be run: make (", refused.Output, StringComparison.Ordinal);

        var same = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", old);
        Assert.Equal(1, same.Status);
        Assert.Contains($"Linking would be refused: {old} is the version that runs already", same.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_checks_the_rules_and_says_so()
    {
        var old = Compile("old", "struct entry { int v; } *table; int main(void) { return 0; }");
        var program = Compile("new", "struct entry { int v; } *table; int main(void) { return 1; }");
        var rules = Directory.CreateDirectory(Path.Combine(_mvedsua.Folder, "rules")).FullName;
        File.WriteAllText(Path.Combine(rules, "forward.rules"), "rule write($fd, $data) => writev($fd, $data)\n");
        File.WriteAllText(Path.Combine(rules, "reverse.rules"), "rule writev($fd, $data) => write($fd, $data)\n");
        var good = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", program, "--rules", rules);
        Assert.Equal((0, ""), (good.Status, good.Errors));
        Assert.EndsWith("Rules that can be used: 1 rule forward, 1 reverse.\n", good.Output, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(rules, "reverse.rules"), "rule writev($fd, $data) => wirte($fd, $data)\n");
        var bad = _mvedsua.Run("update", "--dry-run", "--from", old, "--to", program, "--rules", rules);
        Assert.Equal(1, bad.Status);
        Assert.Contains($"{rules}/reverse.rules:1:28: error: no call is named 'wirte' (did you mean 'write'?)\n", bad.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_is_given_the_paths_of_everything_whatever_folder_its_coordinator_is_in()
    {
        using var session = new ServedSession(_mvedsua, "kv", _ => [new ControlReply(true, Message: "done")]);
        Assert.Equal("done\n", _mvedsua.Run("update", "kv", "--to", "a", "--description", "b", "--rules", "c").Output);
        var order = Assert.Single(session.Requests).Update!;
        Assert.Equal(new UpdateOrder(Path.GetFullPath("a"), Path.GetFullPath("b"), Path.GetFullPath("c")), order);
    }

    [Theory]
    [InlineData("30s", 30_000)]
    [InlineData("500ms", 500)]
    [InlineData("5m", 300_000)]
    [InlineData("1.5min", 90_000)]
    public void What_is_to_be_done_by_itself_is_passed_on(string time, int milliseconds)
    {
        using var session = new ServedSession(_mvedsua, "kv", _ => [new ControlReply(true, Message: "done")]);
        var result = _mvedsua.Run("update", "kv", "--to", "/a", "--retry", "7", "--warm-up", time, "--auto-promote", "--wait", time, "--auto-commit");
        Assert.Equal((0, "done\n"), (result.Status, result.Output));
        Assert.Equal(new UpdateOrder("/a", Retries: 7, WarmUp: TimeSpan.FromMilliseconds(milliseconds), AutoPromote: true, AutoCommit: true,
            Wait: TimeSpan.FromMilliseconds(milliseconds)), Assert.Single(session.Requests).Update);
    }

    [Fact]
    public void Lines_are_printed_as_they_come_and_signs_of_life_are_not()
    {
        using var more = new ManualResetEventSlim();
        IEnumerable<ControlReply> Replies()
        {
            yield return new ControlReply(true, Message: "first", More: true);
            yield return new ControlReply(true, More: true);
            more.Wait();
            yield return ControlReply.Refuse(ExitStatus.NewVersionEnded, "It has ended.");
        }

        using var session = new ServedSession(_mvedsua, "kv", _ => Replies());
        using var process = _mvedsua.Start(MvedsuaRunner.Program, "update", "kv", "--to", "/a", "--warm-up", "1s");
        Assert.Equal("first", process.StandardOutput.ReadLine());
        more.Set();
        Assert.Equal("mvedsua: It has ended.\n", process.StandardError.ReadToEnd());
        Assert.Equal("", process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal((int)ExitStatus.NewVersionEnded, process.ExitCode);
    }

    [Fact]
    public void A_coordinator_that_ends_in_the_middle_leaves_open_what_came_of_it()
    {
        using var session = new ServedSession(_mvedsua, "kv", _ => [new ControlReply(true, Message: "first", More: true)]);
        var result = _mvedsua.Run("update", "kv", "--to", "/a", "--warm-up", "1s");
        Assert.Equal(((int)ExitStatus.CoordinatorGone, "first\n"), (result.Status, result.Output));
        Assert.Contains("ended before the update's outcome was known", result.Errors, StringComparison.Ordinal);
        Assert.Contains("mvedsua status kv", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--draft --from x --to y --rules z", "--rules has no use with --draft")]
    [InlineData("--dry-run --to x", "Either NAME or --from FILE says what the old version is")]
    [InlineData("--from x --to y", "--from goes with --dry-run or --draft")]
    [InlineData("kv --to y --auto-promote", "--auto-promote needs --warm-up TIME")]
    [InlineData("kv --to y --warm-up 1s --auto-commit", "--auto-commit needs --auto-promote")]
    [InlineData("kv --to y --warm-up 1s --wait 1s", "--wait needs --auto-promote")]
    [InlineData("kv --to y --warm-up 1s --auto-promote --wait 25h", "--wait takes a time of at most 24 h")]
    [InlineData("kv --to y --warm-up soon", "'soon' is not a time; write it like 30s, 500ms or 5m")]
    [InlineData("kv --to y --warm-up 1s --warm-up 2s", "--warm-up")]
    [InlineData("kv --to y --warm-up 31h", "", 65)]
    [InlineData("kv --to y --warm-up 8000h", "--warm-up takes a time of at most 30 days")]
    [InlineData("kv --to y --retry -1", "--retry takes a number between 0 and 1000")]
    [InlineData("kv --to y --retry x", "x")]
    [InlineData("kv --to y --dry-run --wait 1s", "--wait has no use with --dry-run or --draft")]
    [InlineData("kv --to y --dry-run --warm-up 1s", "--warm-up has no use with --dry-run or --draft")]
    [InlineData("kv --to y --draft --retry 1", "--retry has no use with --dry-run or --draft")]
    public void A_command_line_that_says_too_little_is_refused(string words, string message, int status = 2)
    {
        var result = _mvedsua.Run(["update", .. words.Split(' ')]);
        Assert.Equal(status, result.Status);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_program_is_refused_by_name()
    {
        var text = Path.Combine(_mvedsua.Folder, "text");
        File.WriteAllText(text, "no program");
        var result = _mvedsua.Run("update", "--draft", "--from", text, "--to", text);
        Assert.Equal(1, result.Status);
        Assert.Contains(text, result.Errors, StringComparison.Ordinal);
    }

    private string Compile(string name, string source)
    {
        var product = Path.Combine(_mvedsua.Folder, name);
        File.WriteAllText(product + ".c", source);
        using var gcc = Process.Start("gcc", ["-g", "-Wl,--emit-relocs", "-o", product, product + ".c"]);
        gcc.WaitForExit();
        Assert.Equal(0, gcc.ExitCode);
        return product;
    }
}
