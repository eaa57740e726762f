using System.ComponentModel;
using System.Diagnostics;

namespace Mvedsua.Replication.Measuring;

/// <summary>Runs a program to its end.</summary>
internal static class Programs
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);

    /// <summary>Its standard output. Throws when it fails or takes more than three minutes.</summary>
    internal static string Run(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        RunBoth(program, arguments, environment).Output;

    /// <summary>Standard output and standard error.</summary>
    internal static (string Output, string Errors) RunBoth(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var (status, output, errors) = RunToEnd(program, arguments, _patience, environment);
        return status == 0 ? (output, errors) : throw new BenchException($"{program} {string.Join(' ', arguments)}: exit status {status}\n{errors}");
    }

    /// <summary>What a small program says, on both its outputs; null: there is none of that name, or it fails.</summary>
    internal static string? Ask(string program, params string[] arguments)
    {
        try
        {
            var (status, output, errors) = RunToEnd(program, arguments, TimeSpan.FromSeconds(20));
            return status == 0 ? (output + errors).Trim() : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Where a program stands, by the search path unless its name has a slash; null: nowhere.</summary>
    internal static string? Find(string program) => (program.Contains('/', StringComparison.Ordinal)
        ? [program]
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program))).FirstOrDefault(File.Exists);

    /// <summary>Also a program that fails: exit status, standard output, standard error.</summary>
    internal static (int Status, string Output, string Errors) RunToEnd(
        string program, IEnumerable<string> arguments, TimeSpan patience, params (string Name, string Value)[] environment)
    {
        Interruption.ThrowIfRequested();
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            throw new BenchException($"{program} did not end within {patience.TotalMinutes} minutes");
        }

        return (process.ExitCode, output.Result, errors.Result);
    }
}

/// <summary>A measurement that can't be made; the message says why.</summary>
internal sealed class BenchException(string message) : Exception(message);
