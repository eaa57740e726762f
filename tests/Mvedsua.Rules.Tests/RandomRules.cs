using System.Text.RegularExpressions;
using CsCheck;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>A set of rules, the leader's events and the follower's calls, of so small an alphabet that rules often apply.</summary>
internal sealed record RandomCase(string Text, RuleSet Rules, IReadOnlyList<CallRecord> Leader, IReadOnlyList<CallRecord> Follower)
{
    public override string ToString() => $"{Text}\nleader\n{string.Join('\n', Leader)}\nfollower\n{string.Join('\n', Follower)}";
}

/// <summary>Makes them.</summary>
internal static partial class RandomRules
{
    private static readonly Gen<string> Fd = Fuzzing.OneOf("_", "$f", "$f", "1", "$g", "> 1", "!= 1", "$n");

    private static readonly Gen<string> Buffer = Fuzzing.OneOf("_", "$b", "$b", "$c", "\"a\" *", "* \"b\"", "$b \" \" $c", "$k:word \" \" $c:digits", "\"A\"i $b",
        "+$b", "+$c", "$b \"b\" *", "\"a\" $f", "$k:line", "$k:hex *", "@s *", "map($b)", "$n:number \"\\n\"");

    private static readonly Gen<string> FollowerBuffer = Gen.OneOf(Buffer, Fuzzing.OneOf("$b", "$b", "-$b", "$b *", "$b $c", "$c", "map($b) *"));

    private static readonly Gen<string> Given = Fuzzing.OneOf("$b", "$b", "\"a\" $b", "$c \"1\" $f", "map($b)", "@s", "\"\"", "$k $n");

    private static readonly Gen<string> Result = Fuzzing.OneOf("", "", "", " = _", " = $r", " = > 0", " = -EAGAIN");

    private static readonly Gen<string> FollowerResult = Fuzzing.OneOf("", "", "", " = 0", " = $r", " = length($b) + 1", " = -EAGAIN", " = number($k) - 1", " = @t");

    private static readonly Gen<string> LeaderCall = Gen.Select(Fuzzing.OneOf("write", "write", "read", "read", "writev", "close", "clock_gettime", "getuid"), Fd, Buffer, Result,
        (name, fd, buffer, result) => name switch
        {
            "close" => $"close({fd}){result}",
            "clock_gettime" => $"clock_gettime(_, {(buffer == "$b" ? "$t" : "_")}){result}",
            "getuid" => $"getuid(){result}",
            _ => $"{name}({fd}, {buffer}){result}",
        });

    private static readonly Gen<string> FollowerCall = Gen.Select(Fuzzing.OneOf("write", "writev", "writev", "read", "read", "close", "exec clock_gettime", "getuid"), Fd,
        FollowerBuffer, Given, FollowerResult, (name, fd, buffer, given, result) => name switch
        {
            "close" => $"close({fd}){result}",
            "exec clock_gettime" => "exec clock_gettime()",
            "getuid" => $"getuid(){result}",
            "read" => $"read({fd}, {given}, _){result}",
            _ => $"{name}({fd}, {buffer}){result}",
        });

    private static readonly Gen<string> Clauses = Fuzzing.OneOf("", "", "", "", " where $f > 1", " where length($b) <= 2 or $f == 1", " where not $b matches \"a\" *",
        " where $b != $c", " where number($c) > 0 and $r >= 1", " store @s = $b", " store @t = $f + 1", " where map($b) != $b store @s = map($b)");

    private static readonly Gen<string> Rule = Gen.Select(Side(LeaderCall), Side(FollowerCall), Clauses, (leader, follower, clauses) =>
        $"rule {leader} => {Captured(leader, follower)}{Captured(leader, clauses)}");

    private const string Head = "lines map { \"a\" $x => \"b\" $x; $x:word \" \" * => \"1\" $x }\n";

    private static readonly string[] Stores =
    [
        "rule \"s\" close(2) => close(2) store @s = \"a\" store @t = 5\n",
        "rule \"s\" close(9); write(1, $b) => nothing store @s = $b store @t = length($b)\n",
    ];

    // Two of three are refused, mostly for a capture that nothing captures: of those that are not, any number goes together.
    private static readonly Gen<string> GoodRule = Rule.Where(rule => RuleChecker.Check(Head + Stores[0] + rule).Rules is not null);

    private static readonly Gen<string> Text = Gen.Select(GoodRule.Array[1, 4], Fuzzing.OneOf(Stores), (rules, stores) => Head + stores + string.Join('\n', rules));

    private static readonly Gen<string> Bytes = Fuzzing.OneOf("", "a", "b", "ab", "a b", "b 1", "1", "aa", "a1", "1\\n", "a\\nb 1\\n", "b b", "A", "12");

    private static readonly Gen<CallRecord> Event = Gen.Select(Gen.Int[0, 7], Gen.Int[1, 2], Bytes, Bytes, Gen.Int[0, 9], (kind, fd, bytes, more, luck) =>
    {
        var length = Texts.Event($"write(1, \"{bytes}\", 1)").SentBytes;
        var both = Texts.Event($"write(1, \"{bytes}{more}\", 1)").SentBytes;
        var failed = luck == 0;
        return Texts.Event(kind switch
        {
            0 or 1 => $"write({fd}, \"{bytes}\", {length}) = {(failed ? "-1 EAGAIN" : luck == 1 ? "0" : length)}",
            2 or 3 => $"writev({fd}, [{{iov_base=\"{bytes}\", iov_len={length}}}, {{iov_base=\"{more}\", iov_len={both - length}}}], 2) = {(failed ? "-1 EAGAIN" : both)}",
            4 or 5 => failed ? $"read({fd}, _, 8) = -1 EAGAIN" : $"read({fd}, \"{bytes}\", 8) = {length}",
            6 => $"close({fd}) = 0",
            _ => luck < 5 ? $"getuid() = {luck}" : "clock_gettime(CLOCK_REALTIME, {tv_sec=1, tv_nsec=2}) = 0",
        });
    });

    /// <summary>Checked rules with events.</summary>
    internal static Gen<RandomCase> Cases { get; } = Gen.Select(
        Text, Event.Array[0, 6], Event.Array[0, 4], Gen.Int[0, 9].Array[8],
        (text, leader, others, choices) =>
        {
            var follower = new List<CallRecord>();
            for (var i = 0; i < leader.Length; i++)
            {
                // Mostly what the leader does, joined, in another call, left out, or with something in between.
                if (choices[i] == 0 && i < others.Length) follower.Add(others[i].AsCall());
                if (choices[i] is 1 or 2) continue;
                follower.Add(choices[i] < 6 && leader[i].Row.Name == "write" ? AsWritev(leader[i], i + 1 < leader.Length && choices[i] < 5 ? leader[i + 1] : null) : leader[i].AsCall());
            }
            return new RandomCase(text, RuleChecker.Check(text).Rules!, leader, follower);
        });

    // Names that nothing captures become such that something does, where there are any.
    private static string Captured(string leader, string text) => Capture().Replace(text, match =>
    {
        if (leader.Contains(match.Value, StringComparison.Ordinal)) return match.Value;
        string[] others = "fgrn".Contains(match.Value[1], StringComparison.Ordinal) ? ["$f", "$g", "$r"] : ["$b", "$c", "$k"];
        return Array.Find(others, other => leader.Contains(other, StringComparison.Ordinal)) ?? match.Value;
    });

    [GeneratedRegex(@"\$[a-z]")]
    private static partial Regex Capture();

    private static Gen<string> Side(Gen<string> call) => Gen.Select(Gen.Int[0, 9], call.Array[3], Fuzzing.OneOf("?", "*", "+", "{1,2}", "{2}"), (shape, calls, rounds) => shape switch
    {
        0 => "nothing",
        <= 4 => calls[0],
        5 or 6 => $"{calls[0]}; {calls[1]}",
        7 => $"({calls[0]}){(rounds is "?" or "*" ? "+" : rounds)}",
        8 => $"{calls[0]}; ({calls[1]}){rounds}",
        _ => $"{calls[0]}; ({calls[1]}){rounds}; {calls[2]}",
    });

    private static CallRecord AsWritev(CallRecord write, CallRecord? next)
    {
        var call = Texts.Event("writev(1, [], 1)");
        write.Arguments[..1].CopyTo(call.Arguments, 0);
        call.Sent[1] = next?.Row.Name == "write" ? [.. write.Sent[1]!, .. next.Sent[1]!] : write.Sent[1];
        return call;
    }
}
