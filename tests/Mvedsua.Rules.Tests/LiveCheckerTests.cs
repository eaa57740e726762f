using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Tests;

/// <summary>What no follower of a running server can do yet, though the language can say it.</summary>
public sealed class LiveCheckerTests
{
    private static IReadOnlyList<Problem> Check(string text) => LiveChecker.Check(RuleChecker.Check(text).Rules!);

    [Theory]
    [InlineData("rule close(5) => nothing\nrule kill($p, SIGUSR1) => nothing", "2:6: error: kill can't")]
    [InlineData("rule nothing => fcntl($fd, F_SETFL, _) = 0", "1:17: error: fcntl can't")]
    [InlineData("rule close(5); (read(6); dup(7))+ => nothing", "1:26: error: dup can't")]
    [InlineData("rule close(5) => close(5) = 0; setsid() = 1", "1:32: error: setsid can't")]
    [InlineData("rule execve() => nothing", "1:6: error: execve can't")]
    [InlineData("rule chdir() => nothing", "1:6: error: chdir can't")]
    [InlineData("thread main { begin listen() => listen() }", "1:21: error: an updated version begins where it was copied")]
    [InlineData("begin listen() => listen()", "1:7: error: an updated version begins where it was copied")]
    public void A_call_that_the_follower_keeps_something_of_is_refused_at_its_place(string text, string expected)
    {
        var problem = Assert.Single(Check(text));
        Assert.StartsWith(expected, problem.ToString(), StringComparison.Ordinal);
        Assert.NotNull(problem.Hint);
    }

    /// <summary>Each call that is refused by its name has a row: a name that is mistyped would refuse nothing.</summary>
    [Fact]
    public void Every_call_that_is_refused_exists()
    {
        foreach (var name in LiveChecker.Remembered) Assert.Contains("can't be reconciled", Assert.Single(Check($"rule {name}() => nothing")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("thread others { rule close(5) => nothing }")]
    [InlineData("thread 2 { rule close(5) => nothing }")]
    [InlineData("thread main { rule close(5) => nothing }")]
    public void Rules_for_some_threads_are_for_live_updates_too(string text) => Assert.Empty(Check(text));

    [Fact]
    public void Errors_are_told_in_the_order_of_their_places() =>
        Assert.Equal([1, 1, 2, 3], Check("rule kill(1) => alarm(5) = 0\nrule dup(1) => nothing\nrule pause() = -EINTR => nothing").Select(problem => problem.At.Line));
}
