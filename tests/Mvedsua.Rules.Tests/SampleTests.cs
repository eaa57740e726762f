using Mvedsua.Rules.Cases;
using Mvedsua.Rules.Checking;

namespace Mvedsua.Rules.Tests;

/// <summary>The rules of the sample servers (rules/) are good, and their cases hold.</summary>
public sealed class SampleTests
{
    public static TheoryData<string> CaseFiles { get; } = [.. Directory.GetFiles(Folder, "*.cases", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Folder, file))];

    private static string Folder => Path.Combine(Root(), "rules");

    [Theory]
    [MemberData(nameof(CaseFiles))]
    public void The_cases_of_a_file_hold(string file)
    {
        var path = Path.Combine(Folder, file);
        var cases = CaseParser.Parse(File.ReadAllText(path));
        Assert.True(cases.Problems.Count == 0, string.Join('\n', cases.Problems));
        var rules = RuleChecker.Check(File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, cases.RulesPath!)));
        Assert.True(rules.Problems.Count == 0, string.Join('\n', rules.Problems));
        foreach (var result in cases.Cases.Select(new CaseRunner(rules.Rules!).Run))
            Assert.True(result.Failures.Count == 0, $"{result.Case.Name}: {string.Join('\n', result.Failures)}\n{Texts.Explained(result)}");
    }

    [Fact]
    public void Every_file_of_rules_has_cases()
    {
        var rules = Directory.GetFiles(Folder, "*.rules", SearchOption.AllDirectories);
        Assert.NotEmpty(rules);
        Assert.All(rules, file => Assert.True(File.Exists(Path.ChangeExtension(file, ".cases")), $"{file} has no cases"));
    }

    internal static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
