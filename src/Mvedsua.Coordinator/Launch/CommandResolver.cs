using System.Text;

namespace Mvedsua.Coordinator.Launch;

/// <summary>What a command line runs.</summary>
/// <param name="Program">Absolute path for execve.</param>
/// <param name="Executable">The ELF file that ends up running: a script's interpreter, or what ld.so is told to load.</param>
public sealed record ResolvedCommand(string Program, string Executable);

/// <summary>Finds the file that a command line runs, as execvp(3) and the kernel's script loader do.</summary>
public static class CommandResolver
{
    private const int MostScripts = 5; // BINPRM depth: exec_binprm() in fs/exec.c
    private const int ScriptLine = 256; // BINPRM_BUF_SIZE

    /// <exception cref="LaunchRefusedException">There is nothing that could be executed.</exception>
    public static ResolvedCommand Resolve(IReadOnlyList<string> command)
    {
        var program = Find(command[0]);
        var executable = program;
        for (var depth = 0; ScriptInterpreter(executable) is { } interpreter; depth++)
        {
            if (depth == MostScripts)
                throw Refuse(RefusalKind.UnknownFormat, $"{program} names a script as its interpreter {MostScripts} times over, which the kernel refuses too; name a program there.");
            if (!File.Exists(interpreter))
                throw Refuse(RefusalKind.InterpreterMissing, $"{executable} asks in its first line for the interpreter {interpreter}, which doesn't exist; install it or correct that line.");
            CheckExecutable(interpreter);
            executable = Path.GetFullPath(interpreter);
        }

        // "ld-linux-x86-64.so.2 [options] program": what counts is the program.
        if (LoaderCommand.ProgramOf(executable, command) is { } loaded)
        {
            CheckExecutable(loaded);
            executable = Path.GetFullPath(loaded);
        }

        return new ResolvedCommand(program, executable);
    }

    private static string Find(string name)
    {
        if (name.Contains('/'))
        {
            CheckExecutable(name);
            return Path.GetFullPath(name);
        }

        string? notExecutable = null;
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/bin:/usr/bin").Split(':'))
        {
            var candidate = Path.Combine(directory.Length == 0 ? "." : directory, name);
            if (!File.Exists(candidate)) continue;
            if (HostCalls.MayExecute(candidate)) return Path.GetFullPath(candidate);
            notExecutable ??= candidate;
        }

        if (notExecutable is not null) CheckExecutable(notExecutable);
        throw Refuse(RefusalKind.FileMissing, $"no program named '{name}' is in PATH; install it or give its path.");
    }

    private static void CheckExecutable(string path)
    {
        if (Directory.Exists(path))
            throw Refuse(RefusalKind.NotAFile, $"{path} is a directory; name a program inside it.");
        if (!HostCalls.Exists(path))
            throw Refuse(RefusalKind.FileMissing, $"{path} doesn't exist; check the path.");
        if (!HostCalls.IsRegularFile(path))
            throw Refuse(RefusalKind.NotAFile, $"{path} isn't a regular file; name a program.");
        if (!HostCalls.MayExecute(path))
        {
            throw Refuse(RefusalKind.NotExecutable,
                $"{path} may not be executed by you; give it the permission (chmod +x), or move it off a file system mounted noexec.");
        }
    }

    // "#! interpreter [argument]", blanks allowed around; null for anything else.
    private static string? ScriptInterpreter(string path)
    {
        var buffer = new byte[ScriptLine];
        int read;
        try
        {
            using var file = File.OpenRead(path);
            read = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (UnauthorizedAccessException)
        {
            throw Refuse(RefusalKind.NotExecutable,
                $"{path} may be executed but not read by you, so its system calls can't be found beforehand; allow reading it (chmod +r).");
        }

        if (read < 2 || buffer[0] != '#' || buffer[1] != '!') return null;
        var line = buffer.AsSpan(2, read - 2);
        var end = line.IndexOf((byte)'\n');
        var text = Encoding.UTF8.GetString(end < 0 ? line : line[..end]).Trim(' ', '\t', '\r', '\0');
        var blank = text.IndexOfAny([' ', '\t']);
        var interpreter = blank < 0 ? text : text[..blank];
        if (interpreter.Length == 0)
            throw Refuse(RefusalKind.UnknownFormat, $"{path} begins with '#!' but names no interpreter; add one to its first line.");
        return interpreter;
    }

    private static LaunchRefusedException Refuse(RefusalKind kind, string message) => LaunchRefusedException.Because(kind, message);
}
