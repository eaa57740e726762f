using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mvedsua.Follower.Tests;

/// <summary>The machine: where the products are, ports, signals, other processes' memory, commands.</summary>
internal static partial class Host
{
    internal const int SIGHUP = 1, SIGILL = 4, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11,
                       SIGTERM = 15, SIGCONT = 18, SIGSTOP = 19;

    internal static string Root { get; } = FindRoot();

    /// <summary>The folder of the products under test.</summary>
    internal static string Products { get; } = Environment.GetEnvironmentVariable("MVEDSUA_OUT") ?? Path.Combine(Root, "out");

    /// <summary>How often the tests that look for races repeat themselves; raised for long runs.</summary>
    internal static int Rounds { get; } = int.Parse(Environment.GetEnvironmentVariable("MVEDSUA_ROUNDS") ?? "1");

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillCall(int pid, int signal);

    internal static void Kill(int pid, int signal)
    {
        Assert.True(pid > 1, $"no such process: {pid}");
        Assert.True(KillCall(pid, signal) == 0, $"kill({pid}, {signal}): errno {Marshal.GetLastPInvokeError()}");
    }

    internal static void KillIfThere(int pid, int signal)
    {
        if (pid > 1) _ = KillCall(pid, signal);
    }

    /// <summary>Is there such a process, and not a zombie?</summary>
    internal static bool IsAlive(int pid) => State($"/proc/{pid}") is not ('Z' or 'X');

    /// <summary>Do all of its threads stand still, by SIGSTOP?</summary>
    internal static bool IsStopped(int pid)
    {
        try
        {
            return State($"/proc/{pid}") == 'T' && Directory.GetDirectories($"/proc/{pid}/task").All(t => State(t) is 'T' or 'X');
        }
        catch (DirectoryNotFoundException)
        {
            return false; /* it has just ended */
        }
    }

    /// <summary>The letter in its stat (proc_pid_stat(5)); X: it is gone.</summary>
    private static char State(string process)
    {
        try
        {
            string stat = File.ReadAllText($"{process}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return 'X';
        }
    }

    internal sealed record Result(int Status, string Output, string Errors);

    internal static Result Run(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        start.Environment["XDG_RUNTIME_DIR"] = folder;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(60_000))
        {
            process.Kill();
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within a minute");
        }
        return new Result(process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>Waits for something that an event brings about; fails with `what` after the limit.</summary>
    internal static void Until(Func<bool> condition, string what, double seconds = 20)
    {
        long begin = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(begin).TotalSeconds > seconds) Assert.Fail($"not within {seconds} s: {what}");
            Thread.Sleep(5);
        }
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mvedsua.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
