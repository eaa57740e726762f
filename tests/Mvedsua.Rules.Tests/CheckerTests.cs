using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Tests;

/// <summary>What is refused, where, and with which cure.</summary>
public sealed class CheckerTests
{
    private static Problem Only(string text)
    {
        var result = RuleChecker.Check(text);
        var problem = Assert.Single(result.Problems);
        Assert.Equal(problem.Kind == ProblemKind.Error, result.Rules is null);
        return problem;
    }

    [Theory]
    // Syntax.
    [InlineData("rule write($fd) = nothing", "1:19: error: expected a value, found 'nothing'")]
    [InlineData("rule write($fd)\nrule close(5) => nothing", "2:1: error: expected '=>' between the leader's events and the follower's calls, found 'rule'")]
    [InlineData("rul close(5) => nothing", "1:1: error: expected 'rule', 'begin', 'lines' or 'thread', found 'rul' (did you mean 'rule'?)")]
    [InlineData("rule close(5 => nothing", "1:14: error: expected ')' at the end of the arguments, found '=>'")]
    [InlineData("rule write(_, \"abc) => nothing", "1:15: error: the string doesn't end on its line (put a '\"' behind it)")]
    [InlineData("rule write(_, \"a\\qc\") => nothing", "1:17: error: this escape is unknown")]
    [InlineData("rule close(5) ~> nothing", "1:15: error: the character '~' means nothing here")]
    [InlineData("rule close(08) => nothing", "1:12: error: '08' is no number")]
    [InlineData("rule close($) => nothing", "1:12: error: a name must follow '$'")]
    [InlineData("rule ((close(5))*)* => nothing", "1:7: error: a repetition can't stand in another one")]
    [InlineData("rule (close(5)) => nothing", "1:17: error: expected '?', '*', '+' or '{least,most}' behind the repeated calls, found '=>'")]
    [InlineData("rule (close(5)){3,2} => nothing", "1:16: error: 3 to 2 rounds are not possible")]
    [InlineData("rule (close(5)){1,65} => nothing", "1:16: error: 1 to 65 rounds are not possible")]
    [InlineData("thread 0 { }", "1:8: error: expected 'main', 'others' or a thread's number from 1 on, found '0'")]
    [InlineData("thread main { rule close(5) => nothing", "1:39: error: expected '}' at the end of the thread's rules, found the end of the text")]
    [InlineData("rule close(5) => nothing where 1", "1:33: error: expected a comparison or 'matches', found the end of the text")]
    // Calls and arguments.
    [InlineData("rule raed(5) => nothing", "1:6: error: no call is named 'raed' (did you mean 'read'?)")]
    [InlineData("rule madvise() => nothing", "1:6: error: each version makes 'madvise' for itself; no rule ever sees it (leave it out)")]
    [InlineData("rule ptrace() => nothing", "1:6: error: 'ptrace' is refused in every version; no rule ever sees it (leave it out)")]
    [InlineData("rule close(5, 6) => nothing", "1:15: error: 'close' has 1 arguments (close(fd))")]
    [InlineData("rule write(df: 5) => nothing", "1:12: error: 'write' has no argument 'df' (did you mean 'fd'?)")]
    [InlineData("rule write(5, fd: 5) => nothing", "1:15: error: 'fd' stands here twice")]
    [InlineData("rule write(\"a\") => nothing", "1:12: error: 'fd' is a number, no buffer")]
    [InlineData("rule write(1, 2) => nothing", "1:15: error: a buffer holds bytes, no numbers (\"2\"?)")]
    [InlineData("rule write(1, > 2) => nothing", "1:15: error: a buffer can't be compared with a number")]
    [InlineData("rule epoll_ctl(_, EPOLL_CTL_AD) => nothing", "1:19: error: 'op' has no constant 'EPOLL_CTL_AD' (did you mean 'EPOLL_CTL_ADD'?)")]
    [InlineData("rule epoll_ctl(event: $e) => nothing", "1:23: error: 'event' holds addresses, which mean something only inside one version (write '_')")]
    [InlineData("rule poll($fds) => nothing", "1:11: error: 'fds' holds addresses, which mean something only inside one version (write '_')")]
    [InlineData("rule close(5) = -EAGIAN => nothing", "1:18: error: no constant is named 'EAGIAN', or several of different values (did you mean 'EAGAIN'?)")]
    // Captures and types.
    [InlineData("rule write($fd, $data) => write($fd, $dta); close($fdd) = 0 where length($x) > 0", "1:74: error: $x is not captured before")]
    [InlineData("rule read($fd, $b) => read($fd, $c)", "1:33: error: $c is not captured before")]
    [InlineData("rule read($fd, $b) => read($fd, $b) = $b", "1:39: error: $b is a buffer, a number is needed (number($b) or length($b)?)")]
    [InlineData("rule write(_, $b); close($b) => nothing", "1:26: error: $b is a buffer and can't be compared with a number")]
    [InlineData("rule write(_, $a $b) => nothing", "1:18: error: where one capture ends and the next begins can't be told (put the text between them that separates them)")]
    [InlineData("rule write(_, $a:wrod) => nothing", "1:18: error: no class of bytes is named 'wrod' (did you mean 'word'?)")]
    [InlineData("rule read($fd, $b) => read($fd, $b *)", "1:36: error: '*' can't be made: it stands for any bytes")]
    [InlineData("rule read($fd, $b) => read($fd, upper($b))", "1:33: error: no function is named 'upper'")]
    [InlineData("rule read($fd, $b) => nothing where $b > \"a\"", "1:40: error: buffers can't be compared by '>'")]
    [InlineData("rule a: read() => nothing where a.bug matches *", "1:35: error: 'read' has no argument 'bug' that a rule can use (did you mean 'buf'?)")]
    [InlineData("rule a: read() => nothing where b.result > 1", "1:33: error: no call before is labelled 'b' (did you mean 'a'?)")]
    [InlineData("rule a: read(); a: read() => nothing", "1:17: error: the label 'a' stands twice in this rule")]
    [InlineData("rule nothing => getuid() = @x", "1:28: error: no rule stores @x")]
    [InlineData("rule close(1); (write($f, $b))? => close(2) = $f", "1:47: error: $f has no value when")]
    // What a rule must say, and must not do.
    [InlineData("rule nothing => nothing", "1:1: error: nothing on either side: this rule would apply for ever")]
    [InlineData("rule (close(5))* => nothing", "1:6: error: a side must begin with a call that is made in any case")]
    [InlineData("rule close(5); (close(6))+; (close(7))+ => nothing", "1:29: error: one repetition on a side is the most (write several rules)")]
    [InlineData("rule nothing => exec write(1, \"x\")", "1:22: error: a follower must not make 'write': it would be seen outside")]
    [InlineData("rule nothing => exec getuid() = 5", "1:33: error: the result is that of the call which the follower makes")]
    [InlineData("rule nothing => getuid()", "1:17: error: what 'getuid' returns is not said (write 'getuid(...) = VALUE')")]
    [InlineData("rule nothing => clock_gettime()", "1:17: error: what 'tp' of 'clock_gettime' holds afterwards is not said (give it a buffer, or put 'exec' before the call)")]
    [InlineData("rule exec close(5) => nothing", "1:6: error: the leader has made its calls already")]
    [InlineData("rule close(5) => a: close(6) = 0", "1:18: error: labels stand on the leader's side")]
    [InlineData("rule \"a\" close(5) => nothing\nrule \"a\" close(6) => nothing", "2:1: error: the rule at 1:1 is named \"a\", too")]
    [InlineData("begin listen() => listen()\nbegin listen() => listen()", "2:1: error: there is a 'begin' for this thread already")]
    // Lines.
    [InlineData("lines a { \"x\\n\" => \"y\" }", "1:11: error: a line's end is no part of it, and stays")]
    [InlineData("lines length { \"x\" => \"y\" }", "1:1: error: there is a 'length' already")]
    [InlineData("lines a { \"x\" $b => \"y\" $c }", "1:25: error: $c is not captured before")]
    [InlineData("lines cut { \"x\" => \"y\" }\nrule read($f, $b) => read($f, cot($b))", "2:31: error: no function is named 'cot' (did you mean 'cut'?)")]
    public void An_error_has_its_place_its_cause_and_its_cure(string text, string expected) =>
        Assert.StartsWith(expected, Only2(text, expected), StringComparison.Ordinal);

    // Some texts have more than one error; the one that is meant is looked for.
    private static string Only2(string text, string expected)
    {
        var result = RuleChecker.Check(text);
        Assert.Null(result.Rules);
        var place = expected.Split(": ")[0];
        return result.Problems.FirstOrDefault(problem => problem.At.ToString() == place)?.ToString() ?? string.Join('\n', result.Problems);
    }

    [Fact]
    public void Every_error_of_a_file_is_told_not_only_the_first()
    {
        var result = RuleChecker.Check("""
            rule raed(5) => nothing
            rule close(5 => nothing
            rule close(fb: 5) => nothing
            ~
            rule close(5) = => nothing
            rule close(5) => nothing
            """);
        Assert.Equal([1, 2, 3, 4, 5], result.Problems.Select(problem => problem.At.Line));
    }

    [Theory]
    [InlineData("rule \"all\" write($fd, *) => nothing", "rule write(5, \"PUT\" *) => nothing", true)]
    [InlineData("rule \"all\" write(_, \"P\" *) => nothing", "rule write(5, \"PUT\") => nothing", true)]
    [InlineData("rule \"all\" write($fd, $d) => writev($fd, $d)", "rule write($a, $b) => writev($a, $b)", true)]
    [InlineData("rule \"all\" write($fd, $d) => nothing", "rule write($a, $b); close($a) => nothing", true)]
    [InlineData("rule \"all\" write(1, $d) => nothing", "rule write($fd, $d) => nothing", false)]
    [InlineData("rule \"all\" write(_, \"PUT\" *) => nothing", "rule write(_, \"P\" *) => nothing", false)]
    [InlineData("rule \"all\" write($fd, $d) => writev($fd, $d)", "rule write($fd, _) => writev($fd, *)", false)]
    [InlineData("rule \"all\" write($fd, $d) => nothing where $fd > 1", "rule write($fd, $d) => nothing", false)]
    [InlineData("rule \"all\" write($fd, $d) => nothing", "rule write($fd, $d) = -EPIPE => nothing", false)]
    [InlineData("thread main { rule \"all\" write() => nothing }", "rule write() => nothing", false)]
    [InlineData("rule \"all\" write() => nothing", "thread 2 { rule write() => nothing }", true)]
    [InlineData("rule \"all\" write($a, $b $a2) => nothing", "rule write() => nothing", null)]
    public void A_rule_that_never_applies_is_warned_of(string first, string second, bool? shadowed)
    {
        if (shadowed is null) return; // a text that is refused: see above
        var result = RuleChecker.Check(first + "\n" + second);
        Assert.NotNull(result.Rules);
        if (shadowed is true) Assert.Equal("warning", Only(first + "\n" + second).ToString().Split(": ")[1]);
        else Assert.Empty(result.Problems);
    }

    [Theory]
    [InlineData("rule write($fd, $data) => writev($fd, $dta)", "1:39: warning: $dta stands nowhere else in this rule: it matches anything (did you mean '$data'?)")]
    [InlineData("rule write($fd, $data) => writev($other, $data)", "1:34: warning: $other stands nowhere else in this rule: it matches anything (write '_')")]
    public void A_capture_that_says_nothing_is_warned_of(string text, string expected) => Assert.Equal(expected, Only(text).ToString());

    [Fact]
    public void Bounds_are_kept()
    {
        Assert.Contains("more than 16 calls on one side", Only($"rule {string.Join(';', Enumerable.Repeat("close(5)", 17))} => nothing").Message, StringComparison.Ordinal);
        Assert.Contains("more than 32 captures", Only($"rule {string.Join(';', Enumerable.Range(0, 11).Select(i => $"write($a{i}, $b{i}) = $c{i}"))} => nothing").Message, StringComparison.Ordinal);
        Assert.Contains("more than 1024 rules", RuleChecker.Check(string.Concat(Enumerable.Repeat("rule close(5) => nothing\n", 1025))).Problems[^1].Message, StringComparison.Ordinal);
        Assert.Contains("longer than 4096 bytes", Only($"rule write(_, \"{new string('x', 4097)}\") => nothing").Message, StringComparison.Ordinal);
        Assert.Contains("nested deeper than 16", Only($"rule close(5) => nothing where {new string('(', 17)}").Message, StringComparison.Ordinal);
        Assert.Contains("16 parts", Only($"rule write(_, {string.Concat(Enumerable.Repeat("\"a\" ", 17))}) => nothing").Message, StringComparison.Ordinal);
    }
}
