using System.Text;
using CsCheck;
using Mvedsua.Rules.Cases;
using Mvedsua.Rules.Checking;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>Texts of rules and cases are read or refused with a place in them, whatever stands in them.</summary>
public sealed class FuzzTests
{
    private const string Sample = """
        # everything once
        lines old { "PUT-number " $k:word " " $n:digits => "BAD " $k; "TYPE "i * => "NONE" }
        begin listen($fd, _) => listen($fd, _)
        rule "a" w: write($fd, "x\x00" $k:line "y"i *) = $n; (read($fd, +$all)){1,8} => writev($fd, $k "z"); exec clock_gettime(CLOCK_REALTIME, _)
          where number($k) + 1 >= 2 and not ($k matches "a" * or length(w.buf) != 3) store @time = $k
        thread main { rule write($fd, $d) => (writev($fd, -$d))+; close($fd) = 0 }
        thread 3 { rule nothing => open("a" @time, O_RDONLY|O_CLOEXEC) = -EAGAIN }
        rule read($fd, $b) = > 0 => read($fd, old($b), _)
        """;

    private static readonly string[] Words =
        Sample.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Concat(["(", ")", "{", "}", "=>", ";", ",", "=", "-", "+", "*", "$a", "@b", "\"", "rule", "nothing", "lines", "where", "matches", "exec"]).ToArray();

    private static readonly Gen<string> Texts = Gen.OneOf(
        Fuzzing.Damaged(Gen.Const(Encoding.UTF8.GetBytes(Sample))).Select(Encoding.UTF8.GetString),
        Fuzzing.OneOf(Words).Array[0, 60].Select(words => string.Join(' ', words)),
        Gen.String);

    [Fact]
    public void A_damaged_text_of_rules_is_refused_with_a_place_in_it_or_read()
    {
        var (refused, read) = (0, 0);
        Texts.SampleUntil(text =>
        {
            var result = RuleChecker.Check(text);
            if (result.Rules is null) refused++;
            else read++;
            var lines = text.Split('\n');
            foreach (var problem in result.Problems)
            {
                Assert.InRange(problem.At.Line, 1, lines.Length);
                Assert.InRange(problem.At.Column, 1, lines[problem.At.Line - 1].Length + 1);
            }
        }, () => refused > 0 && read > 0, Fuzzing.Seconds);
        Assert.True(refused > 0 && read > 0, $"refused {refused}, read {read}: is anything checked?");
    }

    [Fact]
    public void A_damaged_file_of_cases_is_refused_with_a_place_in_it_or_read()
    {
        const string cases = """
            rules a.rules
            test "one"
            thread 2
            leader
              [28] read(5, "PUT-number a 1\r\n", 4096) = 16
              accept4(3, {sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr("1.2.3.4")}, [16], SOCK_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)
            follower
              exec clock_gettime(CLOCK_REALTIME, _)
              writev(5, [{iov_base="ab", iov_len=2}, {iov_base="c", iov_len=1}], 2) = 3 by "merged"
              write(5, "\303\244\0x", 5) diverges
            """;
        var (refused, read) = (0, 0);
        Gen.OneOf(Fuzzing.Damaged(Gen.Const(Encoding.UTF8.GetBytes(cases))).Select(Encoding.UTF8.GetString), Gen.String).SampleUntil(text =>
        {
            var file = CaseParser.Parse(text);
            if (file.Problems.Count > 0) refused++;
            else read++;
            foreach (var problem in file.Problems) Assert.InRange(problem.At.Line, 1, text.Split('\n').Length);
        }, () => refused > 0 && read > 0, Fuzzing.Seconds);
        Assert.True(refused > 0 && read > 0, $"refused {refused}, read {read}: is anything checked?");
    }
}
