using System.Net.Sockets;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Requests;

/// <summary>Who is at the other end of a Unix socket, as the kernel recorded it at connect (SO_PEERCRED, unix(7)).</summary>
internal readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid)
{
    private const int SOL_SOCKET = 1, SO_PEERCRED = 17;

    /// <summary>Null when the kernel doesn't say.</summary>
    internal static unsafe PeerCredentials? Of(Socket socket)
    {
        PeerCredentials peer;
        uint length = (uint)sizeof(PeerCredentials);
        int result = Libc.GetSockOpt((int)socket.Handle, SOL_SOCKET, SO_PEERCRED, &peer, &length);
        return result == 0 && length == sizeof(PeerCredentials) ? peer : null;
    }

    /// <summary>Whether this peer may see and control the sessions of the current user.</summary>
    internal bool MayControl => Uid == 0 || Uid == Libc.Geteuid();
}
