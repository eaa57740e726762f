using System.Net.Sockets;

namespace Mvedsua.Coordinator.Control;

/// <summary>
/// Where sessions live: one directory per session, named like it, mode 0700, holding the control socket.
/// <c>$XDG_RUNTIME_DIR/mvedsua</c>, or <c>/tmp/mvedsua-UID</c> when that variable names no directory.
/// </summary>
public static class SessionDirectory
{
    /// <summary>File name of the control socket inside a session's directory.</summary>
    public const string SocketName = "control.sock";

    private const int LongestSocketPath = 108;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The directory of all of this user's sessions. May not exist yet.</summary>
    public static string Root
    {
        get
        {
            var runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
            return !string.IsNullOrEmpty(runtime) && Path.IsPathRooted(runtime) && Directory.Exists(runtime)
                ? Path.Combine(runtime, "mvedsua")
                : $"/tmp/mvedsua-{Tmds.Linux.LibC.geteuid()}";
        }
    }

    /// <summary>The directory of one session. May not exist.</summary>
    public static string PathOf(string name) => Path.Combine(Root, name);

    /// <summary>Whether the kernel can have a socket at the session's path (unix(7): 108 bytes, the end included).</summary>
    public static bool HasRoomForSocket(string name) => System.Text.Encoding.UTF8.GetByteCount(SocketOf(name)) < LongestSocketPath;

    /// <summary>The control socket of one session. May not exist.</summary>
    public static string SocketOf(string name) => Path.Combine(PathOf(name), SocketName);

    /// <summary>Names of the sessions whose server or coordinator runs, in order.</summary>
    public static IReadOnlyList<string> Names()
    {
        if (!Directory.Exists(Root) || !OwnedPrivately(Root)) return [];
        return
        [
            .. new DirectoryInfo(Root).EnumerateDirectories()
                .Select(d => d.Name).Where(name => SessionName.IsValid(name) && IsLive(name)).Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Creates the root when it is missing, for this user alone.</summary>
    /// <exception cref="UnauthorizedAccessException">Somebody else's, a link, or open to others.</exception>
    /// <exception cref="IOException">It can't be created.</exception>
    public static void EnsureRoot()
    {
        Directory.CreateDirectory(Root, Private);
        if (!OwnedPrivately(Root))
            throw new UnauthorizedAccessException($"{Root} is a link, belongs to another user or is open to others");
    }

    /// <summary>True when a coordinator listens on the session's control socket.</summary>
    public static bool HasListener(string name)
    {
        if (!HasRoomForSocket(name)) return false;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(SocketOf(name)));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>True while a session of that name has a coordinator or a running server.</summary>
    public static bool IsLive(string name) =>
        HasListener(name) || Sessions.SessionLock.IsHeld(name) || (Sessions.SessionFile.Load(name) is { } file && Sessions.SessionSurvivor.Of(file) is not null);

    // /tmp is open to everybody: a directory prepared there by another user must not be trusted.
    private static unsafe bool OwnedPrivately(string path)
    {
        var info = new DirectoryInfo(path);
        if (info.LinkTarget is not null || (info.UnixFileMode & ~Private) != 0) return false;
        Tmds.Linux.stat status;
        var bytes = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* p = bytes)
        {
            return Tmds.Linux.LibC.stat(p, &status) == 0 && status.st_uid == Tmds.Linux.LibC.geteuid();
        }
    }
}
