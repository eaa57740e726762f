namespace Mvedsua.Drill;

/// <summary>What the command line says.</summary>
/// <param name="Kills">End after so many; 0: no limit.</param>
/// <param name="Time">No session begins later than this after the start; zero: no limit.</param>
/// <param name="Seed">Everything that is drawn follows from it.</param>
/// <param name="Server">A name of <see cref="DrillServers"/>.</param>
/// <param name="Session">Only this one of the seed's sessions.</param>
/// <param name="Length">Kills in one session.</param>
/// <param name="Followers">So many follow at once; with more than one nobody is killed at fault points.</param>
/// <param name="Only">Only kills of these kinds, and none at fault points; empty: all.</param>
internal sealed record DrillOptions(int Kills, TimeSpan Time, int Seed, string Server, int? Session, int Length, int Followers, Kill[] Only)
{
    /// <summary>The command that repeats one session.</summary>
    internal string Replay(int session) =>
        $"make drill DRILL='--server {Server} --seed {Seed} --session {session} --length {Length}{(Followers > 1 ? $" --followers {Followers}" : "")}{string.Concat(Only.Select(kill => $" --only {kill}"))}'";
}
