using System.Globalization;
using System.Text.RegularExpressions;

namespace Mvedsua.Drill;

/// <summary>What /proc says of processes.</summary>
internal static partial class ProcessFacts
{
    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();

    /// <summary>How many descriptors of each kind a process has; a file's name without its numbers is a kind.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="isOneOfSome">Of these files some number may be open, each once: the kind counts as often as one of them is open.</param>
    internal static SortedDictionary<string, int> Descriptors(int pid, Func<string, bool> isOneOfSome)
    {
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        string[] targets = [.. new DirectoryInfo($"/proc/{pid}/fd").EnumerateFiles().Select(entry => entry.LinkTarget).OfType<string>()];
        foreach ((string target, int count) in targets.CountBy(target => target))
        {
            string kind = Number().Replace(target, "N");
            int before = kinds.GetValueOrDefault(kind);
            kinds[kind] = isOneOfSome(target) ? Math.Max(before, count) : before + count;
        }
        return kinds;
    }

    internal static string Text(SortedDictionary<string, int> kinds) => string.Join(", ", kinds.Select(kind => $"{kind.Value} {kind.Key}"));

    /// <summary>How often a retransmission time-out has passed on any connection of this machine (TcpExtTCPTimeouts of /proc/net/netstat).</summary>
    internal static long TcpTimeouts()
    {
        string[][] lines = [.. File.ReadLines("/proc/net/netstat").Where(line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).Select(line => line.Split(' '))];
        int column = lines.Length == 2 ? Array.IndexOf(lines[0], "TCPTimeouts") : -1;
        return column < 0 ? 0 : long.Parse(lines[1][column], CultureInfo.InvariantCulture);
    }

    /// <summary>Both ends of the connections with a server on this port whose queues hold something: bytes that the other side has not acknowledged, and that
    /// this one's process has not read; with the timer of the connection (proc_pid_net(5): 0 none, 1 retransmission, 4 probe).</summary>
    internal static Dictionary<string, string> Queues(int port)
    {
        var held = new Dictionary<string, string>();
        string ending = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        foreach (string[] words in File.ReadLines("/proc/net/tcp").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (words[3] != "01" || words[4] == "00000000:00000000" || !(words[1].EndsWith(ending, StringComparison.Ordinal) || words[2].EndsWith(ending, StringComparison.Ordinal))) continue;
            long[] queues = [.. words[4].Split(':').Select(word => long.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            held[$"{words[1]} to {words[2]}"] = $"{queues[0]} bytes not acknowledged, {queues[1]} not read, timer {words[5].Split(':')[0].TrimStart('0').PadLeft(1, '0')}";
        }
        return held;
    }

    internal static int Threads(int pid) => Directory.GetDirectories($"/proc/{pid}/task").Length;

    /// <summary>Each thread's state, the call that it is in, and where the kernel keeps it; nothing of one that ends meanwhile.</summary>
    internal static string[] Doing(int pid)
    {
        try
        {
            return [.. Directory.GetDirectories($"/proc/{pid}/task").Select(task =>
            {
                string Read(string name) => File.ReadAllText(Path.Combine(task, name)).Trim();
                string stat = Read("stat");
                return $"{Path.GetFileName(task)} {Read("comm")} {stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[0]} [{Read("syscall")}] {Read("wchan")}";
            })];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; }
    }

    /// <summary>The processes, zombies excepted, that work in this folder.</summary>
    internal static int[] WorkingIn(string folder) =>
        [.. Directory.GetDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out int pid) ? pid : 0)
            .Where(pid => pid != 0 && WorksIn(pid, folder))];

    private static bool WorksIn(int pid, string folder)
    {
        try { return new DirectoryInfo($"/proc/{pid}/cwd").LinkTarget == folder; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return false; }
    }
}
