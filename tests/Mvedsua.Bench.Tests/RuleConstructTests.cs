using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class RuleConstructTests
{
    public static IEnumerable<TheoryDataRow<string>> WithRules => RuleConstruct.All.Where(c => c.Rules is not null).Select(c => new TheoryDataRow<string>(c.Name));

    /// <summary>What could break it: a rule that never applies measures nothing, one that applies where it should not, something else.</summary>
    [Theory]
    [MemberData(nameof(WithRules))]
    public void A_rule_decides_each_request_or_none_as_its_construct_says(string name)
    {
        var construct = RuleConstruct.All.Single(c => c.Name == name);
        var folder = Directory.CreateTempSubdirectory("mvedsua-rules-");
        try
        {
            var cases = Path.Combine(folder.FullName, "load.cases");
            File.WriteAllText(Path.Combine(folder.FullName, "common.rules"), construct.Rules);
            (int Status, string Output, string Errors) Test(string by)
            {
                File.WriteAllText(cases, Cases(by));
                return Programs.RunToEnd(Built.Paths.Command, ["rules", "test", cases], TimeSpan.FromMinutes(1));
            }

            var decided = Test($" by \"{RuleConstruct.Rule}\"");
            Assert.True(decided.Status == (construct.Decides ? 0 : 1), decided.Output + decided.Errors);
            var plain = Test("");
            Assert.True(plain.Status == 0, plain.Output + plain.Errors);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_construct_is_told_with_what_it_adds()
    {
        double[] without = [1.0e-6, 1.2e-6, 1.1e-6], with = [1.1e-6, 1.26e-6, 1.2e-6];
        var row = RuleRows.Row("applies by a literal", with, without);
        Assert.Equal("rules, follower's CPU a request: applies by a literal", row.What);
        Assert.Equal("+100 ns, 1.091 × without rules", row.Note);
        Assert.Equal("kv 1.0 and 1.0 rebuilt", RuleRows.Row("no rules", without, without).Note);
    }

    /// <summary>A request of the load as the trace has it.</summary>
    private static string Cases(string by) => $"""
        rules common.rules

        test "a request"
        leader
          read(7, "GET check:0\n", 16384) = 12
          write(7, "VALUE value 0.1 0\n", 18) = 18
        follower
          read(7, "GET check:0\n", 16384) = 12{by}
          write(7, "VALUE value 0.1 0\n", 18) = 18

        """;
}
