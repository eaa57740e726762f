using System.Diagnostics;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>Session after session, until enough was killed or one has failed.</summary>
internal sealed class Drill(DrillOptions options)
{
    private readonly long _begin = Stopwatch.GetTimestamp();

    /// <summary>0: clean.</summary>
    internal int Run()
    {
        Install();
        Console.WriteLine($"drill: seed {options.Seed}, {options.Server}, "
            + (options.Kills > 0 ? $"{options.Kills} kills" : "no limit of kills") + (options.Time > TimeSpan.Zero ? $", {options.Time.TotalSeconds} s" : ""));
        var total = new Tally();
        int number = options.Session ?? 0;
        do
        {
            int kills = options.Session is null && options.Kills > 0 ? Math.Min(options.Length, options.Kills - total.Kills) : options.Length;
            if (!One(number++, kills, total)) return 1;
        }
        while (options.Session is null && (options.Kills == 0 || total.Kills < options.Kills) && (options.Time == TimeSpan.Zero || Elapsed < options.Time));
        foreach ((string what, int times) in total.Killed) Console.WriteLine($"  {times,6} {what}");
        Console.WriteLine($"drill: clean: {total}; {Elapsed.TotalSeconds:F0} s, seed {options.Seed}");
        return 0;
    }

    private TimeSpan Elapsed => Stopwatch.GetElapsedTime(_begin);

    private bool One(int number, int kills, Tally total)
    {
        string folder = Directory.CreateTempSubdirectory($"mvedsua-drill-{options.Seed}-{number}-").FullName;
        using var log = new StreamWriter(Path.Combine(folder, "drill.log")) { AutoFlush = true };
        void Tell(string line)
        {
            lock (log) log.WriteLine($"{DateTime.Now:HH:mm:ss.fff} {line}");
        }
        Trial? trial = null;
        try
        {
            trial = new Trial(options, number, folder, Tell);
            trial.Run(kills);
            total.Add(trial.Tally);
            Console.WriteLine($"session {number} ({DrillServers.Of(options.Server, number)}): {trial.Tally} ({total.Kills} kills in {Elapsed.TotalSeconds:F0} s)");
        }
        catch (Exception e)
        {
            if (trial is not null) total.Add(trial.Tally);
            Tell($"{e}");
            Console.WriteLine($"drill: FAILED in session {number} ({DrillServers.Of(options.Server, number)}) after {trial?.Tally.Kills} kills ({total.Kills} in all): {e.Message}");
            Console.WriteLine($"drill: everything is kept in {folder}");
            Console.WriteLine($"drill: again: {options.Replay(number)}");
            return false;
        }
        finally
        {
            trial?.Dispose();
        }
        if (trial.HadStall)
        {
            string kept = $"{folder.TrimEnd('/')}.log";
            File.Copy(Path.Combine(folder, "drill.log"), kept);
            Console.WriteLine($"  an answer took long: {kept} tells who did what");
        }
        Directory.Delete(folder, recursive: true);
        return true;
    }

    /// <summary>The command beside the library with fault points.</summary>
    private static void Install()
    {
        Host.Result build = Host.Run(Host.Root, "make", "-s", "-C", "native/shim", "FAULTS=1", $"OUT={Host.Products}");
        if (build.Status != 0) throw new DrillFailure(build.Output + build.Errors);
        string folder = Directory.CreateDirectory(Path.Combine(Host.Products, "drill", "faults")).FullName;
        foreach ((string from, string name) in (ReadOnlySpan<(string, string)>)[("faults/libmvedsua.so", "libmvedsua.so"), ("mvedsua", "mvedsua")])
        {
            /* Never overwritten in place: a server may run from it. */
            File.Copy(Path.Combine(Host.Products, from), Path.Combine(folder, name + ".new"), overwrite: true);
            File.Move(Path.Combine(folder, name + ".new"), Path.Combine(folder, name), overwrite: true);
        }
    }
}
