using System.CommandLine;
using Mvedsua.Replication.Results;

namespace Mvedsua.Replication.Verbs;

/// <summary><c>mvedsua-bench compare A B</c>.</summary>
internal static class CompareVerb
{
    internal static Command Create()
    {
        var first = new Argument<string>("A") { Description = "A run's folder, or its results.json" };
        var second = new Argument<string>("B") { Description = "Another one's" };
        var command = new Command("compare", "Compares two runs row by row: the ratio of the medians with its interval, and whether it is a change.") { first, second };
        command.SetAction(parsed =>
        {
            Console.WriteLine(Comparison.Of(RunFile.Read(parsed.GetValue(first)!), RunFile.Read(parsed.GetValue(second)!)));
            return (int)Exit.Ok;
        });
        return command;
    }
}
