using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Figures;

/// <summary>What happens while the clients are served.</summary>
/// <param name="At">Seconds since the load began.</param>
/// <param name="Name">As it stands in the figure.</param>
/// <param name="Do">It.</param>
internal sealed record Moment(double At, string Name, Action Do);

/// <summary>One curve.</summary>
/// <param name="Name">As it stands in the legend.</param>
/// <param name="Intervals">What the clients saw.</param>
/// <param name="Errors">Requests that were not answered.</param>
internal sealed record Course(string Name, IReadOnlyList<Interval> Intervals, long Errors);

/// <summary>
/// Throughput and longest request over time, as Redis with a million keys becomes another version: Mvedsua's Figure 7 (ASPLOS 2019), with a native server
/// and one that is stopped and started again from its RDB file beside it.
/// </summary>
internal static class Timeline
{
    private const int Keys = 1_000_000, Connections = 50;

    /// <summary>What happens when, as parts of the whole.</summary>
    internal const double Updated = 0.25, Promoted = 0.5, Committed = 0.75;

    internal static IEnumerable<Result> Measure(Paths paths, double seconds, string old, NewVersion version)
    {
        Course native = Once(paths, "native", name => Run(paths, name, seconds, Recipe.RedisOf(old), Mode.Native, _ => []));
        Course restarted = Once(paths, "stop and restart", name => Restart(paths, name, seconds, old, version.To));
        Course updated = Once(paths, "Mvedsua", name => Run(paths, name, seconds, Recipe.RedisOf(old), Mode.Session, server =>
        [
            new(Updated, "update", () => server.Update(version)),
            new(Promoted, "promotion", server.Promote),
            new(Committed, "commit", () => server.Do("commit")),
        ]));
        Course[] courses = [native, restarted, updated];
        TimelineFile.Write(Path.Combine(paths.Results, "timeline.csv"), courses);
        TimelinePlot.Draw(Path.Combine(paths.Results, "timeline"), courses, seconds);
        foreach (Course course in courses) yield return Row(course, seconds, native);
    }

    private static Course Once(Paths paths, string name, Func<string, Course> measure) => paths.Log.Repeat($"time line, {name}", 1, () => measure(name))[0];

    private static Result Row(Course course, double seconds, Course native)
    {
        double Whole(Course c) => c.Intervals.Sum(i => i.Answers);
        int silent = course.Intervals.Count(i => i.Answers == 0);
        return new Result($"time line, redis, 1 M keys: longest request, {course.Name}", Sample.Of([course.Intervals.Max(i => i.Longest)]), Unit.Milliseconds, Note: string.Create(CultureInfo.InvariantCulture,
            $"{seconds:0} s; {Whole(course) / Whole(native) * 100:0} % of native's answers; {course.Errors} requests lost; {silent * TimedLoad.Length.TotalSeconds:0.0} s without an answer"));
    }

    private static Course Run(Paths paths, string name, double seconds, Recipe recipe, Mode mode, Func<Server, Moment[]> moments)
    {
        using var server = new Server(paths, mode, recipe with { Command = (port, folder) => [.. recipe.Command(port, folder), "--enable-debug-command", "local"] });
        Programs.Run("redis-cli", ["-p", $"{server.Port}", "debug", "populate", $"{Keys}"]);
        using var load = new TimedLoad(paths, recipe.Protocol, server.Port, Connections, seconds);
        foreach (Moment moment in moments(server))
        {
            load.Await(moment.At * seconds);
            moment.Do();
        }
        (IReadOnlyList<Interval> intervals, long errors) = load.End();
        return new Course(name, intervals, errors);
    }

    /// <summary>As operators do without Mvedsua: SHUTDOWN SAVE, then the new version, which loads what the old one saved.</summary>
    private static Course Restart(Paths paths, string name, double seconds, string old, string to)
    {
        string folder = Directory.CreateTempSubdirectory("mvedsua-bench-").FullName;
        try
        {
            Recipe With(string program, int? port = null) => new("redis", "redis",
                (any, _) => [program, "--port", $"{port ?? any}", "--dir", folder, "--save", "", "--enable-debug-command", "local"], "Ready to accept connections");
            Server? server = new(paths, Mode.Native, With(old));
            try
            {
                int port = server.Port;
                Programs.Run("redis-cli", ["-p", $"{port}", "debug", "populate", $"{Keys}"]);
                using var load = new TimedLoad(paths, "redis", port, Connections, seconds);
                load.Await(Updated * seconds);
                Programs.RunToEnd("redis-cli", ["-p", $"{port}", "shutdown", "save"], TimeSpan.FromMinutes(1));
                server.Dispose();
                server = null;
                server = new Server(paths, Mode.Native, With(to, port));
                (IReadOnlyList<Interval> intervals, long errors) = load.End();
                return new Course(name, intervals, errors);
            }
            finally
            {
                server?.Dispose();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
