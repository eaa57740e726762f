namespace Mvedsua.Drill;

/// <summary>Who is killed, and when.</summary>
internal enum Kill
{
    Leader,
    LeaderCrash,
    Follower,
    Keeper,
    Coordinator,
    LeaderAndKeeper,
    LeaderAndCoordinator,
    FollowerAndCoordinator,
    FollowerAndKeeper,
    LeaderWhileAttaching,
    FollowerWhileAttaching,
    KeeperWhileAttaching,
    LeaderAndFollower,
}

internal static class Kills
{
    private static readonly (Kill Kill, int Weight)[] Weights =
    [
        (Kill.Leader, 40), (Kill.LeaderCrash, 6), (Kill.Follower, 10), (Kill.Keeper, 10), (Kill.Coordinator, 4), (Kill.LeaderAndKeeper, 4),
        (Kill.LeaderAndCoordinator, 4), (Kill.FollowerAndCoordinator, 3), (Kill.FollowerAndKeeper, 3), (Kill.LeaderWhileAttaching, 10),
        (Kill.FollowerWhileAttaching, 4), (Kill.KeeperWhileAttaching, 4), (Kill.LeaderAndFollower, 2),
    ];

    /// <summary>One of all, or of <paramref name="only"/>.</summary>
    internal static Kill Draw(Random random, Kill[] only)
    {
        (Kill Kill, int Weight)[] weights = only.Length == 0 ? Weights : [.. Weights.Where(w => only.Contains(w.Kill))];
        int left = random.Next(weights.Sum(w => w.Weight));
        foreach ((Kill kill, int weight) in weights)
            if ((left -= weight) < 0) return kill;
        throw new InvalidOperationException();
    }
}
