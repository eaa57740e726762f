using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Kv;

/// <summary>The sample server, in one of its releases, with threads or without.</summary>
internal sealed class KvServer(Random random) : IDrillServer
{
    private static readonly string[] Releases = ["1.0", "1.1", "2.0", "3.0"];
    private readonly string _release = Releases[random.Next(Releases.Length)];
    private readonly int _threads = random.Next(2) * 3;

    public string[] Command(string folder, int port) =>
        [KvPrograms.Of(_release), "--port", $"{port}", "--log", Path.Combine(folder, "kv.log"), "--threads", $"{_threads}", "--report-period", "20"];

    public bool Answers(int port) => KvClient.Answers(port);

    public DrillLoad Load(int port, int seed) => KvClient.Load(port, 8, seed, _threads > 0, () => _release switch
    {
        "2.0" => KvCommands.Typed,
        "3.0" => KvCommands.WithoutPut,
        _ => KvCommands.Texts,
    });

    public int ShutDown(int port, int leader)
    {
        Host.Kill(leader, Host.SIGTERM);
        return 0;
    }

    /// <summary>The reports count connections: each line that is lost or there twice would show.</summary>
    public void CheckFiles(string folder, DrillLoad load)
    {
        string[] lines = CheckLog(folder);
        if (!lines[^1].EndsWith($" notice kv {_release} has ended", StringComparison.Ordinal)) throw new DrillFailure($"the log's last line is {lines[^1]}");
    }

    public void CheckFilesAfterKill(string folder, DrillLoad load) => CheckLog(folder);

    private string[] CheckLog(string folder)
    {
        string[] lines = File.ReadAllLines(Path.Combine(folder, "kv.log"));
        if (!lines[0].Contains($" notice kv {_release} listens at ", StringComparison.Ordinal)) throw new DrillFailure($"the log's first line is {lines[0]}");
        long before = 0;
        foreach (string line in lines.Where(line => line.EndsWith(" accepted", StringComparison.Ordinal)))
        {
            long accepted = long.Parse(line.Split(' ')[^2]);
            if (accepted <= before) throw new DrillFailure($"the log says {accepted} accepted after {before}");
            before = accepted;
        }
        if (lines.FirstOrDefault(line => line.Contains(" error ", StringComparison.Ordinal)) is { } error) throw new DrillFailure($"the log says: {error}");
        return lines;
    }

    public void Dispose()
    {
    }
}
