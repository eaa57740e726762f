using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>The other servers under a load that checks every answer, with 50 connections: CPU a request, throughput.</summary>
internal static class ServerRows
{
    private const int Clients = 50;

    /// <summary>With what the leader may cost (order between threads costs more than none), and Varan's throughput with one
    /// follower.</summary>
    internal static readonly (Recipe Recipe, double Leader, string Varan)[] Servers =
    [
        (Recipe.Beanstalkd, 1.05, "92 %"),
        (Recipe.Lighttpd, 1.05, "94 %"),
        (Recipe.Nginx, 1.05, "72 %"),
        (Recipe.Memcached(4), 1.15, "88 %"),
    ];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        foreach (var (recipe, leader, varan) in Servers)
        {
            using var rounds = new Rounds(paths, recipe);
            var ratios = rounds.Measure(rounds.Checked(Clients), effort, instructions: true);
            foreach (var result in Results(recipe.Name, leader, varan, ratios)) yield return result;
        }

        foreach (var result in Ratios.NoInstructions()) yield return result;
    }

    private static IEnumerable<Result> Results(string server, double leader, string varan, Ratios ratios) =>
    [
        new($"{server}: solo, server CPU a request", ratios.Cpu(Mode.Solo, r => r.Server), Unit.Ratio,
            Note: string.Create(CultureInfo.InvariantCulture, $"native {ratios.Native.Median * 1e6:0.00} µs")),
        new($"{server}: leader's CPU a request", ratios.Cpu(Mode.Follower, r => r.Server), Unit.Ratio, leader),
        new($"{server}: follower's CPU a request", ratios.Cpu(Mode.Follower, r => r.Follower), Unit.Ratio, 0.5),
        .. ratios.Instructions(server, (Mode.Solo, "solo, server's"), (Mode.Follower, "leader's")),
        new($"{server}: load generator's CPU a request, of the native server's", ratios.Cpu(Mode.Follower, r => r.Load), Unit.Ratio),
        new($"{server}: throughput with one follower", ratios.Throughput, Unit.Percent, Published: varan + " Varan, a core each",
            Note: string.Create(CultureInfo.InvariantCulture, $"native {ratios.Thousands(Mode.Native):0} k/s{ratios.Behind(Mode.Follower)}")),
    ];
}
