using System.Diagnostics;
using System.Net.Sockets;

namespace Mvedsua.Follower.Tests;

/// <summary>Connections that send SET, GET and INCR without pause and know every answer. A server that dies between a
/// call and its record may lose or repeat the one request that is in flight then: such an answer is counted, and
/// anything else fails.</summary>
internal sealed class CheckedLoad : IDisposable
{
    private readonly List<Thread> _threads = [];
    private readonly List<string> _wrong = [];
    private volatile bool _stop;
    private long _requests, _slowestTicks;
    private int _inFlight, _closed;

    internal CheckedLoad(RedisUnderMvedsua server, int connections, int thinkMs = 0)
    {
        for (int i = 0; i < connections; i++)
        {
            int number = i;
            var thread = new Thread(() => Run(server.Port, number, thinkMs)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
    }

    internal long Requests => Interlocked.Read(ref _requests);

    /// <summary>Requests that a death lost or repeated, connections that it closed.</summary>
    internal int Ambiguous => _inFlight;

    internal int Closed => _closed;
    internal TimeSpan Slowest => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _slowestTicks));

    internal void ForgetSlowest() => Interlocked.Exchange(ref _slowestTicks, 0);

    /// <summary>Waits for so many more requests.</summary>
    internal void More(long requests)
    {
        long goal = Requests + requests;
        Host.Until(() => Requests >= goal || Wrong is not null, $"{requests} more requests are answered", 60);
        Assert.True(Wrong is null, Wrong);
    }

    internal string? Wrong
    {
        get { lock (_wrong) return _wrong.Count == 0 ? null : string.Join('\n', _wrong); }
    }

    private void Run(int port, int number, int thinkMs)
    {
        string key = $"load:{Guid.NewGuid():N}";
        long counter = 0;
        RespClient? client = null;
        try
        {
            client = new RespClient(port);
            for (int round = 0; !_stop; round++)
            {
                try { Round(client, key, round, ref counter); }
                catch (Exception e) when (!_stop && e is EndOfStreamException or SocketException { SocketErrorCode: SocketError.ConnectionReset })
                {
                    /* What can't be settled closes its connection: the request was made once or not at all. */
                    Interlocked.Increment(ref _closed);
                    client.Dispose();
                    client = new RespClient(port);
                    string stands = client.Call("GET", key + ":n");
                    if (stands == RespClient.Bulk($"{counter + 1}")) counter++;
                    else if (stands != RespClient.Bulk($"{counter}") && !(counter == 0 && stands == "$-1\r\n"))
                        throw new InvalidDataException($"after a reconnection the counter is {RespClient.Shorten(stands)}, not {counter} or one more");
                }
                if (thinkMs > 0) Thread.Sleep(thinkMs);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException or FormatException)
        {
            lock (_wrong) _wrong.Add($"connection {number}: {e.GetType().Name}: {e.Message}");
        }
        finally
        {
            client?.Dispose();
        }
    }

    private void Round(RespClient client, string key, int round, ref long counter)
    {
        string value = $"{key}:{round}:{new string((char)('a' + round % 26), round % 97)}";
        Check(client, "+OK\r\n", "SET", key, value);
        Check(client, RespClient.Bulk(value), "GET", key);
        string reply = Timed(client, "INCR", key + ":n");
        if (reply == $":{counter + 2}\r\n") /* made by the dead leader, and again */
        {
            Interlocked.Increment(ref _inFlight);
            counter++;
        }
        else if (reply != $":{counter + 1}\r\n")
        {
            throw new InvalidDataException($"INCR {counter + 1} was answered {RespClient.Shorten(reply)}");
        }
        counter++;
    }

    private void Check(RespClient client, string expected, params string[] command)
    {
        string reply = Timed(client, command);
        if (reply != expected)
            throw new InvalidDataException($"{command[0]}: expected {RespClient.Shorten(expected)}, got {RespClient.Shorten(reply)}");
    }

    private string Timed(RespClient client, params string[] command)
    {
        long begin = Stopwatch.GetTimestamp();
        string reply = client.Call(command);
        long took = Stopwatch.GetTimestamp() - begin;
        for (long seen = Interlocked.Read(ref _slowestTicks); took > seen;)
        {
            long before = Interlocked.CompareExchange(ref _slowestTicks, took, seen);
            if (before == seen) break;
            seen = before;
        }
        Interlocked.Increment(ref _requests);
        return reply;
    }

    /// <summary>Stops the load; nothing may have gone wrong.</summary>
    internal void Finish()
    {
        _stop = true;
        foreach (Thread thread in _threads) Assert.True(thread.Join(30_000), "a connection got no answer");
        Assert.True(Wrong is null, Wrong);
    }

    public void Dispose()
    {
        _stop = true;
        foreach (Thread thread in _threads) thread.Join(25_000);
    }
}
