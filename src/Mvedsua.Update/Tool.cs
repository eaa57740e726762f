using System.Diagnostics;

namespace Mvedsua.Update;

/// <summary>Runs programs beside somebody who waits for every child of the process, as the coordinator does: whoever is first is told how a
/// child ended, and a <see cref="Process"/> that is not waits for ever. Safe for concurrent use.</summary>
public static class Tool
{
    private static readonly object Gate = new(); /* a Lock can't be waited on */
    private static readonly HashSet<int> Running = [];

    /// <summary>Runs a program to its end.</summary>
    /// <param name="start">With the standard error redirected, and nothing else.</param>
    /// <returns>Its exit status, and what it wrote to its standard error.</returns>
    /// <exception cref="System.ComponentModel.Win32Exception">It can't be started.</exception>
    internal static (int Status, string Errors) Run(ProcessStartInfo start)
    {
        Process process;
        lock (Gate) /* it may have ended before we know its number */
        {
            process = Process.Start(start)!;
            Running.Add(process.Id);
        }
        using (process)
        {
            try
            {
                var errors = process.StandardError.ReadToEnd();
                process.WaitForExit();
                return (process.ExitCode, errors);
            }
            finally
            {
                lock (Gate)
                {
                    Running.Remove(process.Id);
                    Monitor.PulseAll(Gate);
                }
            }
        }
    }

    /// <summary>For whoever waits for every child, before it takes the end of one: is it one of these programs? Then it returns once that is
    /// taken.</summary>
    /// <param name="pid">A child that has ended.</param>
    public static bool Takes(int pid)
    {
        lock (Gate)
        {
            if (!Running.Contains(pid)) return false;
            while (Running.Contains(pid)) Monitor.Wait(Gate);
            return true;
        }
    }
}
