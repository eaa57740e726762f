namespace Mvedsua.Coordinator.Launch;

/// <summary>Command lines that start a program through glibc's loader: <c>ld-linux-x86-64.so.2 --library-path DIR PROGRAM</c> (ld.so(8)).</summary>
internal static class LoaderCommand
{
    private static readonly string[] _withValue =
        ["--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask"];

    /// <summary>True for a path that names glibc's loader.</summary>
    internal static bool IsLoader(string path) =>
        Path.GetFileName(path) is "ld-linux-x86-64.so.2" or "ld.so"
        || (Path.GetFileName(path).StartsWith("ld-2.", StringComparison.Ordinal) && path.EndsWith(".so", StringComparison.Ordinal));

    /// <summary>The program that the loader is told to run; null when the executable isn't the loader or names none.</summary>
    internal static string? ProgramOf(string executable, IReadOnlyList<string> command)
    {
        if (!IsLoader(executable)) return null;
        for (var i = 1; i < command.Count; i++)
        {
            if (!command[i].StartsWith("--", StringComparison.Ordinal)) return command[i];
            if (_withValue.Contains(command[i])) i++;
        }

        return null;
    }
}
