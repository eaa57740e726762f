using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>Another process's memory, changed from outside.</summary>
internal static class OtherMemory
{
    /// <summary>Replaces every occurrence of a text in the writable memory of a process that owns it privately; how many.</summary>
    internal static int Poke(int pid, string text, string replacement)
    {
        byte[] wanted = Encoding.Latin1.GetBytes(text), other = Encoding.Latin1.GetBytes(replacement);
        int found = 0;
        using var memory = new FileStream($"/proc/{pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        foreach (string line in File.ReadLines($"/proc/{pid}/maps"))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!parts[1].StartsWith("rw-p", StringComparison.Ordinal)) continue;
            string[] range = parts[0].Split('-');
            long start = Convert.ToInt64(range[0], 16), end = Convert.ToInt64(range[1], 16);
            if (end - start > 256 << 20) continue;
            byte[] bytes = new byte[end - start];
            int read;
            try
            {
                memory.Position = start;
                read = memory.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            }
            catch (IOException) { continue; }
            for (int at = 0; (at = bytes.AsSpan(0, read).IndexOf(wanted, at)) >= 0; at += wanted.Length)
            {
                memory.Position = start + at;
                memory.Write(other);
                found++;
            }
        }
        return found;
    }

    private static int IndexOf(this Span<byte> bytes, byte[] wanted, int from)
    {
        int at = bytes[from..].IndexOf(wanted);
        return at < 0 ? -1 : at + from;
    }
}
