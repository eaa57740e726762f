using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What a copy of a process costs by its memory, with pages of 4 KiB and of 2 MiB: a native fork(), and the stop of a leader that is given a follower
/// (bench/native/heap.c).</summary>
internal static class ForkRows
{
    private const double Mebi = 1 << 20;
    private static readonly (int Mebibytes, bool Huge)[] _heaps = [(0, false), (64, false), (64, true), (256, false), (256, true), (1024, false), (1024, true)];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        var recipe = new Recipe("heap", "", (port, _) => [paths.Bench("heap"), $"{port}"]);
        using var native = new Server(paths, Mode.Native, recipe);
        using var session = new Server(paths, Mode.Session, recipe);
        using var alone = new LineClient(recipe.Name, native.Port);
        using var led = new LineClient(recipe.Name, session.Port);
        foreach (var heap in _heaps)
        {
            if (WhyNot(heap.Mebibytes) is { } why)
            {
                yield return Result.LeftOut($"fork at {Name(heap)}", why);
                continue;
            }

            foreach (var line in new[] { alone, led }) Touch(line, heap);
            var (huge, wanted) = (Memory.Huge(session.Pid), heap.Mebibytes * Mebi);
            if (heap.Huge && huge < wanted / 2)
            {
                yield return Result.LeftOut($"fork at {Name(heap)}", string.Create(CultureInfo.InvariantCulture,
                    $"the kernel gave {huge / Mebi:0} MiB of huge pages; /sys/kernel/mm/transparent_hugepage/enabled has to be madvise or always"));
                continue;
            }

            (double Fork, double Stop) Pair()
            {
                var pair = (ParseFork(alone.Ask("fork")), session.Follow());
                session.Unfollow();
                return pair;
            }

            Pair(); // the first one finds pages that were never shared
            var rounds = paths.Log.Repeat($"fork at {Name(heap)}", effort.AtLeast(5, effort.Updates), Pair);
            double[] fork = [.. rounds.Select(r => r.Fork)], stop = [.. rounds.Select(r => r.Stop)];
            yield return new Result($"fork at {Name(heap)}: native", Sample.Of(fork), Unit.Milliseconds);
            yield return new Result($"fork at {Name(heap)}: the leader's stop", Sample.Of(stop), Unit.Milliseconds, Note: string.Create(CultureInfo.InvariantCulture,
                $"beyond native's: {Sample.OfDifferences(stop, fork).Median * 1e3:0.00} ms"));
        }
    }

    /// <summary>Of the answer to "fork", in seconds.</summary>
    internal static double ParseFork(string answer) => double.TryParse(answer, NumberStyles.Float, CultureInfo.InvariantCulture, out var ns) && ns > 0
        ? ns / 1e9
        : throw new BenchException($"heap answered '{answer}' to fork");

    private static void Touch(LineClient line, (int Mebibytes, bool Huge) heap)
    {
        if (line.Ask($"touch {heap.Mebibytes} {(heap.Huge ? "huge" : "small")}") is var answer && answer != "touched") throw new BenchException($"heap answered '{answer}' to touch");
    }

    /// <summary>Two processes have that much, and a margin is left to the machine.</summary>
    private static string? WhyNot(int mebibytes)
    {
        var available = Memory.Parse(File.ReadAllText("/proc/meminfo"), "MemAvailable:") / Mebi;
        return available > 2 * mebibytes + 512 ? null : string.Create(CultureInfo.InvariantCulture, $"the machine has {available:0} MiB to spare, it needs {2 * mebibytes + 512}");
    }

    internal static string Name((int Mebibytes, bool Huge) heap) => heap.Mebibytes == 0 ? "0 MB" : $"{heap.Mebibytes} MB, {(heap.Huge ? "2 MiB" : "4 KiB")} pages";
}
