namespace Mvedsua.Coordinator.Launch;

/// <summary>All that is looked at before a server is started.</summary>
public static class LaunchChecks
{
    /// <summary>Everything that stands against starting a command in a session of that name; empty when it may start.</summary>
    public static IReadOnlyList<LaunchRefusal> Find(IReadOnlyList<string> command, string sessionName, long? logLimit)
    {
        List<LaunchRefusal> found = [];
        Collect(found, () => found.AddRange(ProgramChecks.Check(CommandResolver.Resolve(command).Executable)));
        found.AddRange(HostChecks.Check());
        found.AddRange(SessionChecks.Check(sessionName, logLimit));
        Collect(found, () => ShimLibrary.Locate());
        return found;
    }

    /// <summary>The plan for starting a command.</summary>
    /// <exception cref="LaunchRefusedException">Something stands against it; the first reason is named.</exception>
    public static LaunchPlan Plan(IReadOnlyList<string> command, string sessionName, long? logLimit)
    {
        if (Find(command, sessionName, logLimit) is [var first, ..]) throw new LaunchRefusedException(first);
        var resolved = CommandResolver.Resolve(command);
        return new LaunchPlan(resolved.Program, command, resolved.Executable, ShimLibrary.Locate());
    }

    private static void Collect(List<LaunchRefusal> found, Action check)
    {
        try
        {
            check();
        }
        catch (LaunchRefusedException e)
        {
            found.Add(e.Refusal);
        }
    }
}
