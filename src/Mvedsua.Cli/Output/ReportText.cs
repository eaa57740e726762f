using System.Globalization;
using System.Text;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Output;

/// <summary>A divergence report as text.</summary>
internal static class ReportText
{
    internal static string Format(DivergenceReport report)
    {
        var text = new StringBuilder();
        var who = report.Reason == "leader-died" ? "leader" : "follower";
        text.AppendLine(CultureInfo.InvariantCulture, $"{report.Session}: {who} ended ({report.Reason}), {report.When.ToLocalTime():yyyy-MM-dd HH:mm:ss}");
        text.AppendLine(report.Summary);
        if (report.Difference is { } difference)
        {
            text.AppendLine();
            var at = difference.Offset is { } offset ? string.Create(CultureInfo.InvariantCulture, $", byte {offset}") : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"First difference: {difference.Where}{at}");
            text.AppendLine(CultureInfo.InvariantCulture, $"  leader    {difference.Leader}");
            text.AppendLine(CultureInfo.InvariantCulture, $"  follower  {difference.Follower}");
        }

        Side(text, "Leader", report.Leader, report.Thread);
        Side(text, "Follower", report.Follower, report.Thread);
        if (report.Rules is { } rules)
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Rules in force: {rules.File}; tried anew:");
            foreach (var line in rules.Tried) text.AppendLine(CultureInfo.InvariantCulture, $"  - {line}");
        }

        if (report.Causes.Count > 0)
        {
            text.AppendLine().AppendLine("What could have caused it:");
            foreach (var cause in report.Causes) text.AppendLine(CultureInfo.InvariantCulture, $"  - {cause}");
        }

        return text.ToString();
    }

    private static void Side(StringBuilder text, string title, DivergenceSide side, int thread)
    {
        if (side.Calls.Count == 0 && side.Backtrace.Count == 0) return; // nothing is known of it
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{title}, thread {thread}");
        for (var i = 0; i < side.Calls.Count; i++)
        {
            var mark = i == side.Calls.Count - 1 ? '>' : ' ';
            text.AppendLine(CultureInfo.InvariantCulture, $"{mark} {side.Calls[i].Sequence,8}  {side.Calls[i]}");
        }

        for (var i = 0; i < side.Backtrace.Count; i++)
            text.AppendLine(CultureInfo.InvariantCulture, $"  #{i,-2} {side.Backtrace[i]}");
    }
}
