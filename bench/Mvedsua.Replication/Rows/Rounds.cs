using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>The arms of one comparison, loaded in turns. All servers live all the time: one that is idle takes less than half a per cent of a core (the
/// experiment "idle"), while one that began anew for each round would be measured with cold caches and an empty heap. So five arms fit two cores
/// as well as two do: only one of them works at a time.</summary>
internal sealed class Rounds : IDisposable
{
    private readonly Paths _paths;
    private readonly List<(Arm Arm, Server Server)> _servers = [];

    /// <param name="paths">The programs.</param>
    /// <param name="arms">The first is what the others are compared with.</param>
    internal Rounds(Paths paths, IReadOnlyList<Arm> arms)
    {
        _paths = paths;
        try
        {
            foreach (var arm in arms) _servers.Add((arm, new Server(paths, arm.Mode, arm.Recipe, arm.Followers)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Native, solo, with one follower.</summary>
    internal Rounds(Paths paths, Recipe recipe)
        : this(paths, Arm.All(recipe))
    {
    }

    /// <summary>A load: so many requests to a port, in requests per second.</summary>
    internal delegate double Load(int port, int requests);

    /// <summary>The first arm's.</summary>
    internal Server Native => _servers[0].Server;

    internal Server Followed => _servers.Single(s => s.Arm.Mode == Mode.Follower).Server;

    /// <summary>The load of bench/native/check-load, which checks every answer.</summary>
    internal Load Checked(int clients) => (port, requests) =>
    {
        var phase = CheckingLoad.Run(_paths, _servers[0].Arm.Recipe.Protocol, port, clients, requests);
        return phase.Answers / phase.Seconds;
    };

    /// <param name="load">Of each round.</param>
    /// <param name="effort">How many, and how long.</param>
    /// <param name="what">What is measured; null: the server's name says it.</param>
    /// <param name="memory">Of the session with followers; null: nobody asks.</param>
    /// <param name="instructions">Whether the server's are counted, where the machine does.</param>
    internal Ratios Measure(Load load, Effort effort, string? what = null, LogMemory? memory = null, bool instructions = false)
    {
        foreach (var (_, server) in _servers) load(server.Port, effort.Requests / 5); // warm up
        return new Ratios(Interleave(what ?? _servers[0].Arm.Recipe.Name, effort.Rounds, server => MeasureRound(server, load, effort.Requests, memory, instructions && PerfStat.NoInstructions is null)));
    }

    /// <summary>So many rounds, in each of which the arms are measured one after the other.</summary>
    internal IReadOnlyList<(Arm Arm, List<T> Rounds)> Interleave<T>(string what, int count, Func<Server, T> measure)
    {
        var rounds = _paths.Log.Repeat(what, count, () => _servers.ConvertAll(s => measure(s.Server)));
        return [.. _servers.Select((s, i) => (s.Arm, rounds.Select(r => r[i]).ToList()))];
    }

    public void Dispose()
    {
        foreach (var (_, server) in _servers) server.Dispose();
    }

    private static Round MeasureRound(Server server, Load load, int requests, LogMemory? memory, bool instructions)
    {
        var roles = server.Roles();
        var watching = server.Mode == Mode.Follower ? memory : null;
        using var counter = instructions ? new PerfStat(roles.Server) : null;
        watching?.Begin();
        double Of(int? pid) => pid is { } process ? CpuTime.OfProcess(process) : 0;
        double[] Read() => [Of(roles.Server), CpuTime.OfProcesses(roles.Followers), Of(roles.Keeper)];
        var (before, asked, generated) = (Read(), Of(roles.Coordinator), ChildrenTime.Now());
        var rate = load(server.Port, requests);
        generated = ChildrenTime.Now() - generated;
        asked = Of(roles.Coordinator) - asked; // before it is asked for the state, which is the harness's doing
        var behind = server.Mode == Mode.Follower ? AwaitInStep(server) : 0;
        var used = Read().Zip(before, (after, b) => (after - b) / requests).ToArray();
        watching?.End();
        return new Round(rate, used[0], used[1], used[2], asked / requests, behind, generated / requests, counter?.End() / requests);
    }

    /// <summary>What the followers still have to replay belongs to the round. Events of it that the last one has yet to replay as the load has ended.</summary>
    internal static long AwaitInStep(Server server)
    {
        var wanted = server.Followers;
        var begin = DateTime.UtcNow;
        long? behind = null;
        for (var status = server.Status(); status.LagEvents > 0 || status.Followers.Count < wanted; status = server.Status())
        {
            behind ??= status.LagEvents;
            if (status.Followers.Count < wanted) throw new BenchException($"{status.Followers.Count} of {wanted} followers are left:\n{server.Report()}");
            if (DateTime.UtcNow - begin > TimeSpan.FromSeconds(30)) throw new BenchException("a follower lags for more than 30 s after the load");
        }

        return behind ?? 0;
    }
}

/// <summary>One round of a load: requests per second, and seconds of processor time a request; <paramref name="Follower"/> is that of all followers. <paramref name="Instructions"/>: of the server's user code, a request; null: not counted.</summary>
internal sealed record Round(double Rate, double Server, double Follower, double Keeper, double Coordinator, long Behind = 0, double Load = 0, double? Instructions = null);

/// <summary>Each arm's rounds against the first arm's of the same turn.</summary>
internal sealed record Ratios(IReadOnlyList<(Arm Arm, List<Round> Rounds)> Rounds)
{
    private List<Round> Reference => Rounds[0].Rounds;

    /// <summary>Seconds a request of the first arm's server.</summary>
    internal Sample Native => Sample.Of(Reference.Select(r => r.Server));

    /// <summary>With followers, of the native one's.</summary>
    internal Sample Throughput => ThroughputOf(Only(Mode.Follower));

    internal Sample ThroughputOf(Arm arm) => Sample.OfRatios(Of(arm, r => r.Rate), [.. Reference.Select(r => r.Rate)]);

    /// <summary>A role's seconds a request, as a ratio to the native server's.</summary>
    internal Sample Cpu(Mode mode, Func<Round, double> role) => Cpu(Only(mode), role);

    internal Sample Cpu(Arm arm, Func<Round, double> role) => Sample.OfRatios(Of(arm, role), [.. Reference.Select(r => r.Server)]);

    /// <summary>The server's instructions a request as ratios to the native server's, a row an arm; none where they are not counted.</summary>
    internal IEnumerable<Result> Instructions(string what, params (Mode Mode, string Name)[] arms) => Reference.Any(r => r.Instructions is null) ? [] :
        from arm in arms
        let native = Of(Rounds[0].Arm, r => r.Instructions!.Value)
        select new Result($"{what}: {arm.Name} user instructions a request", Sample.OfRatios(Of(Only(arm.Mode), r => r.Instructions!.Value), native), Unit.Ratio,
            Note: string.Create(System.Globalization.CultureInfo.InvariantCulture, $"native {Sample.Of(native).Median:0}; perf stat -e {PerfStat.Instructions}"));

    /// <summary>A line that says why there are none; none: there are.</summary>
    internal static IEnumerable<Result> NoInstructions() => PerfStat.NoInstructions is { } why ? [Result.LeftOut("user instructions a request", why)] : [];

    /// <summary>The rate is the clients': what followers replay afterwards is in their time a request, and told here.</summary>
    internal string Behind(Arm arm) => arm.Followers == 0 ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"; {Sample.Of(Of(arm, r => r.Behind)).Median:0} events behind as the load ended");

    internal string Behind(Mode mode) => Behind(Only(mode));

    /// <summary>Requests per second, of each round.</summary>
    internal double[] Rates(Mode mode) => Of(Only(mode), r => r.Rate);

    /// <summary>Requests per second, in thousands.</summary>
    internal double Thousands(Mode mode) => Thousands(Only(mode));

    internal double Thousands(Arm arm) => Sample.Of(Of(arm, r => r.Rate)).Median / 1e3;

    private Arm Only(Mode mode) => Rounds.Single(r => r.Arm.Mode == mode).Arm;

    private double[] Of(Arm arm, Func<Round, double> value) => [.. Rounds.Single(r => r.Arm == arm).Rounds.Select(value)];
}
