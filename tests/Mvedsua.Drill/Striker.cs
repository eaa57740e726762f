using System.Diagnostics;
using System.Text.RegularExpressions;
using Mvedsua.Abi;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>Kills, and waits until the session knows of it.</summary>
internal sealed class Striker(DrillSession session, DrillLoad load, Random random, Tally tally, Action<string> tell)
{
    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(3);

    private int _deaths, _hit; /* deaths at fault points that are counted; who was hit instead of one */

    internal bool CoordinatorWasKilled { get; private set; }

    /// <summary>Leader and follower are both dead: the session is at its end.</summary>
    internal bool NobodyIsLeft { get; private set; }

    /// <summary>A whole session is hit at a random instant.</summary>
    internal void Strike(Kill kill)
    {
        Thread.Sleep(random.Next(60)); /* the instant is what is random */
        if (random.Next(2) == 0) Thread.SpinWait(random.Next(20_000));
        IReadOnlyList<Member> followers = session.Followers;
        int leader = session.Control.LeaderPid, follower = followers.Count == 0 ? 0 : followers[random.Next(followers.Count)].Pid, keeper = session.Control.KeeperPid;
        tell($"{kill}: leader {leader}, follower {follower}, keeper {keeper}, coordinator {session.CoordinatorPid}");
        switch (kill)
        {
            case Kill.Leader: Leader(leader, Host.SIGKILL); break;
            case Kill.LeaderCrash: Leader(leader, Crashes[random.Next(Crashes.Length)]); break;
            case Kill.Follower: Follower(follower); break;
            case Kill.Keeper: Keeper(keeper); break;
            case Kill.Coordinator: Coordinator(); break;
            case Kill.LeaderAndKeeper:
                load.MayClose = true;
                End(keeper);
                Leader(leader, Host.SIGKILL);
                session.MakeWhole(load);
                load.More(200); /* whoever was cut off has begun anew */
                load.MayClose = false;
                break;
            case Kill.LeaderAndCoordinator:
                Coordinator();
                Leader(leader, Host.SIGKILL);
                break;
            case Kill.FollowerAndCoordinator:
                Coordinator();
                Follower(follower);
                break;
            case Kill.FollowerAndKeeper:
                End(keeper);
                Follower(follower);
                break;
            case Kill.LeaderAndFollower:
                NobodyIsLeft = load.Ending = followers.Count <= 1;
                ulong failovers = session.Control.Failovers;
                if (!NobodyIsLeft) Stop(follower);
                foreach (int pid in random.Next(2) == 0 ? (int[])[leader, follower] : [follower, leader]) End(pid);
                if (!NobodyIsLeft) Promoted(failovers);
                break;
            case Kill.LeaderWhileAttaching or Kill.FollowerWhileAttaching or Kill.KeeperWhileAttaching: WhileAttaching(kill); break;
            default: throw new InvalidOperationException($"{kill}");
        }
        tally.Count($"{kill}");
    }

    private static readonly int[] Crashes = [Host.SIGSEGV, Host.SIGBUS, Host.SIGILL, Host.SIGABRT];

    private static void End(int pid) => Host.KillIfThere(pid, Host.SIGKILL);

    /// <summary>So that it does not lead by the time of its own death: it would be a leader that nobody follows yet (docs/failover.md).</summary>
    private void Stop(int pid)
    {
        Host.KillIfThere(pid, Host.SIGSTOP);
        session.Until(() => !Host.IsAlive(pid) || Host.IsStopped(pid), "the follower stands still", load);
    }

    private void Leader(int leader, int signal)
    {
        if (signal != Host.SIGKILL) tell($"signal {signal}");
        ulong failovers = session.Control.Failovers;
        Host.KillIfThere(leader, signal);
        Promoted(failovers);
    }

    private void Promoted(ulong failovers) =>
        session.Until(() => session.Control.Failovers > failovers && session.Control.Stage != MvStage.Failover, "the follower leads", load);

    /// <summary>Its keeper tells the leader, or (a keeper that is gone too) the coordinator does.</summary>
    private void Follower(int follower)
    {
        End(follower);
        if (!Host.IsAlive(session.CoordinatorPid)) session.Verb("status");
        Gone(follower);
    }

    private void Gone(int follower) =>
        session.Until(() => session.IsSettled && session.Followers.All(m => m.Pid != follower), "the leader knows that its follower is gone", load);

    /// <summary>The leader looks after its keeper every 4,096 events.</summary>
    private void Keeper(int keeper)
    {
        End(keeper);
        session.Until(() => session.Control.KeeperPid != keeper && Host.IsAlive(session.Control.KeeperPid), "the keeper is replaced", load);
    }

    private void Coordinator()
    {
        CoordinatorWasKilled = true;
        load.ChildrenMayFail = true; /* a dead leader's children are nobody's whose status could be told */
        int coordinator = session.CoordinatorPid;
        End(coordinator);
        session.Until(() => !Host.IsAlive(coordinator), "the coordinator is gone", load); /* else it would be asked once more */
    }

    /// <summary>The copy is there: the kernel has noted it.</summary>
    private void WhileAttaching(Kill kill)
    {
        if (session.Followers is [.., var last])
        {
            session.Verb("unfollow", $"{last.Pid}");
            Gone(last.Pid);
        }
        ulong generation = session.Control.Generation, failovers = session.Control.Failovers;
        int leader = session.Control.LeaderPid;
        Task<Host.Result> follow = Task.Run(() => session.Verb("follow"));
        int delay = random.Next(3) == 0 ? random.Next(200_000) : random.Next(4000);
        long begin = Stopwatch.GetTimestamp();
        for (bool over = false; !(session.Control.Generation > generation && session.Control.FollowerPid != 0);)
        {
            Thread.SpinWait(20);
            if (!over)
            {
                over = follow.IsCompleted || Stopwatch.GetElapsedTime(begin).TotalSeconds > 60;
                continue;
            }
            string how = follow.IsCompleted ? $"{follow.Result.Output}{follow.Result.Errors}" : "no outcome in 60 s";
            throw new DrillFailure($"there is no copy to be killed while it attaches: follow: {how}; {session.Describe()}");
        }
        Thread.SpinWait(delay);
        int follower = session.Control.FollowerPid;
        End(kill switch { Kill.LeaderWhileAttaching => leader, Kill.FollowerWhileAttaching => follower, _ => session.Control.KeeperPid });
        if (kill == Kill.LeaderWhileAttaching) Promoted(failovers);
        if (kill == Kill.FollowerWhileAttaching) Gone(follower);
        follow.Wait();
    }

    /// <summary>The shim kills somebody, as it has drawn for this generation (or did so meanwhile, as the follower was made). What is
    /// never passed (a lock that nobody takes) is hit from outside after a while.</summary>
    internal void AwaitFault()
    {
        if (Drawn() is { } drawn && drawn.Groups["role"].Value == "promoted")
        {
            /* The leader, so that somebody takes over. */
            Thread.Sleep(random.Next(60));
            NobodyIsLeft = load.Ending = true;
            tell($"leader {session.Control.LeaderPid}, and {drawn.Value}");
            tally.Count($"promoted at {drawn.Groups["point"].Value}");
            End(session.Control.LeaderPid);
            return;
        }
        long begin = Stopwatch.GetTimestamp();
        Match[] died = [];
        session.Until(() => (died = NewDeaths()).Length > 0 || Stopwatch.GetElapsedTime(begin) > FaultTime, "the fault", load);
        if (died.Length == 0) died = [HitFromOutside()];
        _deaths += died.Count(death => death.Groups["now"].Success);
        foreach (Match death in died)
        {
            tally.Count($"{death.Groups["role"].Value} at {death.Groups["point"].Value}{(death.Groups["now"].Success ? "" : " (not passed)")}");
            tell($"{(death.Groups["now"].Success ? "at" : "never passed")} {death.Value}");
        }
        int dead = died[^1].Groups["now"].Success ? int.Parse(died[^1].Groups["pid"].Value) : _hit;
        switch (died[^1].Groups["role"].Value)
        {
            case "leader":
                session.Until(() => session.Control.LeaderPid != dead && session.Control.Stage != MvStage.Failover, "the follower leads", load);
                break;
            case "follower":
                session.Until(() => session.IsSettled && session.Followers.All(m => m.Pid != dead), "the leader knows that its follower is gone", load);
                break;
            default:
                if (!died[^1].Groups["now"].Success && died[^1].Groups["point"].Value == "keeper-comes") dead = NextKeeper();
                session.Until(() => session.Control.KeeperPid != dead && Host.IsAlive(session.Control.KeeperPid), "the keeper is replaced", load);
                Leader(session.Control.LeaderPid, Host.SIGKILL);
                tally.Count("leader behind its keeper");
                break;
        }
    }

    /// <summary>The one that was hit from outside is replaced by one that comes to what was drawn. (A leader killed meanwhile would have died with
    /// its keeper.)</summary>
    private int NextKeeper()
    {
        Match[] died = [];
        session.Until(() => (died = NewDeaths()).Length > 0, "the next keeper dies as it comes", load);
        _deaths += died.Length;
        return int.Parse(died[^1].Groups["pid"].Value);
    }

    /// <summary>What the shim has said of deaths since they were last counted.</summary>
    private Match[] NewDeaths()
    {
        session.TakeMessages();
        return [.. Faults(session.Said).Where(match => match.Groups["now"].Success).Skip(_deaths)];
    }

    private Match? Drawn()
    {
        session.TakeMessages();
        return Faults(session.Said).LastOrDefault(match => !match.Groups["now"].Success);
    }

    private Match HitFromOutside()
    {
        Match drawn = Drawn() ?? throw new DrillFailure($"nothing is drawn for this generation; {session.Describe()}");
        _hit = drawn.Groups["role"].Value switch
        {
            "leader" => session.Control.LeaderPid, "follower" => session.Control.FollowerPid, _ => session.Control.KeeperPid,
        };
        End(_hit);
        return drawn;
    }

    private static IEnumerable<Match> Faults(IEnumerable<string> said) => said.Select(line => DrillSession.Fault().Match(line)).Where(match => match.Success);
}
