using System.CommandLine;
using System.Globalization;

namespace Mvedsua.Replication.Verbs;

/// <summary><c>mvedsua-bench list</c>: what can be measured.</summary>
internal static class ListVerb
{
    internal static Command Create()
    {
        var command = new Command("list", "Names the experiments: what each measures, on which servers, and what published figures stand beside it.");
        command.SetAction(_ =>
        {
            foreach (var e in Experiments.All) Console.WriteLine(Text(e));
            return (int)Exit.Ok;
        });
        return command;
    }

    private static string Text(Experiment e) => string.Create(CultureInfo.InvariantCulture, $"""
        {e.Name}: {e.Title}; about {e.Minutes:0.#} min; {Membership(e.Sets)}
          measures   {e.What} ({e.Metric})
          servers    {e.Servers}
          published  {(e.Source.Length > 0 ? e.Source : "nothing to stand beside")}

        """);

    private static string Membership(Sets sets) => sets switch
    {
        Sets.Both => "in every run",
        Sets.Default => "in 'run', not in 'run --quick'",
        Sets.Quick => "in 'run --quick' only",
        _ => "in 'run --all', or by name",
    };
}
