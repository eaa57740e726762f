using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Tests;

public sealed class OpenMemoryTests
{
    /// <summary>What could go wrong: no end. The kernel takes 0 bytes for the memory of a process that is gone, and tells no error.</summary>
    [Fact]
    public void A_write_to_a_process_that_has_ended_fails()
    {
        using Process process = Process.Start("sleep", "60");
        using SafeFileHandle memory = File.OpenHandle($"/proc/{process.Id}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        ulong stack = Convert.ToUInt64(File.ReadLines($"/proc/{process.Id}/maps").First(line => line.EndsWith("[stack]", StringComparison.Ordinal)).Split('-')[0], 16);
        OpenMemory.Write(memory, stack, [1, 2, 3]);
        byte[] back = new byte[3];
        Assert.Equal(3, RandomAccess.Read(memory, back, (long)stack));
        Assert.Equal([1, 2, 3], back);
        Assert.Throws<IOException>(() => OpenMemory.Write(memory, 4096, [1])); /* nothing is there */
        process.Kill();
        process.WaitForExit();
        Assert.Throws<IOException>(() => OpenMemory.Write(memory, stack, [1, 2, 3]));
    }
}
