using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>One session of the drill: a server is started, its processes are killed one after another, and at its end everything
/// is accounted for. In odd sessions the shim kills, at fault points; in even ones somebody outside does: so two deaths, which
/// may end the service, never meet by chance.</summary>
internal sealed class Trial : IDisposable
{
    private const int NobodyLeft = 74; /* docs/exit-statuses.md */
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
        _faults = number % 2 == 1 && options.Only.Length == 0 && options.Followers == 1;
        _only = options.Only;
        _tell = tell;
        _server = DrillServers.Make(DrillServers.Of(options.Server, number), _random);
        _session = new DrillSession(Path.Combine(Host.Products, _faults ? "drill/faults" : "."), folder, _server.Command(folder, _port),
            _faults ? $"{_random.Next(1, 1 << 30)}" : null, options.Followers);
    }

    /// <summary>What was killed, and how often.</summary>
    internal Tally Tally { get; } = new();

    /// <summary>An answer took long, once at least: who did what then stands in the drill's log.</summary>
    internal bool HadStall { get; private set; }

    internal void Run(int kills)
    {
        Host.Until(() => _session.HasEnded || _server.Answers(_port), "the server answers", 60);
        if (_session.HasEnded) throw new DrillFailure($"the server has ended: {_session.Log}");
        SortedDictionary<string, int> descriptors = Quiet();
        using DrillLoad load = _server.Load(_port, _random.Next());
        using var stalls = new StallWatch(_session, load, _port, _tell);
        try
        {
            var striker = new Striker(_session, load, _random, Tally, _tell);
            _session.MakeWhole(load);
            load.More(20);
            while (Tally.Kills < kills)
            {
                if (_faults) striker.AwaitFault();
                else striker.Strike(Kills.Draw(_random, _only));
                if (striker.NobodyIsLeft) break;
                _session.MakeWhole(load);
                load.More(_random.Next(20, 200));
            }
            if (striker.NobodyIsLeft)
            {
                stalls.Dispose();
                EndKilled(load, striker);
                return;
            }
            stalls.Dispose(); /* from here on nobody asks */
            load.Finish();
            End(load, descriptors, striker);
        }
        finally
        {
            _session.TakeMessages();
            HadStall = stalls.Noted;
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
            try { now = ProcessFacts.Descriptors(_session.Control.LeaderPid, _server.IsOneOfSome); }
            catch (DirectoryNotFoundException) { return false; } /* it dies at a fault point */
            /* (Each of these servers waits by epoll: one that does not yet is still starting, though its socket takes clients.) */
            return now.Keys.Any(kind => kind.Contains("[eventpoll]", StringComparison.Ordinal)) && now.SequenceEqual(seen);
        }, "the server is quiet");
        return now;
    }

    private void End(DrillLoad load, SortedDictionary<string, int> before, Striker striker)
    {
        SortedDictionary<string, int> after = [];
        /* (Fewer is right: what was lent to a follower goes with it.) */
        bool Grown() => (after = ProcessFacts.Descriptors(_session.Control.LeaderPid, _server.IsOneOfSome)).Any(kind => kind.Value > before.GetValueOrDefault(kind.Key));
        try { Host.Until(() => !Grown(), "the descriptors are as before", 10); }
        catch (Exception e) when (e is not DrillFailure)
        {
            throw new DrillFailure($"descriptors leaked: at first {ProcessFacts.Text(before)}; at the end {ProcessFacts.Text(after)}");
        }
        int status = _server.ShutDown(_port, _session.Control.LeaderPid);
        _session.Until(() => ProcessFacts.WorkingIn(_session.Folder).Length == 0, "no process is left", load);
        if (!striker.CoordinatorWasKilled) _session.Until(() => _session.HasEnded, "mvedsua run ends", load);
        if (!striker.CoordinatorWasKilled && _session.ExitStatus != status) throw new DrillFailure($"mvedsua run: exit status {_session.ExitStatus}, not {status}");
        _server.CheckFiles(_session.Folder, load);
        if (_session.Said.FirstOrDefault(line => line.Contains("serves from where they part")) is { } parted) throw new DrillFailure(parted);
    }

    /// <summary>Leader and follower were killed at once.</summary>
    private void EndKilled(DrillLoad load, Striker striker)
    {
        _session.Until(() => ProcessFacts.WorkingIn(_session.Folder).Length == 0, "no process is left", load);
        if (!striker.CoordinatorWasKilled)
        {
            _session.Until(() => _session.HasEnded, "mvedsua run ends", load);
            if (_session.ExitStatus != NobodyLeft) throw new DrillFailure($"mvedsua run: exit status {_session.ExitStatus}, not {NobodyLeft}");
        }
        load.Finish();
        load.Check();
        /* (A process leaves its folder before its sockets are closed: exit_fs() and exit_task_work() in the kernel's do_exit().) */
        _session.Until(() => !_server.Answers(_port), "nobody answers any more", load);
        _server.CheckFilesAfterKill(_session.Folder, load);
    }

    public void Dispose()
    {
        _session.Dispose();
        _server.Dispose();
    }
}
