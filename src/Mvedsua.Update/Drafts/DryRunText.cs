using System.Globalization;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Drafts;

/// <summary>A dry run as people read it.</summary>
public static class DryRunText
{
    private const int MostNames = 12;

    /// <summary>Writes it.</summary>
    public static void Write(TextWriter to, DryRun run)
    {
        var c = CultureInfo.InvariantCulture;
        to.WriteLine($"from  {run.From}");
        to.WriteLine($"to    {run.To}");
        to.WriteLine();
        to.WriteLine(Summary(run));
        foreach (var type in run.Types)
        {
            to.WriteLine();
            to.WriteLine(string.Create(c, $"{type.Name}  ({type.OldSize} bytes, now {type.NewSize}; reached by {type.ReachedBy})"));
            foreach (var difference in type.Differences)
                to.WriteLine($"  {Mark(difference.Kind)} {(difference.Path == type.Name ? "" : Field(difference.Path, type.Name) + ": ")}{difference.Text}{(difference.Kind == DifferenceKind.NewField ? "; begins as zero" : "")}");
        }

        to.WriteLine();
        to.WriteLine(string.Create(c, $"Variables: {run.UnchangedVariables} as they were, {run.ConvertedVariables.Count} converted, {run.NewVariables.Count} new, {run.GoneVariables.Count} gone."));
        List("converted", run.ConvertedVariables);
        List("new", run.NewVariables);
        List("gone", run.GoneVariables);
        foreach (var place in run.Opaque) to.WriteLine($"  {place.Kind}: {place.Path}: {place.Consequence}");
        to.WriteLine();
        if (run.IsPossible)
        {
            to.WriteLine("Types need no further word.");
            return;
        }

        to.WriteLine("The description must say what becomes of:");
        foreach (var need in run.Needs) to.WriteLine($"  {need}{(need.Cure is null ? "" : $"\n      {need.Cure}")}");

        void List(string what, IReadOnlyList<string> names)
        {
            if (names.Count == 0) return;
            var more = names.Count > MostNames ? string.Create(c, $" and {names.Count - MostNames} more") : "";
            to.WriteLine($"  {what}: {string.Join(", ", names.Take(MostNames))}{more}");
        }
    }

    private static string Summary(DryRun run)
    {
        if (run.Types.Count == 0) return run.ConvertedVariables.Count == 0 ? "No type has changed: nothing is converted." : "Types of variables have changed.";
        var types = run.Types.Count == 1 ? "1 type has changed" : string.Create(CultureInfo.InvariantCulture, $"{run.Types.Count} types have changed");
        return types + (run.WalksHeap ? "; objects on the heap are converted." : ", of variables only: the heap is not walked.");
    }

    private static string Field(string path, string type) => path.StartsWith(type + ".", StringComparison.Ordinal) ? path[(type.Length + 1)..]
        : path;

    private static char Mark(DifferenceKind kind) => kind switch
    {
        DifferenceKind.NewField => '+',
        DifferenceKind.GoneField => '-',
        DifferenceKind.NeedsWord => '!',
        DifferenceKind.Described => '=',
        DifferenceKind.Notice => ' ',
        _ => '~',
    };
}
