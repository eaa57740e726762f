using Mvedsua.Abi.Elf;

namespace Mvedsua.Coordinator.Launch;

/// <summary>What can be said against a program from its file alone.</summary>
public static class ProgramChecks
{
    private const uint SetUserId = 0x800, SetGroupId = 0x400, GroupExecute = 0x8; // S_ISUID, S_ISGID, S_IXGRP

    /// <summary>Everything that stands against an ELF program, gravest first; empty when it can be started.</summary>
    public static IReadOnlyList<LaunchRefusal> Check(string path)
    {
        ElfImage image;
        try
        {
            image = ElfImage.Read(path);
        }
        catch (ElfException e)
        {
            return [Explain(path, e)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [new(RefusalKind.NotExecutable, $"{path} can't be read ({e.Message.TrimEnd('.')}), so its system calls can't be found beforehand; allow reading it.")];
        }

        List<LaunchRefusal> found = [];
        if (image.IsGo)
            found.Add(new(RefusalKind.GoProgram, $"{path} is built by Go, whose runtime makes its own system calls on stacks of its own; Mvedsua runs programs that use glibc."));
        else if (image.Interpreter is null && !IsLoader(image))
            found.Add(new(RefusalKind.StaticProgram, $"{path} is statically linked, so nothing can be preloaded into it; use a dynamically linked build."));
        else if (image.Interpreter is not null)
            CheckInterpreter(path, image.Interpreter, found);
        CheckPrivileges(path, found);
        if (image.HasShadowStack && ShadowStack.WouldBeOn)
            found.Add(new(RefusalKind.ShadowStack, $"{path} would run with a shadow stack, which the trampolines don't keep; remove SHSTK from GLIBC_TUNABLES."));
        return found;
    }

    // The loader itself has no interpreter; with no program to load it only prints its help.
    private static bool IsLoader(ElfImage image) => image.SoName is not null && LoaderCommand.IsLoader(image.SoName);

    private static void CheckInterpreter(string path, string interpreter, List<LaunchRefusal> found)
    {
        var name = Path.GetFileName(interpreter);
        if (name.StartsWith("ld-musl", StringComparison.Ordinal))
            found.Add(new(RefusalKind.MuslProgram, $"{path} is linked against musl ({interpreter}); use a build for glibc."));
        else if (!LoaderCommand.IsLoader(interpreter))
            found.Add(new(RefusalKind.UnknownInterpreter, $"{path} is loaded by {interpreter}, which isn't glibc's loader; use a build for glibc."));
        else if (!File.Exists(interpreter))
            found.Add(new(RefusalKind.InterpreterMissing, $"{path} needs the loader {interpreter}, which doesn't exist; install the libc that it was built for."));
    }

    private static void CheckPrivileges(string path, List<LaunchRefusal> found)
    {
        var mode = HostCalls.Mode(path) ?? 0;
        // Set-group-ID without group execution means mandatory locking, not a privilege.
        if ((mode & SetUserId) != 0 || (mode & (SetGroupId | GroupExecute)) == (SetGroupId | GroupExecute))
            found.Add(new(RefusalKind.SetId, $"{path} is set-user-ID or set-group-ID, for which the loader ignores LD_PRELOAD; run a copy without that bit (chmod ug-s)."));
        if (HostCalls.HasCapabilities(path))
            found.Add(new(RefusalKind.FileCapabilities, $"{path} has file capabilities, for which the loader ignores LD_PRELOAD; run a copy without them (setcap -r) or grant them to the service instead."));
    }

    private static LaunchRefusal Explain(string path, ElfException e) => e.Problem switch
    {
        ElfProblem.NotElf => new(RefusalKind.UnknownFormat, $"{path} is neither an ELF program nor a script that begins with '#!'; name the server's program."),
        ElfProblem.Not64Bit => new(RefusalKind.ThirtyTwoBit, $"{path} is a 32-bit program; use its 64-bit build."),
        ElfProblem.OtherMachine => new(RefusalKind.OtherMachine, $"{path} can't be started: {e.Message}, and this is x86-64; use the build for this processor."),
        ElfProblem.OtherType => new(RefusalKind.UnknownFormat, $"{path} can't be started: {e.Message}; name the server's program."),
        _ => new(RefusalKind.CorruptProgram, $"{path} is damaged ({e.Message}); install it again."),
    };
}
