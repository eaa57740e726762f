using System.Globalization;
using System.Text.Json;
using Mvedsua.Coordinator.Control;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Mvedsua.Cli.Output;

/// <summary>The state of sessions as text.</summary>
internal static class StatusTables
{
    /// <summary>One row a session.</summary>
    internal static IRenderable List(IEnumerable<SessionStatus> sessions)
    {
        var table = Terminal.Table("NAME", "STAGE", "LEADER", "FOLLOWER", "LAG", "COMMAND");
        foreach (var s in sessions)
        {
            table.AddRow(
                Markup.Escape(s.Name), StageName(s.Stage), Number(s.Leader.Pid), Pids(s),
                s.Follower is null ? "-" : ByteSize.Format(s.Lag.Bytes), Markup.Escape(Path.GetFileName(s.Command[0])));
        }

        return table;
    }

    /// <summary>All about one session, a line a matter.</summary>
    internal static IRenderable Details(SessionStatus s)
    {
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) }).AddColumn();
        Add("session", $"[bold]{Markup.Escape(s.Name)}[/]");
        Add("stage", StageName(s.Stage));
        if (s.Update is { } update) Add("update", Markup.Escape(Describe(update)));
        Add("command", Markup.Escape(string.Join(' ', s.Command.Select(Quoted))));
        Add("started", s.Started.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
        Add("leader", $"[green]{Describe(s.Leader)}[/]");
        if (s.Followers.Count == 0) Add("follower", "none");
        foreach (var f in s.Followers)
        {
            Add("follower", $"[blue]{Describe(new ProcessStatus(f.Pid, f.LogicalPid, f.Threads))}[/]{(f.State == "replaying" ? "" : $", {f.State}")}");
            Add("lag", $"{Number(f.Lag.Events)} events, {ByteSize.Format(f.Lag.Bytes)}");
        }

        Add("sites", $"{Number(s.Sites.Rewritten)} rewritten, {Number(s.Sites.Trapped)} trapped, {Number(s.Sites.Refused)} refused");
        Add("log", $"{ByteSize.Format(s.Log.Bytes)} of at most {ByteSize.Format(s.Log.Limit)}");
        foreach (var past in s.History)
            Add(past.When.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture), Markup.Escape(past.What));
        return grid;

        void Add(string what, string text) => grid.AddRow($"[grey]{what}[/]", text);
    }

    /// <summary>One line, for --watch into a pipe.</summary>
    internal static string Line(SessionStatus s) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{s.Name} {StageName(s.Stage)} leader={s.Leader.Pid} follower={Pids(s)} lag.events={s.Lag.Events} lag.bytes={s.Lag.Bytes}");

    private static string Pids(SessionStatus s) => s.Followers.Count == 0 ? "-" : string.Join(',', s.Followers.Select(f => Number(f.Pid)));

    private static string Describe(ProcessStatus p) =>
        $"pid {Number(p.Pid)}{(p.LogicalPid == p.Pid ? "" : $" (sees itself as {Number(p.LogicalPid)})")}, {Number(p.Threads)} thread{(p.Threads == 1 ? "" : "s")}";

    private static string Describe(UpdateStatus u)
    {
        var text = $"{Words(u.Step)}, to {u.To ?? "a version that this coordinator does not know"}";
        if (u.Attempts > 1) text += $", attempt {Number(u.Attempt ?? 0)} of {Number(u.Attempts.Value)}";
        if (u.Until is { } until) text += $", until {until.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)}";
        return text;
    }

    private static string StageName(Stage stage) => Words(stage);

    private static string Words(Enum name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name.ToString()).Replace('-', ' ');

    /// <summary>A word as a shell would need it to be written.</summary>
    private static string Quoted(string word) => word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_./:=,+@%".Contains(c))
        ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
