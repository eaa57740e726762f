using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Speaks to the service manager that started us, if one did (sd_notify(3)). The server's own messages
/// (READY=1 …) go past us untouched: it inherits NOTIFY_SOCKET.</summary>
internal static class ServiceManager
{
    /// <summary>Tells that another process is the service's main process now. Returns false when nobody listens.</summary>
    internal static bool TellMainPid(int pid)
    {
        string? path = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(path) || path[0] is not ('/' or '@')) return false;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            var address = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);
            string text = string.Create(CultureInfo.InvariantCulture, $"MAINPID={pid}");
            return socket.SendTo(Encoding.ASCII.GetBytes(text), address) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
