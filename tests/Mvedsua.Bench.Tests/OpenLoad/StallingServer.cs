using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Bench.Tests.OpenLoad;

/// <summary>Answers every request for the page at once, in order, but for one request, at which it does something else.</summary>
internal sealed class StallingServer : IDisposable
{
    private const int RequestLength = 40; // of "GET /check HTTP/1.1…"

    /// <summary>To each request.</summary>
    internal static readonly byte[] Answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n" + ModelServer.Page());

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly int _special;
    private readonly Action<Socket> _instead;
    private int _requests;

    /// <param name="special">The number of that request, from 0.</param>
    /// <param name="instead">Is run before it is answered.</param>
    internal StallingServer(int special, Action<Socket> instead)
    {
        (_special, _instead) = (special, instead);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        new Thread(Accept) { IsBackground = true }.Start();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var client = _listener.Accept();
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket client)
    {
        var requests = new byte[RequestLength * 1000];
        using (client)
        {
            try
            {
                client.NoDelay = true;
                for (var unanswered = 0; client.Receive(requests) is var n and > 0;)
                {
                    for (unanswered += n; unanswered >= RequestLength; unanswered -= RequestLength)
                    {
                        if (Interlocked.Increment(ref _requests) - 1 == _special) _instead(client);
                        client.Send(Answer);
                    }
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The load has ended, or it is closed on purpose.
            }
        }
    }
}
