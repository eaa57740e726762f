using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

// Usage: Mvedsua.Replication [--quick] [--only GROUP,…] [OUT]. Prints the measurements of the Speed table.
(string Name, Func<Paths, Effort, IEnumerable<Result>> Measure)[] groups =
[
    ("getppid", GetppidRow.Measure), ("publish", PublishRow.Measure), ("calls", CallsRow.Measure), ("load", LoadRows.Measure),
    ("start-up", StartUpRow.Measure), ("idle", IdleRow.Measure), ("failover", FailoverRow.Measure),
];

var words = args.ToList();
var effort = words.Remove("--quick") ? Effort.Quick : Effort.Full;
var only = words.IndexOf("--only") is >= 0 and var at && at + 1 < words.Count ? words[at + 1].Split(',') : null;
if (only is not null) words.RemoveRange(words.IndexOf("--only"), 2);
if (words.Count > 1 || words.Exists(w => w.StartsWith('-')) || (only?.Any(o => groups.All(g => g.Name != o)) ?? false))
{
    Console.Error.WriteLine($"usage: Mvedsua.Replication [--quick] [--only {string.Join(',', groups.Select(g => g.Name))}] [OUT]");
    return 2;
}

var paths = new Paths(Path.GetFullPath(words.FirstOrDefault() ?? "out"));
var begin = Stopwatch.GetTimestamp();
Console.WriteLine(Machine.Describe());
Console.WriteLine($"medians of {effort.Rounds} interleaved rounds; marked 'disturbed' where other processes used more than {Disturbance.Tolerated} cores meanwhile");
Console.WriteLine();

var results = new List<Result>();
var failed = false;
foreach (var (name, measure) in groups.Where(g => only?.Contains(g.Name) ?? true))
{
    Console.Error.WriteLine($"measuring: {name}");
    var disturbance = new Disturbance();
    try
    {
        var found = measure(paths, effort).ToList();
        var cores = disturbance.Cores;
        results.AddRange(found.Select(r => r with { Disturbed = cores }));
    }
    catch (BenchException e)
    {
        failed = true;
        Console.Error.WriteLine($"{name} could not be measured: {e.Message}");
    }
}

Console.WriteLine(Table.Format(results));
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nmeasured in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s"));
return failed ? 1 : 0;
