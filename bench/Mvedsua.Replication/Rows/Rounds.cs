using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>One server natively, solo and with a follower, loaded in turns. The three live all the time.</summary>
internal sealed class Rounds : IDisposable
{
    private static readonly Mode[] _modes = [Mode.Native, Mode.Solo, Mode.Follower];

    private readonly Paths _paths;
    private readonly Server[] _servers;

    internal Rounds(Paths paths, Recipe recipe)
    {
        _paths = paths;
        Recipe = recipe;
        var started = new List<Server>();
        try
        {
            foreach (var mode in _modes) started.Add(new Server(paths, mode, recipe));
        }
        catch
        {
            started.ForEach(s => s.Dispose());
            throw;
        }

        _servers = [.. started];
    }

    /// <summary>A load: so many requests to a port, in requests per second.</summary>
    internal delegate double Load(int port, int requests);

    internal Recipe Recipe { get; }

    internal Server Native => _servers.Single(s => s.Mode == Mode.Native);

    internal Server Followed => _servers.Single(s => s.Mode == Mode.Follower);

    /// <summary>The load of bench/native/check-load, which checks every answer.</summary>
    internal Load Checked(int clients) => (port, requests) =>
    {
        var phase = CheckingLoad.Run(_paths, Recipe.Protocol, port, clients, requests);
        return phase.Answers / phase.Seconds;
    };

    internal Ratios Measure(Load load, Effort effort, LogMemory? memory = null)
    {
        foreach (var server in _servers) load(server.Port, effort.Requests / 5); // warm up
        return new Ratios(Interleave(effort.Rounds, server => MeasureRound(server, load, effort.Requests, memory)));
    }

    /// <summary>So many rounds, in each of which the three are measured one after the other.</summary>
    internal IReadOnlyDictionary<Mode, List<T>> Interleave<T>(int count, Func<Server, T> measure)
    {
        var rounds = _servers.ToDictionary(s => s.Mode, _ => new List<T>());
        for (var i = 0; i < count; i++)
        {
            foreach (var server in _servers) rounds[server.Mode].Add(measure(server));
        }

        return rounds;
    }

    public void Dispose()
    {
        foreach (var server in _servers) server.Dispose();
    }

    private static Round MeasureRound(Server server, Load load, int requests, LogMemory? memory)
    {
        var roles = server.Roles();
        var watching = server.Mode == Mode.Follower ? memory : null;
        watching?.Begin();
        double[] Read() => [CpuTime.OfProcess(roles.Server), .. new[] { roles.Follower, roles.Keeper, roles.Coordinator }.Select(p => p is { } pid ? CpuTime.OfProcess(pid) : 0)];
        var before = Read();
        var rate = load(server.Port, requests);
        if (server.Mode == Mode.Follower) AwaitInStep(server);
        var used = Read().Zip(before, (after, b) => (after - b) / requests).ToArray();
        watching?.End();
        return new Round(rate, used[0], used[1], used[2], used[3]);
    }

    /// <summary>What the follower still has to replay belongs to the round.</summary>
    internal static void AwaitInStep(Server server)
    {
        var begin = DateTime.UtcNow;
        for (var status = server.Status(); status.LagEvents > 0 || status.Follower is null; status = server.Status())
        {
            if (status.Follower is null) throw new BenchException($"the follower is gone:\n{server.Report()}");
            if (DateTime.UtcNow - begin > TimeSpan.FromSeconds(30)) throw new BenchException("the follower lags for more than 30 s after the load");
        }
    }
}

/// <summary>One round of a load: requests per second, and seconds of processor time a request.</summary>
internal sealed record Round(double Rate, double Server, double Follower, double Keeper, double Coordinator);

/// <summary>Each mode's rounds against the native ones of the same turn.</summary>
internal sealed record Ratios(IReadOnlyDictionary<Mode, List<Round>> Rounds)
{
    internal Sample Native => Sample.Of(Of(Mode.Native, r => r.Server));

    internal Sample Throughput => Sample.OfRatios(Of(Mode.Follower, r => r.Rate), Of(Mode.Native, r => r.Rate));

    internal Sample Cpu(Mode mode, Func<Round, double> role) => Sample.OfRatios(Of(mode, role), Of(Mode.Native, r => r.Server));

    /// <summary>Requests per second, in thousands.</summary>
    internal double Thousands(Mode mode) => Sample.Of(Of(mode, r => r.Rate)).Median / 1e3;

    private double[] Of(Mode mode, Func<Round, double> value) => [.. Rounds[mode].Select(value)];
}
