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
        Assert.Contains("Where the new version goes on must be said yet: resume FUNCTION(ARGUMENTS).", possible.Output, StringComparison.Ordinal);

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
        var request = Assert.Single(session.Requests);
        string[] expected = [Path.GetFullPath("a"), Path.GetFullPath("b"), Path.GetFullPath("c")];
        Assert.Equal(expected, (string?[])[request.To, request.Description, request.Rules]);
    }

    [Theory]
    [InlineData("--draft --from x --to y --rules z", "--rules has no use with --draft")]
    [InlineData("--dry-run --to x", "Either NAME or --from FILE says what the old version is")]
    [InlineData("--from x --to y", "--from goes with --dry-run or --draft")]
    public void A_command_line_that_says_too_little_is_refused(string words, string message)
    {
        var result = _mvedsua.Run(["update", .. words.Split(' ')]);
        Assert.Equal(2, result.Status);
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
