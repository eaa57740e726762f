using CsCheck;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Tests;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The stages of updates, compared with a model: processes, each of one version, of which one leads.</summary>
public sealed class StageMachineTests
{
    private enum Deed { Copy, Resume, CatchUp, Promote, KillLeader, KillFollower, Follow, ComeLate }

    /// <summary>What runs, in the model; and what the machine is told of it, in the orders in which a session tells it.</summary>
    private sealed class World
    {
        private readonly Dictionary<int, bool> _isNew = [];
        private readonly List<int> _followers = [];
        private int _leader, _pids = 100, _copy;
        private bool _updating, _caughtUp;

        internal World() => _leader = Process(false);

        internal StageMachine Machine { get; } = new();

        private int Process(bool isNew)
        {
            _isNew[++_pids] = isNew;
            return _pids;
        }

        private int Other => _followers.FirstOrDefault(f => f == _copy && _updating || _isNew[f] != _isNew[_leader]);

        internal VersionStage Expected => Other == 0 ? VersionStage.SingleLeader
            : _isNew[_leader] ? VersionStage.UpdatedLeader
            : _updating ? VersionStage.Updating : _caughtUp ? VersionStage.Monitoring : VersionStage.CatchingUp;

        internal void Do(Deed deed, int chance)
        {
            int any = _followers.Count == 0 ? 0 : _followers[chance % _followers.Count];
            switch (deed)
            {
                case Deed.Copy when Other == 0 && _followers.Count < 3:
                    foreach (int pid in _isNew.Keys.ToList()) _isNew[pid] = false; /* what was new is old to the next update */
                    (_copy, _updating, _caughtUp) = (Process(true), true, false);
                    _followers.Add(_copy);
                    Machine.Copied(_leader, _copy);
                    break;
                case Deed.Resume when _updating && _followers.Contains(_copy):
                    _updating = false;
                    Machine.Resumed(_copy);
                    break;
                case Deed.CatchUp when !_updating && Other == _copy && Other != 0 && !_isNew[_leader]:
                    _caughtUp = true;
                    Machine.CaughtUp(_copy);
                    break;
                case Deed.Promote when any != 0 && !(any == _copy && _updating):
                    int from = _leader;
                    foreach (int replaced in _followers.Where(f => f != any).ToList()) End(replaced);
                    _followers[0] = from;
                    _leader = any;
                    _caughtUp |= _isNew[from]; /* back again: there is no backlog */
                    if (_isNew[any] && !_isNew[from]) _caughtUp = true;
                    Machine.PlacesChanged(from, any);
                    break;
                case Deed.KillLeader when any != 0 && !(any == _copy && _updating):
                    int dead = _leader;
                    _leader = any;
                    _followers.Remove(any);
                    if (chance % 2 == 0) Machine.LeaderDied(dead, any);
                    if (chance % 2 == 0 && _isNew[any] == _isNew[dead]) Check("a leader's death that is told before the others are replaced");
                    foreach (int replaced in _followers.ToList()) End(replaced);
                    if (chance % 2 != 0) Machine.LeaderDied(dead, any);
                    break;
                case Deed.KillFollower when any != 0:
                    End(any);
                    break;
                case Deed.Follow when _followers.Count < 3:
                    _followers.Add(Process(_isNew[_leader]));
                    break;
                case Deed.ComeLate:
                    /* From processes that are gone. */
                    int gone = _isNew.Keys.Where(pid => pid != _leader && !_followers.Contains(pid)).ElementAtOrDefault(chance % _isNew.Count);
                    if (gone == 0) break;
                    Machine.Resumed(gone);
                    Machine.CaughtUp(gone);
                    Machine.FollowerEnded(gone);
                    break;
            }
        }

        private void End(int follower)
        {
            _followers.Remove(follower);
            if (follower == _copy) _updating = false;
            Machine.FollowerEnded(follower);
        }

        internal void Check(string after)
        {
            Assert.True(Expected == Machine.Now, $"{Machine.Now}, not {Expected} after {after}");
            if (Expected == VersionStage.SingleLeader) Assert.Equal((0, 0), (Machine.Old, Machine.New));
            else Assert.Equal((_leader, Other), (Machine.Leader, Machine.Follower));
        }
    }

    [Fact]
    public void Whatever_becomes_of_the_processes_the_stage_is_the_one_that_they_stand_in()
    {
        var seen = new HashSet<(VersionStage, Deed, VersionStage)>();
        Gen.Select(Gen.Enum<Deed>(), Gen.Int[0, 59]).List[1, 40].SampleUntil(deeds =>
        {
            var world = new World();
            foreach ((Deed deed, int chance) in deeds)
            {
                VersionStage before = world.Machine.Now;
                world.Do(deed, chance);
                world.Check($"{deed} in {before}; {string.Join(' ', deeds)}");
                seen.Add((before, deed, world.Machine.Now));
            }
        }, () => Wanted.All(seen.Contains), Fuzzing.Seconds);
        Assert.True(Wanted.All(seen.Contains), $"not tried: {string.Join(' ', Wanted.Except(seen))}");
    }

    /// <summary>Each way through an update, and the loss of either process at each stage.</summary>
    private static readonly (VersionStage, Deed, VersionStage)[] Wanted =
    [
        (VersionStage.SingleLeader, Deed.Copy, VersionStage.Updating),
        (VersionStage.Updating, Deed.Resume, VersionStage.CatchingUp),
        (VersionStage.Updating, Deed.KillFollower, VersionStage.SingleLeader),
        (VersionStage.Updating, Deed.KillLeader, VersionStage.SingleLeader),
        (VersionStage.CatchingUp, Deed.CatchUp, VersionStage.Monitoring),
        (VersionStage.CatchingUp, Deed.KillFollower, VersionStage.SingleLeader),
        (VersionStage.CatchingUp, Deed.KillLeader, VersionStage.SingleLeader),
        (VersionStage.CatchingUp, Deed.Promote, VersionStage.UpdatedLeader),
        (VersionStage.Monitoring, Deed.Promote, VersionStage.UpdatedLeader),
        (VersionStage.Monitoring, Deed.KillFollower, VersionStage.SingleLeader),
        (VersionStage.Monitoring, Deed.KillLeader, VersionStage.SingleLeader),
        (VersionStage.Monitoring, Deed.Promote, VersionStage.SingleLeader), /* of another follower of the old version */
        (VersionStage.UpdatedLeader, Deed.Promote, VersionStage.Monitoring),
        (VersionStage.UpdatedLeader, Deed.KillFollower, VersionStage.SingleLeader),
        (VersionStage.UpdatedLeader, Deed.KillLeader, VersionStage.SingleLeader),
    ];

    /// <summary>The leader died while its copy was being updated: when that goes on, it leads.</summary>
    [Fact]
    public void A_copy_that_is_updated_after_its_leaders_death_is_a_single_leader()
    {
        var machine = new StageMachine();
        machine.Copied(1, 2);
        machine.LeaderDied(1, 2);
        machine.Resumed(2);
        machine.CaughtUp(2);
        Assert.Equal((VersionStage.SingleLeader, Stage.SingleLeader), (machine.Now, machine.Stage));
    }

    [Theory]
    [InlineData(false, VersionStage.CatchingUp, Stage.OutdatedLeader)]
    [InlineData(true, VersionStage.UpdatedLeader, Stage.UpdatedLeader)]
    internal void What_a_new_coordinator_finds_is_not_taken_for_compared(bool leaderIsNew, VersionStage now, Stage stage)
    {
        var machine = new StageMachine();
        machine.Found(1, 2, leaderIsNew);
        Assert.Equal((now, stage, 1, 2), (machine.Now, machine.Stage, machine.Leader, machine.Follower));
    }
}
