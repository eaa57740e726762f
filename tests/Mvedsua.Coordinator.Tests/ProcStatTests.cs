using System.Diagnostics;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Tests;

/// <summary>/proc/PID/stat, of which everything that is told of a process depends.</summary>
public sealed class ProcStatTests
{
    private const int Stop = 19, Continue = 18;

    [Fact]
    public void A_name_with_blanks_and_parentheses_does_not_shift_what_follows()
    {
        string folder = Directory.CreateTempSubdirectory("mvedsua-stat-").FullName;
        string program = Path.Combine(folder, "a) R (b 1");
        File.CreateSymbolicLink(program, "/bin/sleep");
        using Process process = Process.Start(program, "1000");
        try
        {
            Until(process, stat => stat.Name == "a) R (b 1");
            ProcStat stat = ProcStat.Of(process.Id)!.Value;
            Assert.Equal((Environment.ProcessId, 1), (stat.Parent, stat.Threads));
            Assert.InRange(stat.InitialStack, 1ul << 40, 1ul << 47);
            Assert.True(stat.StartTime >= ProcStat.Of(Environment.ProcessId)!.Value.StartTime);
            Assert.Equal("a) R (b 1", Assert.Single(ProcStat.ThreadsOf(process.Id)).Name);
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
            Directory.Delete(folder, recursive: true);
        }
        Assert.Null(ProcStat.Of(process.Id));
        Assert.Empty(ProcStat.ThreadsOf(process.Id));
    }

    [Fact]
    public void Who_is_stopped_is_told_from_who_goes_on()
    {
        using Process process = Process.Start("/bin/sleep", "1000");
        try
        {
            Assert.False(ProcStat.Of(process.Id)!.Value.IsStopped);
            _ = Libc.Kill(process.Id, Stop);
            Until(process, stat => stat.IsStopped);
            _ = Libc.Kill(process.Id, Continue);
            Until(process, stat => !stat.IsStopped);
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    /// <summary>The kernel takes a moment.</summary>
    private static void Until(Process process, Func<ProcStat, bool> holds) =>
        Assert.True(SpinWait.SpinUntil(() => ProcStat.Of(process.Id) is { } stat && holds(stat), 10_000));
}
