using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Update.Types;

/// <summary>A variable of both versions.</summary>
public sealed record VariablePair(Variable Old, Variable New);

/// <summary>
/// Which variable of the new version is which of the old: globals by name, statics by file (without its folders), function and name, in
/// their order where several agree in all of that.
/// </summary>
public sealed class VariableMatching
{
    private VariableMatching(List<VariablePair> pairs, List<Variable> gone, List<Variable> added) => (Pairs, Gone, New) = (pairs, gone, added);

    public IReadOnlyList<VariablePair> Pairs { get; }

    /// <summary>Only in the old version.</summary>
    public IReadOnlyList<Variable> Gone { get; }

    /// <summary>Only in the new version.</summary>
    public IReadOnlyList<Variable> New { get; }

    /// <summary>Matches two files' variables.</summary>
    public static VariableMatching Match(DebugFile old, DebugFile @new, Hints hints)
    {
        var before = old.Variables.GroupBy(v => Key(v, v.Name)).ToDictionary(g => g.Key, g => new Queue<Variable>(g));
        var pairs = new List<VariablePair>();
        var added = new List<Variable>();
        foreach (var variable in @new.Variables)
        {
            var name = hints.OldGlobals.GetValueOrDefault(variable.Name, variable.Name);
            if (before.TryGetValue(Key(variable, name), out var same) && same.TryDequeue(out var found))
                pairs.Add(new VariablePair(found, variable));
            else added.Add(variable);
        }

        return new VariableMatching(pairs, before.Values.SelectMany(q => q).ToList(), added);
    }

    private static (string, string, string, bool) Key(Variable variable, string name) => variable.IsExternal && variable.Function is null
        ? ("", "", name, variable.IsThreadLocal)
        : (variable.Unit.FileName, variable.Function ?? "", name, variable.IsThreadLocal);
}
