using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>One session of the drill: a server is started, its processes are killed one after another, and at its end everything
/// is accounted for. In odd sessions the shim kills, at fault points; in even ones somebody outside does: so two deaths, which
/// may end the service, never meet by chance.</summary>
internal sealed class Trial : IDisposable
{
    private readonly IDrillServer _server;
    private readonly DrillSession _session;
    private readonly Random _random;
    private readonly bool _faults;
    private readonly Kill[] _only;
    private readonly int _port = Host.FreePort();
    private readonly Action<string> _tell;

    internal Trial(DrillOptions options, int number, string folder, Action<string> tell)
    {
        _random = new Random(unchecked(options.Seed * 1_000_003 + number));
        _faults = number % 2 == 1 && options.Only.Length == 0;
        _only = options.Only;
        _tell = tell;
        _server = DrillServers.Make(options.Server, _random);
        _session = new DrillSession(Path.Combine(Host.Products, _faults ? "drill/faults" : "."), folder, _server.Command(folder, _port),
            _faults ? $"{_random.Next(1, 1 << 30)}" : null);
    }

    /// <summary>What was killed, and how often.</summary>
    internal Tally Tally { get; } = new();

    internal void Run(int kills)
    {
        Host.Until(() => _session.HasEnded || _server.Answers(_port), "the server answers", 60);
        if (_session.HasEnded) throw new DrillFailure($"the server has ended: {_session.Log}");
        SortedDictionary<string, int> descriptors = Quiet();
        using DrillLoad load = _server.Load(_port, _random.Next());
        try
        {
            var striker = new Striker(_session, load, _random, Tally, _tell);
            _session.MakeWhole(load);
            load.More(20);
            for (int i = 0; i < kills; i++)
            {
                if (_faults) striker.AwaitFault();
                else striker.Strike(Kills.Draw(_random, _only));
                _session.MakeWhole(load);
                load.More(_random.Next(20, 200));
            }
            load.Finish();
            End(load, descriptors, striker);
        }
        finally
        {
            _session.TakeMessages();
            Tally.Answers += load.Answers;
            Tally.ClosedByName += load.ClosedByName;
            Tally.Failovers += (int)_session.Control.Failovers;
            if (load.Slowest > Tally.Slowest) Tally.Slowest = load.Slowest;
        }
    }

    /// <summary>The leader's descriptors while no client is there.</summary>
    private SortedDictionary<string, int> Quiet()
    {
        SortedDictionary<string, int> seen = [], now = [];
        Host.Until(() =>
        {
            seen = now;
            Thread.Sleep(100); /* the last client's end reaches the server */
            try { now = ProcessFacts.Descriptors(_session.Control.LeaderPid); }
            catch (DirectoryNotFoundException) { return false; } /* it dies at a fault point */
            return now.SequenceEqual(seen);
        }, "the server is quiet");
        return now;
    }

    private void End(DrillLoad load, SortedDictionary<string, int> before, Striker striker)
    {
        SortedDictionary<string, int> after = [];
        /* (Fewer is right: what was lent to a follower goes with it.) */
        bool Grown() => (after = ProcessFacts.Descriptors(_session.Control.LeaderPid)).Any(kind => kind.Value > before.GetValueOrDefault(kind.Key));
        try { Host.Until(() => !Grown(), "the descriptors are as before", 10); }
        catch (Exception e) when (e is not DrillFailure)
        {
            throw new DrillFailure($"descriptors leaked: at first {ProcessFacts.Text(before)}; at the end {ProcessFacts.Text(after)}");
        }
        _server.ShutDown(_port);
        _session.Until(() => ProcessFacts.WorkingIn(_session.Folder).Length == 0, "no process is left", load);
        if (!striker.CoordinatorWasKilled) _session.Until(() => _session.HasEnded, "mvedsua run ends", load);
        if (!striker.CoordinatorWasKilled && _session.ExitStatus != 0) throw new DrillFailure($"mvedsua run: exit status {_session.ExitStatus}");
        _server.CheckFiles(_session.Folder, load);
        if (_session.Said.FirstOrDefault(line => line.Contains("serves from where they part")) is { } parted) throw new DrillFailure(parted);
    }

    public void Dispose()
    {
        _session.Dispose();
        _server.Dispose();
    }
}
