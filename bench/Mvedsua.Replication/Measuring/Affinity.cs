using System.Globalization;
using System.Runtime.InteropServices;

namespace Mvedsua.Replication.Measuring;

/// <summary>The processors that the bench, and all that it starts, may use.</summary>
internal static class Affinity
{
    private const int MostProcessors = 1024; // of glibc's cpu_set_t

    /// <summary>As the kernel writes it: "0-1,3".</summary>
    internal static string Allowed() => Line("Cpus_allowed_list:");

    /// <summary>Whether fewer processors may be used than there are.</summary>
    internal static bool IsPinned => Parse(Allowed()).Count < Parse(File.ReadAllText("/sys/devices/system/cpu/online").Trim()).Count;

    /// <summary>Throws FormatException when it is none.</summary>
    internal static IReadOnlySet<int> Parse(string list)
    {
        var found = new SortedSet<int>();
        foreach (var part in list.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !Number(ends[0], out var first) || !Number(ends[^1], out var last) || last < first)
                throw new FormatException($"'{list}' is no list of processors: 0-1,3 is one");
            found.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return found;
    }

    /// <summary>All threads that there are; those that they make inherit it, as do processes. Throws when there are no such processors.</summary>
    internal static void Pin(string list)
    {
        var mask = new byte[MostProcessors / 8];
        foreach (var processor in Parse(list)) mask[processor / 8] |= (byte)(1 << processor % 8);
        // Twice: a thread may have been made by one that the first turn had not come to.
        for (var turn = 0; turn < 2; turn++)
        {
            foreach (var thread in Directory.EnumerateDirectories("/proc/self/task").Select(d => int.Parse(Path.GetFileName(d), CultureInfo.InvariantCulture)))
            {
                if (SetAffinity(thread, mask.Length, mask) != 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
                    throw new BenchException($"--pin {list}: {Marshal.GetLastPInvokeErrorMessage()}; this machine has the processors {File.ReadAllText("/sys/devices/system/cpu/online").Trim()}");
            }
        }

        // The kernel takes what there is of the list: half of it would not be what was asked for.
        if (!Parse(Allowed()).SetEquals(Parse(list))) throw new BenchException($"--pin {list}: this machine, or this container, has only the processors {Allowed()} of these");
    }

    private const int NoSuchProcess = 3;

    private static bool Number(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < MostProcessors;

    private static string Line(string name) => File.ReadLines("/proc/thread-self/status").First(l => l.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();

    [DllImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetAffinity(int pid, nint size, byte[] mask);
}
