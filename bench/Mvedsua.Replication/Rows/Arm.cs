using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>One side of a comparison: a server and how it is run.</summary>
/// <param name="Name">As figures and tables name it.</param>
/// <param name="Mode">How it is run.</param>
/// <param name="Recipe">The server.</param>
/// <param name="Followers">So many, with <see cref="Mode.Follower"/>.</param>
internal sealed record Arm(string Name, Mode Mode, Recipe Recipe, int Followers = 0)
{
    internal static Arm Native(Recipe recipe) => new("native", Mode.Native, recipe);

    internal static Arm Solo(Recipe recipe) => new("solo", Mode.Solo, recipe);

    /// <summary>Under <c>mvedsua run</c>, without a follower.</summary>
    internal static Arm Leader(Recipe recipe) => new("leader alone", Mode.Session, recipe);

    internal static Arm Followed(Recipe recipe, int followers) => new($"{followers} follower{(followers == 1 ? "" : "s")}", Mode.Follower, recipe, followers);

    /// <summary>Natively, under the library alone, with 1 to <paramref name="most"/> followers.</summary>
    internal static Arm[] All(Recipe recipe, int most = 1) =>
        [Native(recipe), Solo(recipe), .. Enumerable.Range(1, most).Select(n => Followed(recipe, n))];
}
