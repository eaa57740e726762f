using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>One update under load, from one old version that serves alone to the next time that it does.</summary>
/// <param name="Reply">What the update said.</param>
/// <param name="Update">What clients saw from the request for it until the new version was compared.</param>
/// <param name="Usual">After that, with a follower and nothing else.</param>
/// <param name="Promotion">While the new version became the leader.</param>
/// <param name="Rollback">While the old one became it again, and the new one ended.</param>
/// <param name="Errors">Of the whole round.</param>
internal sealed record UpdateRound(UpdateReply Reply, Phase Update, Phase Usual, Phase Promotion, Phase Rollback, long Errors)
{
    internal static UpdateRound Measure(Paths paths, Server session, NewVersion version, int connections)
    {
        using var load = new CheckingLoad(paths, "redis", session.Port, connections);
        load.AwaitProgress(1);
        load.NextPhase();
        var reply = session.Update(version);
        load.NextPhase();
        load.AwaitProgress(1); // the new version catches up
        load.NextPhase();
        load.AwaitProgress(1);
        if (session.Status().Follower is null) throw new BenchException($"the new version is gone:\n{session.Report()}");
        load.NextPhase();
        session.Promote();
        load.AwaitProgress(1);
        load.NextPhase();
        session.Rollback();
        load.AwaitProgress(1);
        var phases = load.End();
        return new UpdateRound(reply, phases[1], phases[3], phases[4], phases[5], phases.Sum(p => p.Errors));
    }
}
