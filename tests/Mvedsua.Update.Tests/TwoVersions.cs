using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Tests;

/// <summary>Two versions of a C program, compiled with debug information and compared.</summary>
internal sealed class TwoVersions : IDisposable
{
    private readonly Workbench _workbench = new();

    /// <param name="old">The old version's C text.</param>
    /// <param name="new">The new version's.</param>
    /// <param name="description">What the description says.</param>
    /// <param name="flags">Further words for the compiler.</param>
    internal TwoVersions(string old, string @new, string description = "", params string[] flags)
    {
        const string main = "\nint main(void) { return 0; }\n";
        Old = DebugFile.Open(_workbench.Compile("old", old + main, ["-g", "-w", .. flags]));
        New = DebugFile.Open(_workbench.Compile("new", @new + main, ["-g", "-w", .. flags]));
        Description = Description.Read(description, Path.Combine(_workbench.Folder, "test.update"), Old, New);
        Comparison = Comparison.Of(Old, New, Description.Hints);
    }

    internal DebugFile Old { get; }
    internal DebugFile New { get; }
    internal Description Description { get; }
    internal Comparison Comparison { get; }

    /// <summary>All differences, as people read them.</summary>
    internal IEnumerable<string> Differences => Comparison.Graph.Pairs.SelectMany(p => p.Differences).Select(d => d.ToString()).Distinct();

    internal TypePair RootOf(string variable) => Comparison.Roots.Single(r => r.Old.Name == variable).Pair;

    public void Dispose()
    {
        Old.Dispose();
        New.Dispose();
        _workbench.Dispose();
    }
}
