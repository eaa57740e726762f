using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Launch;

/// <summary>What can be said against a session of this name with these limits.</summary>
public static class SessionChecks
{
    /// <summary>Smallest log limit in bytes: the header, the cursors and room for the largest record the shim publishes
    /// in one piece.</summary>
    public const long SmallestLogLimit = 1 << 20;

    private const int ProbeSize = 64 << 10;

    /// <summary>Everything that stands against it; empty when the session can be made. Leaves no file behind.</summary>
    public static IReadOnlyList<LaunchRefusal> Check(string name, long? logLimit)
    {
        List<LaunchRefusal> found = [];
        if (!SessionName.IsValid(name))
            found.Add(new(RefusalKind.SessionNameInvalid, $"'{name}' can't be a session's name; use 1 to {SessionName.MaxLength} letters, digits, dots, dashes and underscores, beginning with a letter or digit."));
        else if (SessionDirectory.IsLive(name))
            found.Add(new(RefusalKind.SessionNameInUse, $"a session named '{name}' is running; choose another --name."));
        if (SessionName.IsValid(name) && !SessionDirectory.HasRoomForSocket(name))
            found.Add(new(RefusalKind.SessionDirectory, $"the path {SessionDirectory.SocketOf(name)} is too long for a socket; choose a shorter --name, or point XDG_RUNTIME_DIR to a shorter path."));
        if (logLimit is < SmallestLogLimit and var limit)
            found.Add(new(RefusalKind.LogLimitTooSmall, $"a log limit of {ByteSize.Format(limit)} can't hold one record; give at least {ByteSize.Format(SmallestLogLimit)}."));
        if (CheckDirectory() is { } refusal) found.Add(refusal);
        return found;
    }

    /// <summary>Null when the session directory is private, writable and has room.</summary>
    public static LaunchRefusal? CheckDirectory()
    {
        var probe = Path.Combine(SessionDirectory.Root, $".probe-{Environment.ProcessId}");
        try
        {
            SessionDirectory.EnsureRoot();
            try
            {
                using var file = File.OpenHandle(probe, FileMode.CreateNew, FileAccess.Write);
                RandomAccess.Write(file, new byte[ProbeSize], 0);
                return null;
            }
            finally
            {
                File.Delete(probe);
            }
        }
        catch (IOException e) when ((e.HResult & 0xffff) is NoSpace or QuotaExceeded)
        {
            return new(RefusalKind.DiskFull, $"the file system of {SessionDirectory.Root} is full; free some space there, or point XDG_RUNTIME_DIR elsewhere.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(RefusalKind.SessionDirectory, $"the session directory can't be used ({e.Message.TrimEnd('.')}); make it yours alone and writable, or point XDG_RUNTIME_DIR elsewhere.");
        }
    }

    private const int NoSpace = 28, QuotaExceeded = 122; // ENOSPC, EDQUOT
}
