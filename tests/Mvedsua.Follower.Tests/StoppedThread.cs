using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>Stops one thread of a process at a place in the shim, by gdb, while all others run on: the moment that a death must find.</summary>
internal sealed class StoppedThread : IDisposable
{
    private readonly Process _gdb;
    private readonly List<string> _output = [];

    /// <summary>`place`: as gdb's `tbreak` has it, a condition included.</summary>
    internal StoppedThread(int pid, string place)
    {
        _gdb = Process.Start(new ProcessStartInfo("gdb", ["-q", "-nx", "-iex", "set non-stop on", "-iex", "set pagination off", "-iex", "set confirm off",
            "-iex", "handle all nostop noprint pass", "-iex", "handle SIGTRAP SIGINT stop", "-p", $"{pid}", "-ex", $"tbreak {place}"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        _gdb.OutputDataReceived += (_, line) => { lock (_output) _output.Add(line.Data ?? ""); };
        _gdb.BeginOutputReadLine();
        _gdb.BeginErrorReadLine();
        /* Threads stop one after another, some after gdb has gone on: until none is left. */
        Host.Until(() =>
        {
            int from;
            lock (_output) from = _output.Count;
            _gdb.StandardInput.WriteLine("continue -a &\ninfo threads\necho \\nlisted\\n");
            Host.Until(() => Since(from).Contains("listed"), "gdb lists the threads");
            string[] threads = [.. Since(from).Where(line => line.Contains(" LWP ") || line.Contains("Thread 0x"))];
            return threads.Length > 0 && threads.All(line => line.Contains("(running)"));
        }, "all threads run");
    }

    /// <summary>Waits until a thread is there. It stays until its process is killed, or this object is disposed of.</summary>
    internal void Reached(int times = 1) =>
        Host.Until(() => Since(0).Count(line => Regex.IsMatch(line, @"emporary breakpoint [\d.]+, ")) >= times, "a thread reaches the place");

    /// <summary>Stops a second thread at another place.</summary>
    internal void AlsoAt(string place)
    {
        int from;
        lock (_output) from = _output.Count;
        _gdb.StandardInput.WriteLine($"tbreak {place}");
        Host.Until(() => Since(from).Any(line => Regex.IsMatch(line, @"emporary breakpoint \d+( at|:) ")),
            "gdb has set the breakpoint");
    }

    /// <summary>The process's main thread goes on; whoever else stands somewhere stays there.</summary>
    internal void MainGoesOn() => _gdb.StandardInput.WriteLine("thread 1\ncontinue &");

    /// <summary>Lets it go on to a second place.</summary>
    internal void GoesOnTo(string place)
    {
        _gdb.StandardInput.WriteLine($"tbreak {place}\ncontinue -a &");
        Reached(2);
    }

    /// <summary>The thread that stands there (of a process with one) goes on with another register.</summary>
    internal void Sets(string register, long value) => _gdb.StandardInput.WriteLine($"set ${register} = {value}");

    /// <summary>Kills the process in this moment.</summary>
    internal void Kill(int pid)
    {
        Host.Kill(pid, Host.SIGKILL);
        Dispose();
    }

    /// <summary>Lets the process go on without gdb.</summary>
    public void Dispose()
    {
        if (!_gdb.HasExited)
        {
            /* Its breakpoints first: it may still be about to take one out, and a thread that came there would die of it. */
            int from;
            lock (_output) from = _output.Count;
            _gdb.StandardInput.WriteLine("delete\necho \\nremoved\\n");
            Host.Until(() => _gdb.HasExited || Since(from).Contains("removed"), "gdb takes its breakpoints out");
            _gdb.Kill();
        }
        _gdb.WaitForExit();
    }

    private string[] Since(int from)
    {
        lock (_output) return [.. _output.Skip(from)];
    }
}
