using CsCheck;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Inference;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>Candidates for rules are found in traces, and each says how much it explains.</summary>
public sealed class InferenceTests
{
    private static InferredRules Infer(string old, string now) => RuleInference.Infer([new(Trace.Read("old", old), Trace.Read("new", now))]);

    private static string Only(InferredRules rules)
    {
        Assert.Empty(rules.Unexplained);
        return Assert.Single(rules.Rules).Text.Split("\n  ", 2)[1];
    }

    [Fact]
    public void Traces_without_a_difference_need_no_rules()
    {
        const string trace = "[1] read(5, \"a\", 9) = 1\n[1] write(5, \"b\", 1) = 1\n";
        Assert.Equal("# 0 of 0 differences explained.\n", Infer(trace, trace.Replace("[1]", "[7]", StringComparison.Ordinal)).ToString());
    }

    [Fact]
    public void Sends_that_become_one_are_found_however_many_they_are()
    {
        var rules = Infer(
            """
            [1] write(5, "a", 1) = 1
            [1] write(5, "b", 1) = 1
            [1] read(5, "x", 9) = 1
            [1] write(6, "c", 1) = 1
            """,
            """
            [1] writev(5, [{iov_base="ab", iov_len=2}], 1) = 2
            [1] read(5, "x", 9) = 1
            [1] writev(6, [{iov_base="c", iov_len=1}], 1) = 1
            """);
        Assert.Equal("(write($fd, +$data))+ => writev($fd, $data)", Only(rules));
        Assert.Equal((2, 2), (rules.Rules[0].Places, rules.Rules[0].Explained));
    }

    [Fact]
    public void A_send_that_becomes_several_is_found() => Assert.Equal("writev($fd, $data) => (write($fd, -$data))+", Only(Infer(
        "[1] writev(5, [{iov_base=\"abc\", iov_len=3}], 1) = 3", "[1] write(5, \"a\", 1) = 1\n[1] write(5, \"bc\", 2) = 2")));

    [Fact]
    public void Another_order_is_found_with_what_both_calls_have_in_common() => Assert.Equal(
        "setsockopt($sockfd, SOL_TCP, TCP_NODELAY, $data); epoll_ctl($epfd, EPOLL_CTL_ADD, $sockfd)"
        + " => epoll_ctl($epfd, EPOLL_CTL_ADD, $sockfd); setsockopt($sockfd, SOL_TCP, TCP_NODELAY, $data)",
        Only(Infer(
            """
            [1] setsockopt(9, SOL_TCP, TCP_NODELAY, [1], 4) = 0
            [1] epoll_ctl(4, EPOLL_CTL_ADD, 9, {events=EPOLLIN, data=0x5555}) = 0
            """,
            """
            [1] epoll_ctl(4, EPOLL_CTL_ADD, 9, {events=EPOLLIN, data=0x7777}) = 0
            [1] setsockopt(9, SOL_TCP, TCP_NODELAY, [1], 4) = 0
            """)).Replace("$optval", "$data", StringComparison.Ordinal));

    [Fact]
    public void A_question_that_only_one_version_asks_is_added_or_dropped()
    {
        const string with = "[1] read(5, \"a\", 9) = 1\n[1] clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0\n[1] write(5, \"b\", 1) = 1";
        const string without = "[1] read(5, \"a\", 9) = 1\n[1] write(5, \"b\", 1) = 1";
        Assert.Equal("nothing => exec clock_gettime(CLOCK_MONOTONIC)", Only(Infer(without, with)));
        Assert.Equal("clock_gettime(CLOCK_MONOTONIC) => nothing", Only(Infer(with, without)));
    }

    [Fact]
    public void What_tells_the_events_of_a_rule_apart_from_others_becomes_its_predicate()
    {
        var rules = Infer(
            """
            [1] write(2, "debug: 1\n", 9) = 9
            [1] write(2, "error: 1\n", 9) = 9
            [1] write(2, "debug: 22\n", 10) = 10
            [1] write(5, "VALUE 1\n", 8) = 8
            """,
            """
            [1] write(2, "error: 1\n", 9) = 9
            [1] write(5, "VALUE 1\n", 8) = 8
            """);
        Assert.Equal("write(_, \"debug: \" *) => nothing", Only(rules));
        Assert.Equal((2, true), (rules.Rules[0].Others, rules.Rules[0].ToldApart));
    }

    [Fact]
    public void A_piece_of_a_buffer_that_always_differs_is_rewritten() => Assert.Equal(
        "write($fd, $head \", version 1.0\\n\") => write($fd, $head \", version 1.1\\n\")",
        Only(Infer("[1] write(2, \"1 key, version 1.0\\n\", 19) = 19\n[1] write(2, \"2 keys, version 1.0\\n\", 20) = 20",
            "[1] write(2, \"1 key, version 1.1\\n\", 19) = 19\n[1] write(2, \"2 keys, version 1.1\\n\", 20) = 20")));

    [Fact]
    public void What_no_rule_explains_is_said_with_its_place()
    {
        var rules = Infer("[1] read(5, \"a\", 9) = 1\n[1] close(9) = 0", "[1] read(5, \"a\", 9) = 1\n[1] open(\"/tmp/x\", O_WRONLY|O_CREAT, 0600) = 9");
        Assert.Contains("# Not explained: old:2, new:2: close(9) = 0 => open(\"/tmp/x\", O_WRONLY|O_CREAT, 0600) = 9\n", rules.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("# 0 of 1 differences explained.\n", rules.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_that_are_no_events_are_told_and_passed_over()
    {
        var trace = Trace.Read("t", "[1] lock(0x5) = 0\nhello\n[1] raed(5) = 1\n[1] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) = 0x7f\n[2] close(5) = 0\n");
        Assert.Equal(3, Assert.Single(trace.Problems).At.Line);
        Assert.Equal(1, Assert.Single(trace.Threads).Count);
    }

    [Fact]
    public void Two_traces_are_laid_side_by_side_with_as_few_differences_as_there_can_be()
    {
        var calls = Fuzzing.OneOf(1, 2, 3, 4).Select(fd => new TracedCall(Texts.Event($"close({fd}) = 0"), fd)).List[0, 12];
        Gen.Select(calls, calls).Sample((old, now) =>
        {
            var aligned = Alignment.Align(old, now);
            var inOld = aligned.Differences.Sum(d => d.Old.Count);
            // A changed order holds equal events, too: at least as many as the differences need.
            Assert.Equal(old.Count, aligned.Equal.Count + inOld);
            Assert.Equal(now.Count, aligned.Equal.Count + aligned.Differences.Sum(d => d.New.Count));
            Assert.True(aligned.Equal.Count <= Longest(old, now));
            if (aligned.Differences.All(d => d.Old.Count == 0 || d.New.Count == 0)) Assert.Equal(Longest(old, now), aligned.Equal.Count);
        }, iter: 2000, threads: 1);
    }

    [Fact]
    public void Whatever_is_inferred_is_accepted_by_the_checker()
    {
        Gen.Select(RandomRules.Cases, RandomRules.Cases).Sample((a, b) =>
        {
            string Text(RandomCase c) => string.Join('\n', c.Leader.Select(e => $"[1] {e}"));
            var found = Infer(Text(a), Text(b));
            foreach (var rule in found.Rules)
            {
                var result = RuleChecker.Check(rule.Text);
                Assert.True(result.Rules is not null, $"{rule.Text}\n{string.Join('\n', result.Problems)}");
                Assert.InRange(rule.Explained, 1, rule.Places);
            }
        }, time: Fuzzing.Seconds, threads: 1);
    }

    private static int Longest(List<TracedCall> a, List<TracedCall> b)
    {
        var table = new int[a.Count + 1, b.Count + 1];
        for (var i = 1; i <= a.Count; i++)
            for (var j = 1; j <= b.Count; j++)
                table[i, j] = a[i - 1].Line == b[j - 1].Line ? table[i - 1, j - 1] + 1 : Math.Max(table[i - 1, j], table[i, j - 1]);
        return table[a.Count, b.Count];
    }
}
