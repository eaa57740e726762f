using System.Diagnostics;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>One update under load, from one old version that serves alone to the next time that it does.</summary>
/// <param name="Reply">What the update said.</param>
/// <param name="Update">What clients saw from the request for it until the new version was compared.</param>
/// <param name="CatchUp">From then until it had replayed what came meanwhile.</param>
/// <param name="Usual">After that, with a follower and nothing else.</param>
/// <param name="Promotion">While the new version became the leader.</param>
/// <param name="Rollback">While the old one became it again, and the new one ended.</param>
/// <param name="Errors">Of the whole round.</param>
/// <param name="OnTop">Bytes that both versions take together beyond what the old one took alone, as the new one follows.</param>
internal sealed record UpdateRound(UpdateReply Reply, Phase Update, Phase CatchUp, Phase Usual, Phase Promotion, Phase Rollback, long Errors, double OnTop)
{
    /// <summary>Of the whole update: from the request for it until the new version has caught up.</summary>
    internal double Longest => Math.Max(Update.Longest, CatchUp.Longest);

    internal double Seconds => Update.Seconds + CatchUp.Seconds;

    private const int CloseEvents = 5_000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    internal static UpdateRound Measure(Paths paths, Server session, NewVersion version, int connections)
    {
        using var load = new CheckingLoad(paths, "redis", session.Port, connections);
        load.AwaitProgress(1);
        var alone = Memory.Share(session.Pid);
        load.NextPhase();
        var reply = session.Update(version);
        load.NextPhase();
        load.AwaitProgress(1);
        AwaitClose(session);
        var roles = session.Roles();
        var together = Memory.Share(roles.Server) + Memory.Share(roles.Follower!.Value);
        load.NextPhase();
        load.AwaitProgress(1);
        AwaitClose(session); // once more: the start of a command is in the usual as it is in the promotion
        load.NextPhase();
        session.Promote();
        load.AwaitProgress(1);
        load.NextPhase();
        session.Rollback();
        load.AwaitProgress(1);
        var phases = load.End();
        return new UpdateRound(reply, phases[1], phases[2], phases[3], phases[4], phases[5], phases.Sum(p => p.Errors), together - alone);
    }

    /// <summary>Until the new version has caught up with what came while it was made: that takes a core of its own. Under load there are always
    /// some events that it has yet to replay.</summary>
    private static void AwaitClose(Server session)
    {
        var begin = Stopwatch.GetTimestamp();
        for (var status = session.Status(); status.LagEvents > CloseEvents || status.Follower is null; status = session.Status())
        {
            if (status.Follower is null) throw new BenchException($"the new version is gone:\n{session.Report()}");
            if (Stopwatch.GetElapsedTime(begin) > _patience) throw new BenchException($"the new version is {status.LagEvents} events behind {_patience.TotalSeconds} s after the update");
        }
    }
}
