using CsCheck;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>Rules chosen for what random ones seldom reach, with random events of a few that matter to them.</summary>
internal static class DirectedRules
{
    private static readonly (string Name, string Rules, string[] Leader, string[] Follower)[] All =
    [
        ("beginnings, threads and lines", """
            begin close(1) => close(_)
            rule close(1) => close(2)
            lines old { "a" $x => "b" $x; * " " $x:digits => $x }
            thread others { rule close(1) => close(3) }
            rule nothing => getuid() = 7
            rule read($f, $b) = $n => read($f, old($b)) where old($b) != $b and (length($b) > 1 or $n == 1)
            rule close(5); write($f, $b) => nothing
            """,
            ["close(1) = 0", "read(1, \"a x\\nb 12\\nc\", 99) = 10", "close(5) = 0", "write(1, \"a\", 1) = 1", "read(1, \"a\\n\", 2) = 2", "close(9) = 0"],
            ["close(2)", "read(1, _, 99)", "getuid()", "read(1, _, 2)", "close(1)", "close(3)", "getpid()"]),
        ("pieces", "rule write($f, $all) => (writev($f, -$all)){1,3}; close($f) = 0",
            ["write(1, \"aab\", 3) = 3", "write(1, \"ab\", 2) = 2", "close(2) = 0"],
            ["writev(1, [{iov_base=\"a\", iov_len=1}], 1)", "writev(1, [{iov_base=\"ab\", iov_len=2}], 1)", "writev(1, [{iov_base=\"b\", iov_len=1}], 1)", "close(1)", "close(2)"]),
        ("what is kept between calls", """
            rule read($f, $b); write($f, $c) = $n => write($f, $c) = $n; read($f, $b "x" $n); write(2, $b $d) = length($d); (close($f) = 5)*
            rule close(3); write($f, $b) => close(3) store @s = $b store @n = length($b)
            rule nothing => read(9, @s)
            rule nothing => getuid() = @n
            """,
            ["read(1, \"ab\", 8) = 2", "write(1, \"c\", 1) = 1", "close(3) = 0", "write(1, \"ddd\", 3) = 3"],
            ["write(1, \"c\", 1)", "read(1, _, 8)", "write(2, \"abz\", 3)", "close(1)", "close(3)", "read(9, _, 8)", "getuid()"]),
        ("what a rule stores for itself", """
            rule write($f, $b) => write($f, $b); (read(9, @s))?; getuid() = @n store @s = $b store @n = length($b)
            rule nothing => read(9, @s "x"); (getpid() = @n + 1){1,2} store @n = 7
            """,
            ["write(1, \"a\", 1) = 1", "write(1, \"\", 0) = 0", "write(1, \"bc\", 2) = 2"],
            ["write(1, \"a\", 1)", "write(1, \"\", 0)", "read(9, _, 8)", "getuid()", "write(1, \"bc\", 2)", "getpid()"]),
        ("another order", """
            rule a: setsockopt($c, _, _, $v); b: epoll_ctl($e, $op, $c) => epoll_ctl($e, $op, $c); setsockopt($c, _, TCP_NODELAY)
            """,
            ["setsockopt(7, SOL_TCP, TCP_NODELAY, \"v\", 1) = 0", "epoll_ctl(4, EPOLL_CTL_ADD, 7, {events=EPOLLIN, data=0x55}) = 0"],
            ["epoll_ctl(4, EPOLL_CTL_ADD, 7, {events=EPOLLIN, data=0x66})", "epoll_ctl(4, EPOLL_CTL_ADD, 7, {events=EPOLLOUT, data=0x66})",
                "setsockopt(7, SOL_TCP, TCP_NODELAY, \"v\", 1)", "setsockopt(7, SOL_TCP, TCP_NODELAY, \"w\", 1)"]),
    ];

    /// <summary>What they are about.</summary>
    public static TheoryData<string> Names { get; } = [.. All.Select(entry => entry.Name)];

    /// <summary>A thread's number and a case. The follower often does what its rules expect next.</summary>
    internal static Gen<(int Thread, RandomCase Case)> Cases(string name)
    {
        var (_, text, leader, follower) = All.First(entry => entry.Name == name);
        var rules = Texts.Rules(text);
        return Gen.Select(Gen.Int[1, 2], Calls(leader), Calls(follower), (thread, events, calls) =>
            (thread, new RandomCase(text, rules, [.. events.Select(Texts.Event)], [.. calls.Select(Texts.Event)])));
    }

    // Any of the list; or one after the other, with gaps, repetitions and strangers.
    private static Gen<List<string>> Calls(string[] list) => Gen.OneOf(Fuzzing.OneOf(list).List[0, 8], Gen.Select(Gen.Int[0, list.Length - 1], Gen.Int[0, 9].Array[0, 8], (start, choices) =>
    {
        var calls = new List<string>();
        var at = start % 3 == 0 ? 0 : start;
        foreach (var choice in choices)
        {
            if (choice == 0) at++;
            calls.Add(list[choice == 1 ? 0 : at % list.Length]);
            if (choice != 2) at++;
        }
        return calls;
    }));
}
