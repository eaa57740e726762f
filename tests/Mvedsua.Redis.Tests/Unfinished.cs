using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>Connections in the middle of something: blocked, in a transaction, subscribed, with half a command sent. What they wait for comes
/// later, on the same connections. Afterwards no key is left of it.</summary>
internal sealed class Unfinished : IDisposable
{
    private readonly string _name;
    private readonly RespClient _list, _move, _scores, _stream, _group, _transaction, _watching, _subscriber, _half, _inTime, _tracking;
    private readonly RespClient[] _all;
    private readonly long _trackingId;
    private readonly string[] _connections;

    /// <param name="connect">To the server.</param>
    /// <param name="name">What its keys' names begin with.</param>
    /// <param name="seconds">After which one of them has waited in vain for long enough.</param>
    internal Unfinished(Func<RespClient> connect, string name, int seconds)
    {
        _name = name;
        _all = [.. Enumerable.Range(0, 11).Select(_ => connect())];
        (_list, _move, _scores, _stream, _group) = (_all[0], _all[1], _all[2], _all[3], _all[4]);
        (_transaction, _watching, _subscriber, _half, _inTime, _tracking) = (_all[5], _all[6], _all[7], _all[8], _all[9], _all[10]);
        _list.Send("BLPOP", $"{name}:none", $"{name}:list", "0");
        _move.Send("BLMOVE", $"{name}:from", $"{name}:to", "LEFT", "RIGHT", "0");
        _scores.Send("BZPOPMIN", $"{name}:scores", "0");
        _stream.Send("XREAD", "BLOCK", "0", "STREAMS", $"{name}:stream", "$");
        _half.Ok("XGROUP", "CREATE", $"{name}:grouped", "group", "$", "MKSTREAM");
        _group.Send("XREADGROUP", "GROUP", "group", "one", "BLOCK", "0", "STREAMS", $"{name}:grouped", ">");
        _inTime.Send("BLPOP", $"{name}:none", $"{seconds}");
        _transaction.Expect("+OK\r\n", "MULTI");
        _transaction.Expect("+QUEUED\r\n", "INCR", $"{name}:count");
        _transaction.Expect("+QUEUED\r\n", "RPUSH", $"{name}:queued", "a", "b");
        _watching.Expect("+OK\r\n", "WATCH", $"{name}:watched");
        _watching.Expect("+OK\r\n", "MULTI");
        _watching.Expect("+QUEUED\r\n", "PING");
        _subscriber.Ok("SUBSCRIBE", $"{name}:news");
        _subscriber.Ok("PSUBSCRIBE", $"{name}:w*");
        _tracking.Ok("HELLO", "3");
        _trackingId = long.Parse(_tracking.Ok("CLIENT", "ID")[1..]);
        _tracking.Ok("CLIENT", "TRACKING", "ON");
        _tracking.Expect("_\r\n", "GET", $"{name}:tracked");
        _half.SendRaw("*2\r\n$4\r\nECHO\r\n$8\r\nhalf");
        foreach (RespClient client in _all) Ports.Add(client.LocalPort);
        using RespClient asked = connect();
        foreach (RespClient client in (RespClient[])[_list, _move, _scores, _stream, _group, _inTime])
            Host.Until(() => IsBlocked(asked, client), $"the client at {client.LocalPort} is blocked");
        _connections = Connections.Of(asked, Ports);
    }

    internal List<int> Ports { get; } = [];

    private static bool IsBlocked(RespClient asked, RespClient client) => Connections.Line(asked, client.LocalPort).Contains(" flags=b ");

    /// <summary>Everything that was awaited comes now, but for the one whose time is not over.</summary>
    internal void Finish(RespClient client)
    {
        client.Expect(":1\r\n", "RPUSH", $"{_name}:list", "job");
        Assert.Equal(Array($"{_name}:list", "job"), _list.Read());
        client.Expect(":1\r\n", "RPUSH", $"{_name}:from", "job");
        Assert.Equal(RespClient.Bulk("job"), _move.Read());
        client.Expect(Array("job"), "LRANGE", $"{_name}:to", "0", "-1");
        client.Expect(":1\r\n", "ZADD", $"{_name}:scores", "2.5", "low");
        Assert.Equal(Array($"{_name}:scores", "low", "2.5"), _scores.Read());
        foreach ((string stream, RespClient reader) in ((string, RespClient)[])[("stream", _stream), ("grouped", _group)])
        {
            client.Expect(RespClient.Bulk("7-1"), "XADD", $"{_name}:{stream}", "7-1", "field", "value");
            Assert.Equal($"*1\r\n*2\r\n{RespClient.Bulk($"{_name}:{stream}")}*1\r\n*2\r\n{RespClient.Bulk("7-1")}{Array("field", "value")}", reader.Read());
        }
        Assert.Equal("*2\r\n:1\r\n:2\r\n", _transaction.Call("EXEC"));
        client.Ok("SET", $"{_name}:watched", "changed");
        Assert.Equal("*-1\r\n", _watching.Call("EXEC"));
        client.Expect(":1\r\n", "PUBLISH", $"{_name}:news", "first");
        client.Expect(":1\r\n", "PUBLISH", $"{_name}:weather", "second");
        Assert.Equal(Array("message", $"{_name}:news", "first"), _subscriber.Read());
        Assert.Equal(Array("pmessage", $"{_name}:w*", $"{_name}:weather", "second"), _subscriber.Read());
        client.Ok("SET", $"{_name}:tracked", "changed");
        Assert.Equal($">2\r\n{RespClient.Bulk("invalidate")}*1\r\n{RespClient.Bulk($"{_name}:tracked")}", _tracking.Read());
        _tracking.Expect($":{_trackingId}\r\n", "CLIENT", "ID");
        _half.SendRaw("ness\r\n");
        Assert.Equal(RespClient.Bulk("halfness"), _half.Read());
        client.Ok(["DEL", .. ((string[])["to", "stream", "grouped", "count", "queued", "watched", "tracked"]).Select(key => $"{_name}:{key}")]);
        Assert.Equal(_connections, Connections.Of(client, Ports));
    }

    /// <summary>The one that waits for a time only waits still: what was done meanwhile it has spanned.</summary>
    internal void HasTimeLeft(RespClient client) => Assert.True(IsBlocked(client, _inTime), "its time was over before");

    /// <summary>Its time ends.</summary>
    internal void TimeIsOver() => Assert.Equal("*-1\r\n", _inTime.Read());

    private static string Array(params string[] elements) => $"*{elements.Length}\r\n{string.Concat(elements.Select(RespClient.Bulk))}";

    public void Dispose()
    {
        foreach (RespClient client in _all) client.Dispose();
    }
}
