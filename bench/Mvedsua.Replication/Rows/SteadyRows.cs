using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Requests a second in the layout of Mvedsua's table of the steady state: one program after the other, natively, under the library alone (which they
/// don't have), as a leader alone, with leader and follower.</summary>
internal static class SteadyRows
{
    private const int Clients = 50;

    private static readonly (Recipe Recipe, string Native, string Alone, string Both)[] _servers =
    [
        (Recipe.Memcached(4), "249 k/s", "226 Mvedsua (−9 %), 234 Varan (−6 %)", "121 Mvedsua (−52 %), 125 Varan (−50 %)"),
        (Recipe.Redis(), "73 k/s", "69 Mvedsua (−6 %), 68 Varan (−8 %)", "43 Mvedsua (−42 %), 41 Varan (−44 %)"),
    ];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        foreach (var (recipe, native, alone, both) in _servers)
        {
            using var rounds = new Rounds(paths, [Arm.Native(recipe), Arm.Solo(recipe), Arm.Leader(recipe), Arm.Followed(recipe, 1)]);
            var ratios = rounds.Measure(rounds.Checked(Clients), effort);
            yield return Row(recipe.Name, "native", ratios, Mode.Native, native);
            yield return Row(recipe.Name, "the library alone (no session)", ratios, Mode.Solo, "–");
            yield return Row(recipe.Name, "leader alone", ratios, Mode.Session, alone);
            yield return Row(recipe.Name, "leader and follower", ratios, Mode.Follower, both);
        }

        yield return Result.LeftOut("vsftpd, files of 5 B and of 10 MB", "there is no load for FTP here; published: 2667 and 118 natively, 2001 and 89 with a follower");
    }

    private static Result Row(string server, string how, Ratios ratios, Mode mode, string published) => new(
        $"{server}: {how}", Sample.Of(ratios.Rates(mode)), Unit.Thousands, Published: published,
        Note: mode == Mode.Native ? "" : string.Create(CultureInfo.InvariantCulture, $"{(Sample.OfRatios(ratios.Rates(mode), ratios.Rates(Mode.Native)).Median - 1) * 100:+0.0;−0.0} %{ratios.Behind(mode)}"));
}
