using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

// Usage: Mvedsua.Replication [--quick] [--only GROUP,…] [--seconds N] [--record FILE] [OUT]. Prints the measurements of the Speed table.
(string Name, Func<Paths, Effort, IEnumerable<Result>> Measure)[] groups =
[
    ("getppid", GetppidRow.Measure), ("publish", PublishRow.Measure), ("calls", CallsRow.Measure), ("monitors", MonitorsRow.Measure), ("locks", LocksRow.Measure), ("load", LoadRows.Measure), ("servers", ServerRows.Measure), ("latency", LatencyRows.Measure),
    ("start-up", StartUpRow.Measure), ("idle", IdleRow.Measure), ("fork", ForkRows.Measure), ("failover", FailoverRow.Measure),
    ("update", UpdateRows.MeasureRedis), ("update-kv", UpdateRows.MeasureKv), ("rules", RuleRows.Measure), ("timeline", UpdateRows.MeasureTimeline),
];

var words = args.ToList();
var effort = words.Remove("--quick") ? Effort.Quick : Effort.Full;
if (Option("--seconds") is { } length) effort = effort with { TimelineSeconds = double.TryParse(length, CultureInfo.InvariantCulture, out var seconds) && seconds >= 8 ? seconds : 0 };
var only = Option("--only")?.Split(',');
var record = Option("--record");
if (words.Count > 1 || words.Exists(w => w.StartsWith('-')) || effort.TimelineSeconds == 0 || (only?.Any(o => groups.All(g => g.Name != o)) ?? false))
{
    Console.Error.WriteLine($"usage: Mvedsua.Replication [--quick] [--only {string.Join(',', groups.Select(g => g.Name))}] [--seconds N (of the figure's curves, at least 8)] [--record FILE] [OUT]");
    return 2;
}

var paths = new Paths(Path.GetFullPath(words.FirstOrDefault() ?? "out"));
string? leftOut = null;
if (only?.Any(o => o is "update" or "timeline") ?? true)
{
    try
    {
        leftOut = UpdateRows.Prepare(paths);
    }
    catch (BenchException e)
    {
        Console.Error.WriteLine($"update can't be prepared: {e.Message}");
        return 1;
    }
}

var begin = Stopwatch.GetTimestamp();
var conditions = $"{Machine.Describe()}\nmedians of {effort.Rounds} interleaved rounds; marked 'disturbed' where other processes used more than {Disturbance.Tolerated} cores meanwhile";
if (leftOut is not null) conditions += $"\n{leftOut}";
Console.WriteLine(conditions + "\n");

var results = new List<Result>();
var failed = false;
foreach (var (name, measure) in groups.Where(g => only?.Contains(g.Name) ?? true))
{
    Console.Error.WriteLine($"measuring: {name}");
    var disturbance = new Disturbance();
    var found = new List<Result>();
    try
    {
        found.AddRange(measure(paths, effort));
    }
    catch (BenchException e)
    {
        failed = true;
        Console.Error.WriteLine($"{name} could not be measured: {e.Message}");
    }

    var cores = disturbance.Cores;
    results.AddRange(found.Select(r => r with { Disturbed = cores }));
}

var table = Table.Format(results);
Console.WriteLine(table);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nmeasured in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s"));
if (record is not null && !failed) File.WriteAllText(record, LastRun.Replace(File.ReadAllText(record), $"{conditions}\n\n{table}"));
return failed ? 1 : 0;

string? Option(string name)
{
    var at = words.IndexOf(name);
    if (at < 0 || at + 1 >= words.Count) return null;
    var value = words[at + 1];
    words.RemoveRange(at, 2);
    return value;
}
