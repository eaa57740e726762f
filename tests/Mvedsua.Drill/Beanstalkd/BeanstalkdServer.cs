using System.Diagnostics;
using System.Net.Sockets;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Beanstalkd;

/// <summary>beanstalkd with its binlog, written and synced at every job.</summary>
internal sealed class BeanstalkdServer : IDrillServer
{
    private const string Program = "/usr/bin/beanstalkd";

    public string[] Command(string folder, int port)
    {
        string log = Directory.CreateDirectory(Path.Combine(folder, "binlog")).FullName;
        return [Program, "-l", "127.0.0.1", "-p", $"{port}", "-b", log, "-f", "0"];
    }

    public bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public DrillLoad Load(int port, int seed) =>
        new ClientLoad<BeanstalkdClient>(6, (number, _) => new BeanstalkdClient(port, number, new Random(unchecked(seed * 31 + number))));

    /// <summary>Near the end of one file it has the next one open already.</summary>
    public bool IsOneOfSome(string file) => Path.GetFileName(file) is var name && name.StartsWith("binlog.", StringComparison.Ordinal) && !name.EndsWith("(deleted)", StringComparison.Ordinal);

    public int ShutDown(int port, int leader)
    {
        Host.Kill(leader, Host.SIGTERM);
        return 128 + Host.SIGTERM;
    }

    public void CheckFiles(string folder, DrillLoad load) => Reload(folder, load, mayMiss: 0);

    /// <summary>Each job is in the binlog before it is acknowledged. But beanstalkd moves old jobs to the newest file, one at a time, and removes the
    /// oldest file before it writes that file's last job anew: natively, too, a kill between the two loses this one.</summary>
    public void CheckFilesAfterKill(string folder, DrillLoad load) => Reload(folder, load, mayMiss: 1);

    /// <summary>A beanstalkd without Mvedsua reads a copy of the binlog: what was put and not deleted, each job once.</summary>
    private static void Reload(string folder, DrillLoad load, int mayMiss)
    {
        string copy = Path.Combine(folder, "reload");
        Host.Run(folder, "cp", "-r", "binlog", copy);
        File.Delete(Path.Combine(copy, "lock"));
        int port = Host.FreePort();
        using Process fresh = Process.Start(Program, ["-l", "127.0.0.1", "-p", $"{port}", "-b", copy]);
        try
        {
            Host.Until(() => fresh.HasExited || Answered(port), "the binlog is read", 60);
            if (fresh.HasExited) throw new DrillFailure("beanstalkd can't read its binlog");
            string[] missing = [.. ((ClientLoad<BeanstalkdClient>)load).Clients.SelectMany(client => client.MissingOfKept(port))];
            if (missing.Length > mayMiss) throw new DrillFailure($"kept jobs are lost: {string.Join(", ", missing)}");
        }
        finally
        {
            fresh.Kill();
            fresh.WaitForExit();
        }
        Directory.Delete(copy, recursive: true);
    }

    private static bool Answered(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
    }
}
