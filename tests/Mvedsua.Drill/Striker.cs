using System.Diagnostics;
using System.Text.RegularExpressions;
using Mvedsua.Abi;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>Kills, and waits until the session knows of it.</summary>
internal sealed class Striker(DrillSession session, DrillLoad load, Random random, Tally tally, Action<string> tell)
{
    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(6);

    internal bool CoordinatorWasKilled { get; private set; }

    /// <summary>A whole session is hit at a random instant.</summary>
    internal void Strike(Kill kill)
    {
        Thread.Sleep(random.Next(60)); /* the instant is what is random */
        if (random.Next(2) == 0) Thread.SpinWait(random.Next(20_000));
        int leader = session.Control.LeaderPid, follower = session.Control.FollowerPid, keeper = session.Control.KeeperPid;
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
            case Kill.LeaderWhileAttaching or Kill.FollowerWhileAttaching or Kill.KeeperWhileAttaching: WhileAttaching(kill); break;
            default: throw new InvalidOperationException($"{kill}");
        }
        tally.Count($"{kill}");
    }

    private static readonly int[] Crashes = [Host.SIGSEGV, Host.SIGBUS, Host.SIGILL, Host.SIGABRT];

    private static void End(int pid) => Host.KillIfThere(pid, Host.SIGKILL);

    private void Leader(int leader, int signal)
    {
        if (signal != Host.SIGKILL) tell($"signal {signal}");
        ulong failovers = session.Control.Failovers;
        Host.KillIfThere(leader, signal);
        Promoted(failovers);
    }

    private void Promoted(ulong failovers) =>
        session.Until(() => session.Control.Failovers > failovers && session.Control.Stage is MvStage.SingleLeader, "the follower leads", load);

    /// <summary>Its keeper tells the leader, or (a keeper that is gone too) the coordinator does.</summary>
    private void Follower(int follower)
    {
        End(follower);
        if (!Host.IsAlive(session.CoordinatorPid)) session.Verb("status");
        session.Until(() => !session.Control.Publishing, "the leader knows that its follower is gone", load);
    }

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
        End(session.CoordinatorPid);
    }

    /// <summary>The copy is there: the kernel has noted it.</summary>
    private void WhileAttaching(Kill kill)
    {
        session.Verb("unfollow");
        session.Until(() => session.Control.FollowerPid == 0 && !session.Control.Publishing, "the follower has gone", load);
        ulong generation = session.Control.Generation, failovers = session.Control.Failovers;
        int leader = session.Control.LeaderPid;
        Task<Host.Result> follow = Task.Run(() => session.Verb("follow"));
        int delay = random.Next(3) == 0 ? random.Next(200_000) : random.Next(4000);
        long begin = Stopwatch.GetTimestamp();
        while (!(session.Control.Generation > generation && session.Control.FollowerPid != 0) && Stopwatch.GetElapsedTime(begin).TotalSeconds < 60)
            Thread.SpinWait(20);
        Thread.SpinWait(delay);
        int follower = session.Control.FollowerPid;
        End(kill switch { Kill.LeaderWhileAttaching => leader, Kill.FollowerWhileAttaching => follower, _ => session.Control.KeeperPid });
        if (kill == Kill.LeaderWhileAttaching) Promoted(failovers);
        if (kill == Kill.FollowerWhileAttaching) session.Until(() => !session.Control.Publishing, "the leader knows that its follower is gone", load);
        follow.Wait();
    }

    /// <summary>The shim kills somebody, as it has drawn for this generation. What is never passed (a lock that nobody takes) is
    /// hit from outside after a while.</summary>
    internal void AwaitFault()
    {
        Match drawn = Last("drawn for this generation");
        long begin = Stopwatch.GetTimestamp();
        bool now = false;
        session.Until(() => (now = IsNow(drawn)) || Stopwatch.GetElapsedTime(begin) > FaultTime, "the fault", load);
        string role = drawn.Groups[2].Value, point = drawn.Groups[3].Value;
        ulong failovers = session.Control.Failovers;
        int leader = session.Control.LeaderPid;
        tell($"{(now ? "at" : "never passed")} {drawn.Value}");
        if (!now)
        {
            End(role switch { "leader" => leader, "follower" => session.Control.FollowerPid, _ => session.Control.KeeperPid });
            point += " (not passed)";
        }
        tally.Count($"{role} at {point}");
        if (role == "leader")
        {
            /* It may have been promoted before this thread looked. */
            session.Until(() => session.Control.Stage == MvStage.SingleLeader && Host.IsAlive(session.Control.LeaderPid), "the follower leads", load);
        }
        else if (role == "follower")
        {
            session.Until(() => !session.Control.Publishing, "the leader knows that its follower is gone", load);
        }
        else
        {
            session.Until(() => Host.IsAlive(session.Control.KeeperPid), "the keeper is replaced", load);
            Leader(leader, Host.SIGKILL);
            tally.Count("leader behind its keeper");
        }
    }

    private Match Last(string what)
    {
        session.TakeMessages();
        return session.Said.Select(line => DrillSession.Fault().Match(line)).LastOrDefault(match => match.Success && match.Groups[5].Length == 0)
            ?? throw new DrillFailure($"nothing is {what}; {session.Describe()}");
    }

    private bool IsNow(Match drawn)
    {
        session.TakeMessages();
        return session.Said.Any(line => line.EndsWith($"{drawn.Value}: now", StringComparison.Ordinal));
    }
}
