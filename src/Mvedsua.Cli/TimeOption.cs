using System.CommandLine;
using System.CommandLine.Parsing;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli;

/// <summary>Options whose value is a time.</summary>
internal static class TimeOption
{
    internal static Option<TimeSpan?> Create(string name, string description) =>
        new(name) { Description = description, HelpName = "TIME", CustomParser = Parse };

    private static TimeSpan? Parse(ArgumentResult result)
    {
        if (TimeText.TryParseDuration(result.Tokens[0].Value, out var time)) return time;
        result.AddError($"'{result.Tokens[0].Value}' is not a time; write it like 30s, 500ms or 5m");
        return null;
    }
}
