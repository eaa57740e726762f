using System.Diagnostics;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication;

/// <summary>Makes experiments one after the other; after each, the result file holds what there is.</summary>
/// <param name="Experiments">Which.</param>
/// <param name="Effort">How often and how long.</param>
/// <param name="Paths">The programs, and the run's folder.</param>
internal sealed record Runner(IReadOnlyList<Experiment> Experiments, Effort Effort, Paths Paths)
{
    /// <summary>What was measured, up to an interruption.</summary>
    internal RunFile Run(DateTimeOffset begun, Machine machine, TextWriter output, TextWriter progress)
    {
        var run = new RunFile(RunFile.CurrentFormat, begun, Effort, machine, [.. Experiments.Select(e => e.Name)], []);
        output.WriteLine(string.Join('\n', Conditions.Of(run)));
        run.Write(Paths.Results);
        foreach (var experiment in Experiments)
        {
            if (Interruption.Requested) break;
            progress.WriteLine($"measuring: {experiment.Name}");
            var outcome = Measure(experiment);
            run = run with { Outcomes = [.. run.Outcomes, outcome] };
            run.Write(Paths.Results);
            output.WriteLine($"\n{experiment.Title} ({experiment.Name}){string.Concat(Conditions.Of(outcome).Select(c => $"\n{c}"))}");
            if (outcome.Results.Count > 0) output.WriteLine(Table.Format(outcome.Results));
        }

        return run;
    }

    private Outcome Measure(Experiment experiment)
    {
        var begin = Stopwatch.GetTimestamp();
        var results = new List<Result>();
        var log = new RunLog();
        Foreign? others = null;
        Outcome End(string? failure) => new(experiment.Name, Stopwatch.GetElapsedTime(begin).TotalSeconds,
            others is { } before ? Disturbance.Cores(before, Disturbance.Now()) : 0, results, failure, Rounds: log.Series, Servers: log.Servers);
        try
        {
            if (experiment.Prepare(Paths) is { } why) return new Outcome(experiment.Name, 0, 0, [], LeftOut: why);
            others = Disturbance.Now(); // not of what is built before
            foreach (var result in experiment.Measure(Paths with { Log = log }, Effort)) results.Add(result);
            return End(Interruption.Requested ? "interrupted" : null); // it may have fewer rounds than were asked for
        }
        catch (Exception e)
        {
            // Whatever it is: the other experiments are still worth having.
            return End(Interruption.Requested ? "interrupted" : e is BenchException ? e.Message : $"{e.GetType().Name}: {e.Message}");
        }
    }
}
