namespace Mvedsua.Cli.Tests;

public sealed class RulesVerbTests : IDisposable
{
    private const string Rules = "rule \"merged\"\n  write($fd, $data) => writev($fd, $data)\n";
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    private string File_(string name, string text)
    {
        var path = Path.Combine(_mvedsua.Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public void Good_rules_are_counted()
    {
        var path = File_("good.rules", Rules);
        var result = _mvedsua.Run("rules", "check", path);
        Assert.Equal((0, $"{path}: 1 rule, nothing refused\n", ""), (result.Status, result.Output, result.Errors));
    }

    [Fact]
    public void A_refused_rule_is_shown_with_its_place_marked()
    {
        var path = File_("bad.rules", "rule close(5) => nothing\n\trule raed(5) => nothing\n");
        var result = _mvedsua.Run("rules", "check", path);
        Assert.Equal(1, result.Status);
        Assert.Equal($"{path}:2:7: error: no call is named 'raed' (did you mean 'read'?)\n    \trule raed(5) => nothing\n    \t     ^\n", result.Output);
    }

    [Fact]
    public void A_folder_stands_for_its_files_of_rules()
    {
        File_("b.rules", Rules);
        File_("a.rules", "rule nothing => nothing");
        File_("c.txt", "no rules");
        var result = _mvedsua.Run("rules", "check", _mvedsua.Folder);
        Assert.Equal(1, result.Status);
        Assert.Equal(["a.rules", "b.rules"], result.Output.Split('\n').Where(line => line.StartsWith('/')).Select(line => Path.GetFileName(line.Split(':')[0])));
    }

    [Theory]
    [InlineData("rules", "check", "/no/such.rules")]
    [InlineData("rules", "test", "/no/such.cases")]
    [InlineData("rules", "explain", "/no/such.cases")]
    public void A_file_that_is_not_there_is_named(params string[] arguments)
    {
        var result = _mvedsua.Run(arguments);
        Assert.Equal(1, result.Status);
        Assert.StartsWith($"mvedsua: {arguments[^1]} can't be read: ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_case_that_does_not_hold_is_shown_and_ends_with_1()
    {
        File_("r.rules", Rules);
        var path = File_("r.cases", """
            rules r.rules
            test "holds"
            leader
            write(5, "ab", 2) = 2
            follower
            writev(5, [{iov_base="ab", iov_len=2}], 1) = 2
            test "does not"
            leader
            write(5, "ab", 2) = 2
            follower
            writev(5, [{iov_base="ac", iov_len=2}], 1) = 2
            """);
        var result = _mvedsua.Run("rules", "test", path);
        Assert.Equal(1, result.Status);
        Assert.Contains($"ok     {path}:2 holds\nfailed {path}:7 does not\n{path}:11:1: error: writev diverges: ", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("1 case held, 1 failed\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_explanation_says_why_a_rule_did_and_did_not_apply()
    {
        var rules = File_("r.rules", Rules);
        var path = File_("r.cases", """
            test "one"
            leader
            write(5, "ab", 2) = 2
            follower
            writev(6, [{iov_base="ab", iov_len=2}], 1)
            test "two"
            leader
            write(5, "ab", 2) = 2
            follower
            writev(5, [{iov_base="ab", iov_len=2}], 1)
            """);
        var both = _mvedsua.Run("rules", "explain", "--rules", rules, path);
        Assert.Equal(0, both.Status);
        Assert.Contains("\"merged\" (1:1) does not apply: fd is 6, not 5 as before", both.Output, StringComparison.Ordinal);
        Assert.Contains("\"merged\" (1:1) applies", both.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("does not apply", _mvedsua.Run("rules", "explain", "--rules", rules, path, "--case", "two").Output, StringComparison.Ordinal);
        Assert.Contains("has no case 'three'", _mvedsua.Run("rules", "explain", "--rules", rules, path, "--case", "three").Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Inferred_rules_are_a_file_of_rules()
    {
        var old = File_("old.trace", "[1] write(5, \"ab\", 2) = 2\n");
        var now = File_("new.trace", "[1] writev(5, [{iov_base=\"ab\", iov_len=2}], 1) = 2\n");
        var result = _mvedsua.Run("rules", "infer", old, now);
        Assert.Equal((0, ""), (result.Status, result.Errors));
        Assert.Contains("(write($fd, +$data))+ => writev($fd, $data)", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, _mvedsua.Run("rules", "check", File_("inferred.rules", result.Output)).Status);
    }

    [Fact]
    public void Traces_come_in_pairs()
    {
        var result = _mvedsua.Run("rules", "infer", "old.trace");
        Assert.Equal(2, result.Status);
        Assert.StartsWith("mvedsua: Traces come in pairs: OLD NEW.", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Cases_that_name_no_rules_are_refused_with_the_cure()
    {
        var result = _mvedsua.Run("rules", "test", File_("a.cases", "test \"x\"\nleader\nfollower\n"));
        Assert.Equal(1, result.Status);
        Assert.Contains("put 'rules FILE' at its head, or give --rules FILE", result.Errors, StringComparison.Ordinal);
    }
}
