using System.Text.RegularExpressions;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Instructions;

/// <summary>make bench-check: no hot path of the shim takes more instructions than were accepted.</summary>
internal static partial class InstructionCheck
{
    private const int Ok = 0, TakesMore = 1, Usage = 2, NotCounted = 3;
    private static string Accepted => Path.Combine(Paths.Root, "bench", "instructions.tsv");

    /// <summary>The exit status: 0 as accepted, or accepted now; 1 a path takes more, or the table lacks one or has one too many; 2 usage; 3 nothing could be counted.</summary>
    internal static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter errors)
    {
        var words = arguments.ToList();
        var accept = words.Remove("--accept");
        var table = Accepted;
        if (words.IndexOf("--table") is var at && at >= 0 && at + 1 < words.Count)
        {
            table = words[at + 1];
            words.RemoveRange(at, 2);
        }

        if (words.Count > 1 || words.Exists(w => w.StartsWith('-')))
        {
            errors.WriteLine("usage: Mvedsua.InstructionCheck [--accept] [--table FILE] [OUT]");
            return Usage;
        }

        try
        {
            return Check(new Paths(Path.GetFullPath(words.FirstOrDefault() ?? "out")), table, accept, output);
        }
        catch (Exception e) when (e is BenchException or IOException or AggregateException or System.Net.Sockets.SocketException or TimeoutException)
        {
            errors.WriteLine($"the instructions could not be counted: {e.Message}");
            return NotCounted;
        }
    }

    private static int Check(Paths paths, string table, bool accept, TextWriter output)
    {
        var compiler = ParseCompiler(Programs.Run("readelf", ["-p", ".comment", paths.Library]));
        var entries = accept && !File.Exists(table) ? [] : InstructionTable.Parse(File.ReadAllText(table));
        var counts = InstructionCounts.Count(paths);
        var verdict = InstructionVerdict.Of(entries, counts, compiler);
        foreach (var line in verdict.Paths.Concat(accept ? [] : verdict.Notes)) output.WriteLine(line);
        if (!accept) return verdict.Failed ? TakesMore : Ok;
        File.WriteAllText(table, InstructionTable.Format(counts.Select(c => new InstructionEntry(c.Key, (int)c.Value.Median, compiler))));
        output.WriteLine($"accepted: {counts.Count} paths");
        return Ok;
    }

    /// <summary>Of readelf's line "  [     0]  GCC: (Debian 12.2.0-14) 12.2.0".</summary>
    internal static string ParseCompiler(string comment) => Words().Match(comment) is { Success: true } match
        ? match.Groups[1].Value.Trim()
        : throw new BenchException($"the library does not tell its compiler: '{comment.Trim()}'");

    [GeneratedRegex(@"^\s*\[\s*[0-9a-f]+\]\s+(\S.*)$", RegexOptions.Multiline)]
    private static partial Regex Words();
}
