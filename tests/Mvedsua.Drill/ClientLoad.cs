using System.Diagnostics;
using System.Net.Sockets;

namespace Mvedsua.Drill;

/// <summary>One connection after another that knows every answer.</summary>
internal abstract class DrillClient : IDisposable
{
    internal abstract void Connect();

    /// <summary>Makes one request; throws when its answer is wrong.</summary>
    internal abstract void Ask();

    /// <summary>The last request, for a reader.</summary>
    internal virtual string? LastAsked => null;

    /// <summary>The connection was closed by name: whether the request on the way was made is unknown.</summary>
    internal abstract void Lost();

    public abstract void Dispose();
}

/// <summary>Clients of one kind, each with a thread of its own.</summary>
internal sealed class ClientLoad<T> : DrillLoad where T : DrillClient
{
    private readonly List<T> _clients = [];

    /// <param name="count">How many.</param>
    /// <param name="make">Makes the one of that number; it is given the load.</param>
    internal ClientLoad(int count, Func<int, DrillLoad, T> make)
    {
        for (int i = 0; i < count; i++) _clients.Add(make(i, this));
        foreach ((int i, T client) in _clients.Index()) StartThread($"connection {i}", () => Serve(client));
    }

    /// <summary>After <see cref="DrillLoad.Finish"/>: what each of them knows.</summary>
    internal IReadOnlyList<T> Clients => _clients;

    private void Serve(T client)
    {
        client.Connect();
        try
        {
            for (int round = 0; !Stopping; round++)
            {
                try
                {
                    /* New connections all the time: a kill may find the server in accept. */
                    if (round % 40 == 39) client.Connect();
                    long begin = Stopwatch.GetTimestamp();
                    client.Ask();
                    Answered(begin, client.LastAsked);
                    if (ThinkTime is { Ticks: > 0 } time) Thread.Sleep(time);
                }
                catch (Exception e) when (MayClose && e is EndOfStreamException or SocketException or IOException)
                {
                    WasClosedByName();
                    client.Lost();
                    client.Connect();
                }
            }
        }
        finally
        {
            client.Dispose();
        }
    }
}
