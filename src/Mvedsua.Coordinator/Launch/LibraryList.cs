using System.Diagnostics;

namespace Mvedsua.Coordinator.Launch;

/// <summary>The libraries that a program would load, as its own loader resolves them.</summary>
public static class LibraryList
{
    /// <summary>Absolute paths in load order, the loader included; names that it can't find are returned as they stand.</summary>
    /// <param name="loader">The program's interpreter. It is run as ldd(1) runs it, and runs none of the program's code.</param>
    /// <param name="program">Absolute path of the program.</param>
    public static IReadOnlyList<string> Of(string loader, string program)
    {
        var start = new ProcessStartInfo(loader, [program]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("LD_PRELOAD");
        // Unlike --list this goes on behind a library that is missing.
        start.Environment["LD_TRACE_LOADED_OBJECTS"] = "1";
        using var process = Process.Start(start) ?? throw new IOException($"{loader} can't be started");
        var errors = process.StandardError.ReadToEndAsync();
        List<string> found = [];
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (Parse(line) is { } path) found.Add(path);
        }

        process.WaitForExit();
        if (found.Count == 0 && process.ExitCode != 0) throw new IOException(errors.Result.Trim());
        return found;
    }

    // "\tlibz.so.1 => /lib/… (0x…)", "\tlibq.so => not found", "\t/lib64/ld-linux-x86-64.so.2 (0x…)", "\tlinux-vdso.so.1 (0x…)"
    internal static string? Parse(string line)
    {
        var text = line.Trim();
        var arrow = text.IndexOf(" => ", StringComparison.Ordinal);
        var address = text.LastIndexOf(" (0x", StringComparison.Ordinal);
        if (arrow >= 0)
        {
            var target = text[(arrow + 4)..];
            return target == "not found" ? text[..arrow] : target[..(address < 0 ? target.Length : address - arrow - 4)];
        }

        return address > 0 && text.StartsWith('/') ? text[..address] : null;
    }
}
