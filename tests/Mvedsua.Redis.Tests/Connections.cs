using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>What the server knows of its connections. One that was made anew would have another number and another port.</summary>
internal static class Connections
{
    /// <summary>Number and address by which the server knows the clients at these ports.</summary>
    internal static string[] Of(RespClient client, IEnumerable<int> ports) =>
        [.. ports.Select(port => Line(client, port)).Select(line => string.Join(' ', line.Split(' ').Take(4)))];

    /// <summary>The line of CLIENT LIST.</summary>
    internal static string Line(RespClient client, int port) =>
        client.Ok("CLIENT", "LIST").Split('\n').SingleOrDefault(line => line.Contains($" addr=127.0.0.1:{port} "))
        ?? throw new InvalidOperationException($"the server has no connection from port {port} any more");
}
