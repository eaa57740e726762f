using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What each construct of the rule language costs the follower a request: the sample server and a rebuilt one, a session of their own for each construct.
/// (A rule that makes other calls of the leader's is RuleRow's: that takes two versions.)</summary>
internal static class RuleRows
{
    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        var sessions = new List<Server>();
        var folder = Directory.CreateTempSubdirectory("mvedsua-bench-rules-");
        try
        {
            foreach (var construct in RuleConstruct.All) sessions.Add(Start(paths, construct, folder));
            List<double> Round() => sessions.ConvertAll(s => RuleRow.FollowersCpu(paths, s, effort.Requests));
            Round(); // warms up
            var rounds = paths.Log.Repeat("rules", effort.Rounds, Round);
            double[][] costs = [.. sessions.Select((_, i) => rounds.Select(r => r[i]).ToArray())];
            return [.. RuleConstruct.All.Zip(costs, (construct, cost) => Row(construct.Name, cost, costs[0]))];
        }
        finally
        {
            sessions.ForEach(s => s.Dispose());
            folder.Delete(recursive: true);
        }
    }

    internal static Result Row(string construct, IReadOnlyList<double> cost, IReadOnlyList<double> without) => new(
        $"rules, follower's CPU a request: {construct}", Sample.Of(cost), Unit.Microseconds, Note: ReferenceEquals(cost, without) ? "kv 1.0 and 1.0 rebuilt" : string.Create(
            CultureInfo.InvariantCulture, $"{Sample.OfDifferences(cost, without).Median * 1e9:+0;-0;0} ns, {Sample.OfRatios(cost, without).Median:0.000} × without rules"));

    private static Server Start(Paths paths, RuleConstruct construct, DirectoryInfo folder)
    {
        var session = new Server(paths, Mode.Session, Recipe.Kv(paths.Kv("1.0")));
        try
        {
            var description = Path.Combine(Paths.Rules("kv/1.0-1.1"), "update.description");
            session.Update(new NewVersion(paths.Kv("1.0-rebuilt"), description, construct.Rules is { } rules ? Write(folder, construct.Name, rules) : null));
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static string Write(DirectoryInfo folder, string construct, string rules)
    {
        var own = folder.CreateSubdirectory(construct.Replace(' ', '-')).FullName;
        File.WriteAllText(Path.Combine(own, "common.rules"), rules);
        return own;
    }
}
