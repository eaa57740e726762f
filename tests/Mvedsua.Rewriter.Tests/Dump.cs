using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mvedsua.Rewriter.Tests;

/// <summary>A window that the rewriter has replaced, as rewrite-dump prints it. Addresses are the file's own.</summary>
public sealed record Rewritten(long Window, long Trampoline, long Slot, string Before, string After, string Code,
    long? Pad, string? PadAfter);

/// <summary>What the rewriter made of one file.</summary>
public sealed class Dump
{
    public required string Path { get; init; }

    /// <summary>Why the file couldn't be mapped; null: it was.</summary>
    public string? Error { get; init; }

    /// <summary>What was added to the file's addresses where it was mapped.</summary>
    public ulong Bias { get; init; }
    public Dictionary<ulong, string> Places { get; } = [];
    public List<Rewritten> Windows { get; } = [];
    public List<(int Status, uint Trapped)> Totals { get; } = [];

    private sealed record Line(string? File, string? Error, string? Bias, string? Verdict, ulong Site, int Status,
        uint Trapped, long Window, long Trampoline, long Slot, string? Before, string? After, string? Code, long? Pad,
        string? PadAfter);

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <summary>Runs rewrite-dump over the files.</summary>
    public static List<Dump> Run(IEnumerable<string> files)
    {
        var start = new ProcessStartInfo(Workbench.RewriteDump) { RedirectStandardOutput = true };
        foreach (string file in files)
            start.ArgumentList.Add(file);
        using var process = Process.Start(start)!;
        var dumps = new List<Dump>();
        while (process.StandardOutput.ReadLine() is { } text)
        {
            var line = JsonSerializer.Deserialize<Line>(text, Options)!;
            if (line.File is not null)
            {
                dumps.Add(new Dump
                {
                    Path = line.File,
                    Error = line.Error,
                    Bias = line.Bias is null ? 0 : Convert.ToUInt64(line.Bias, 16),
                });
            }
            else if (line.Verdict == "total")
            {
                dumps[^1].Totals.Add((line.Status, line.Trapped));
            }
            else if (line.Verdict == "rewritten")
            {
                dumps[^1].Windows.Add(new Rewritten(line.Window, line.Trampoline, line.Slot, line.Before!, line.After!,
                    line.Code!, line.Pad, line.PadAfter));
            }
            else
            {
                dumps[^1].Places[line.Site] = line.Verdict!;
            }
        }
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return dumps;
    }
}
